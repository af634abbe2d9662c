#include "infer/int8_engine.h"

#include <algorithm>

#include <ATen/Context.h>

#include "support/error.h"
#include "support/processor.h"
#include "support/words.h"

namespace bertjit {

namespace {

struct NamedEngine {
  const char* name;
  at::QEngine engine;
};
constexpr NamedEngine kEngines[] = {{"x86", at::QEngine::X86},
                                    {"fbgemm", at::QEngine::FBGEMM},
                                    {"onednn", at::QEngine::ONEDNN},
                                    {"qnnpack", at::QEngine::QNNPACK}};

std::string name_of(at::QEngine wanted) {
  const auto known = std::ranges::find(kEngines, wanted, &NamedEngine::engine);
  return known == std::end(kEngines) ? "none" : known->name;
}

}  // namespace

std::string int8_engine() {
  return name_of(at::globalContext().qEngine());
}

std::vector<std::string> int8_engines() {
  std::vector<std::string> names;
  for (const at::QEngine engine : at::Context::supportedQEngines()) {
    if (engine != at::QEngine::NoQEngine) {
      names.push_back(name_of(engine));
    }
  }
  return names;
}

std::string fastest_int8_engine() {
  const auto features = describe_processor().features;
  const auto engines = int8_engines();
  const bool has_tiles = std::ranges::find(features, "amx_int8") != features.end();
  return has_tiles && std::ranges::find(engines, "onednn") != engines.end() ? "onednn" : int8_engine();
}

Int8EngineGuard::Int8EngineGuard(const std::string& name) : previous_(static_cast<int>(at::globalContext().qEngine())) {
  const std::string wanted = name.empty() ? fastest_int8_engine() : name;
  const auto known = std::ranges::find_if(kEngines, [&](const NamedEngine& engine) { return wanted == engine.name; });
  if (known == std::end(kEngines)) {
    if (name.empty()) {
      return;  // a libtorch without any
    }
    throw Error(ErrorKind::kInvalidArgument, "--engine " + name + ": not known (known: x86, fbgemm, onednn, qnnpack)");
  }
  const auto supported = int8_engines();
  if (std::ranges::find(supported, wanted) == supported.end()) {
    throw Error(ErrorKind::kUnsupported,
                "--engine " + wanted + ": this CPU, or this libtorch, has " + joined(supported) + " alone");
  }
  at::globalContext().setQEngine(known->engine);
}

Int8EngineGuard::~Int8EngineGuard() {
  at::globalContext().setQEngine(static_cast<at::QEngine>(previous_));
}

}  // namespace bertjit
