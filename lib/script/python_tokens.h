// Python text to tokens and logical lines: what is needed to find statements before TorchScript's parser sees them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bertjit {

struct PythonToken {
  enum class Kind { kName, kNumber, kString, kOperator, kTypeComment, kBad };
  Kind kind;
  size_t begin;  ///< bytes of the text
  size_t end;
  /// kBad: what is wrong ("a string that does not end").
  const char* fault = "";
  /// What a token that the text does not have says; it stands where `begin` is.
  const char* written = nullptr;
};

/// A statement's line, or the head of a block ("if x:"), over as many lines of text as it takes. What follows the colon
/// or a semicolon on the same line of text is a logical line of its own.
struct LogicalLine {
  size_t indent;  ///< columns, a tab to the next multiple of 8; one more than its head's for `if x: return`
  std::vector<PythonToken> tokens;  ///< never empty
  bool head = false;                ///< ends in the colon of a block
  const char* fault = "";           ///< what is wrong with its indentation
};

/// Never fails: what is no token becomes one of kind kBad, which whoever needs the line reports.
std::vector<LogicalLine> split_logical_lines(std::string_view text);

bool opens_bracket(std::string_view token);
bool closes_bracket(std::string_view token);

std::string_view token_text(std::string_view text, const PythonToken& token);

}  // namespace bertjit
