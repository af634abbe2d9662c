#include "engine/text_engine.h"

extern "C" __attribute__((visibility("default"))) const bertjit::TextEngine* bertjit_text_engine() {
  static constexpr bertjit::TextEngine engine = {bertjit::kTextEngineVersion, bertjit::load_tokenizer};
  return &engine;
}
