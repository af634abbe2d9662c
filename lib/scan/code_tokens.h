// TorchScript code as tokens, cut where libtorch's own lexer cuts (torch/csrc/jit/frontend/lexer.h).
//
// What the lexer takes for code must never be taken for a string or a comment here, or it would not be looked at. Where
// the lexer gives up (a string that does not end, a byte that is no token) this goes on with the next byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bertjit {

struct CodeToken {
  enum class Kind : uint8_t { kName, kNumber, kString, kOperator };
  Kind kind;
  bool first;      ///< of its line, outside all brackets
  uint32_t begin;  ///< bytes of the text
  uint32_t size;
  uint32_t indent;  ///< of a first token: white space before it
};

/// At most 4 GiB of text.
std::vector<CodeToken> split_code_tokens(std::string_view text);

inline std::string_view token_text(std::string_view text, const CodeToken& token) {
  return text.substr(token.begin, token.size);
}

/// What a string token stands for, without quotes; escapes are left as they are.
std::string_view string_contents(std::string_view token);

}  // namespace bertjit
