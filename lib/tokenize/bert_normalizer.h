// BertNormalizer of tokenizers: cleaning, spaces around ideographs, accents, lower case, in that order.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bertjit {

/// Named as in tokenizer.json.
struct BertNormalizerOptions {
  bool clean_text = true;             ///< drop control characters, NUL and U+FFFD; every white space becomes a space
  bool handle_chinese_chars = true;   ///< a space before and after each ideograph
  std::optional<bool> strip_accents;  ///< decompose and drop nonspacing marks; when unset, as `lowercase`
  bool lowercase = true;              ///< code point by code point, so no final sigma
};

class BertNormalizer {
 public:
  explicit BertNormalizer(const BertNormalizerOptions& options);

  /// Appends the normal form of `text`. Malformed UTF-8 counts as U+FFFD.
  void append(std::string_view text, std::string& out) const;

 private:
  void append_ascii(std::string_view text, std::string& out) const;
  void append_unicode(std::string_view text, std::string& out) const;

  BertNormalizerOptions options_;
  bool strip_accents_;
  std::array<uint8_t, 128> ascii_;  ///< what an ASCII byte becomes, or kDropped
};

}  // namespace bertjit
