// Metaspace pre-tokenizer: spaces become a visible mark, "▁", and each mark begins a word (tokenizers' Metaspace).
#pragma once

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "tokenize/pre_tokenizers.h"

namespace bertjit {

/// Named as in tokenizer.json.
struct MetaspaceOptions {
  enum class PrependScheme { kAlways, kFirst, kNever };

  std::string replacement = "▁";                          ///< one character
  PrependScheme prepend_scheme = PrependScheme::kAlways;  ///< which stretches get a mark in front, where they have none
  bool split = true;                                      ///< else the stretch is one word
};

std::unique_ptr<PreTokenizer> make_metaspace(const MetaspaceOptions& options);

/// The same from the JSON of a tokenizer.json.
std::unique_ptr<PreTokenizer> parse_metaspace(const nlohmann::json& object, const std::string& file);

/// Its options, of the pre-tokenizer or the decoder Metaspace. The older field add_prefix_space may only agree with
/// prepend_scheme, as in tokenizers. Throws Error(kCorrupt) with file and field.
MetaspaceOptions parse_metaspace_options(const nlohmann::json& object, const std::string& file);

}  // namespace bertjit
