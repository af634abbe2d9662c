// The seam between the program and the part of bertjit that needs ICU: tokenizers, by their interface.
//
// The program gets this table from libbertjit_text.so when a command first needs it, as it gets Engine from
// libbertjit_engine.so.
#pragma once

#include "tokenize/load.h"

namespace bertjit {

struct TextEngine {
  /// Equal on both sides, or they were not built together.
  const char* version;
  std::unique_ptr<Tokenizer> (*load_tokenizer)(const std::filesystem::path& directory);
};

/// Changes with every change of the structs that cross the seam.
inline constexpr const char* kTextEngineVersion = "bertjit-text/2";

/// Name of the exported function, of type TextEngineFunction.
inline constexpr const char* kTextEngineSymbol = "bertjit_text_engine";
using TextEngineFunction = const TextEngine* (*)();

}  // namespace bertjit
