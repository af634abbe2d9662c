// One line of input: a text, or a pair, and how it is to be encoded, in the words of a call of a transformers
// tokenizer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tokenize/tokenizer.h"

namespace bertjit {

/// The values of transformers' `padding`.
enum class PaddingMode {
  kNone,
  kLongest,  ///< up to the longest text of the call; a line is a call of its own, so nothing is padded there
  kMaxLength,
};

/// The arguments of tokenizer(text, text_pair, ...) of transformers; absent: not passed.
struct EncodeCall {
  std::optional<int64_t> max_length;
  std::optional<PaddingMode> padding;
  std::optional<Truncation> truncation;
  SpecialTokens special_tokens = SpecialTokens::kAdd;
};

/// "max_length", "longest" or "true", "do_not_pad" or "false"; nothing for other words.
std::optional<PaddingMode> find_padding(std::string_view word);
/// "longest_first" or "true", "only_first", "only_second", "do_not_truncate" or "false"; nothing for other words.
std::optional<Truncation> find_truncation(std::string_view word);
/// The words above, for messages.
inline constexpr const char* kPaddingWords = "max_length|longest|do_not_pad|true|false";
inline constexpr const char* kTruncationWords = "longest_first|only_first|only_second|do_not_truncate|true|false";

/// Whether transformers would truncate unasked: max_length is given, padding and truncation are not.
bool implies_truncation(const EncodeCall& call);

/// What the tokenizer is told to do. Padding to the longest becomes none.
EncodeOptions to_options(const EncodeCall& call);

struct EncodeRequest {
  std::string text;
  std::optional<std::string> text_pair;
  EncodeCall call;
};

/// A tab splits a pair. Throws Error(kInvalidArgument) if there is more than one.
EncodeRequest parse_text(std::string_view text, const EncodeCall& call);

/// An object with `text` and, each optional or null, `text_pair`, `max_length`, `padding`, `truncation`, which overrule
/// `call`. Other members are passed over: recorded cases hold their answers beside the question.
///
/// Throws Error(kCorrupt) if the line is not JSON in UTF-8; Error(kInvalidArgument) that names the member and its value
/// if it is of another type or no known word.
EncodeRequest parse_json_line(std::string_view line, const EncodeCall& call);

}  // namespace bertjit
