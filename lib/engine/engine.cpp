#include "engine/engine.h"

extern "C" __attribute__((visibility("default"))) const bertjit::Engine* bertjit_engine() {
  static constexpr bertjit::Engine engine = {bertjit::kEngineVersion, bertjit::trace, bertjit::run, bertjit::verify};
  return &engine;
}
