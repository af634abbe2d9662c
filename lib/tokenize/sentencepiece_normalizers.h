// Normalizers of tokenizer.json that come from SentencePiece models: Precompiled and Nmt.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "tokenize/normalizers.h"

namespace bertjit {

/// Applies a precompiled_charsmap (bytes) the way of tokenizers' Precompiled, which is not SentencePiece's own.
///
/// A grapheme cluster shorter than six bytes that begins with a key is replaced as a whole by what the shortest such
/// key becomes, so the marks after a mapped letter vanish; any other cluster is taken code point by code point.
/// SentencePiece takes the longest key at each place. `name` stands first in messages. Throws Error(kCorrupt).
std::unique_ptr<Normalizer> make_precompiled(std::string_view charsmap, const std::string& name);

/// The same from the JSON of a tokenizer.json, where the map is in base64.
std::unique_ptr<Normalizer> parse_precompiled(const nlohmann::json& object, const std::string& file);

/// Drops control characters and turns other white space into U+0020, by a list of its own (tokenizers' Nmt).
std::unique_ptr<Normalizer> make_nmt();

}  // namespace bertjit
