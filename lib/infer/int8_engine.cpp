#include "infer/int8_engine.h"

#include <algorithm>
#include <vector>

#include <ATen/Context.h>

#include "infer/environment.h"
#include "support/error.h"
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

std::vector<std::string> supported_engines() {
  const auto& supported = at::Context::supportedQEngines();
  std::vector<std::string> names;
  for (const auto& [name, engine] : kEngines) {
    if (std::ranges::find(supported, engine) != supported.end()) {
      names.emplace_back(name);
    }
  }
  return names;
}

}  // namespace

std::string int8_engine() {
  for (const auto& [name, engine] : kEngines) {
    if (engine == at::globalContext().qEngine()) {
      return name;
    }
  }
  return "none";
}

std::string fastest_int8_engine() {
  const auto features = describe_environment().cpu_features;
  const auto engines = supported_engines();
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
  const auto supported = supported_engines();
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
