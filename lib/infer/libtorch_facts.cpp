#include "infer/libtorch_facts.h"

#include <algorithm>
#include <cctype>

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <c10/core/QEngine.h>

namespace bertjit {

namespace {

/// As Python writes it: "fbgemm", "x86".
std::string engine_name(at::QEngine engine) {
  std::string name = c10::toString(engine);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

}  // namespace

LibtorchFacts describe_libtorch() {
  LibtorchFacts facts{.environment = describe_environment(),
                      .has_mkl = at::hasMKL(),
                      .has_mkldnn = at::globalContext().hasMKLDNN(),
                      .has_openmp = at::globalContext().hasOpenMP(),
                      .has_lapack = at::hasLAPACK(),
                      .quantized_engine = engine_name(at::globalContext().qEngine()),
                      .config = at::show_config()};
  for (const at::QEngine engine : at::globalContext().supportedQEngines()) {
    if (engine != at::QEngine::NoQEngine) {
      facts.quantized_engines.push_back(engine_name(engine));
    }
  }
  return facts;
}

}  // namespace bertjit
