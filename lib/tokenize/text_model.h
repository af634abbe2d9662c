// The part of a tokenizer that differs between WordPiece, BPE and SentencePiece: plain text to ids.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bertjit {

/// Where a stretch of text stands: Metaspace may put its mark before the first one only.
enum class TextPlace {
  kTextStart,  ///< nothing stands before it, not even an added token
  kInside,
};

/// Works on text between added tokens; knows nothing of pairs, special tokens, truncation or padding.
class TextModel {
 public:
  virtual ~TextModel() = default;

  /// Appends `text` as the model wants to see it (lower case, spaces). The result is well-formed UTF-8 whatever `text`
  /// is.
  virtual void append_normalized(std::string_view text, std::string& out) const = 0;

  /// Appends the ids of text that append_normalized() made.
  virtual void append_ids(std::string_view normalized, TextPlace place, std::vector<int32_t>& ids) const = 0;
};

}  // namespace bertjit
