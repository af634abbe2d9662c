#include "infer/libtorch_facts.h"

#include <ATen/Context.h>
#include <ATen/Version.h>

#include "infer/int8_engine.h"

namespace bertjit {

LibtorchFacts describe_libtorch() {
  return {.environment = describe_environment(),
          .has_mkl = at::hasMKL(),
          .has_mkldnn = at::globalContext().hasMKLDNN(),
          .has_openmp = at::globalContext().hasOpenMP(),
          .has_lapack = at::hasLAPACK(),
          .quantized_engines = int8_engines(),
          .quantized_engine = int8_engine(),
          .config = at::show_config()};
}

}  // namespace bertjit
