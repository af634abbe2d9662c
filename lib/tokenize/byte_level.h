// Byte-level text: GPT-2's split into words, and its alphabet of 256 visible characters for the 256 bytes
// (tokenizers' ByteLevel; bytes_to_unicode and the pattern in encoder.py of openai/gpt-2).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tokenize/pre_tokenizers.h"

namespace bertjit {

/// The pattern as tokenizer.json may spell it out.
extern const std::string_view kGpt2Pattern;

/// Walks over the words of a text: each match of
///   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// Every byte belongs to one word.
class Gpt2Words {
 public:
  /// `text` is well-formed UTF-8 and outlives the object.
  explicit Gpt2Words(std::string_view text) : text_(text) {}

  /// Moves to the next word; false at the end.
  bool next(std::string_view& word);

 private:
  std::string_view text_;
  size_t position_ = 0;
};

/// Appends each byte as its visible character: itself where it is one in Latin-1, else one from U+0100 on ("\u0120" for
/// a space).
void append_visible_bytes(std::string_view bytes, std::string& out);

/// Named as in tokenizer.json.
struct ByteLevelOptions {
  bool add_prefix_space = true;  ///< a space before a text that does not begin with one
  bool use_regex = true;         ///< split into words
};

std::unique_ptr<PreTokenizer> make_byte_level(const ByteLevelOptions& options);
/// The split alone, without the alphabet.
std::unique_ptr<PreTokenizer> make_gpt2_split();

}  // namespace bertjit
