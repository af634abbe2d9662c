// Python's string literals: prefixes, escapes, f-strings.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "script/python_tokens.h"

namespace bertjit {

/// A fault at a byte of the text.
struct TextFault : std::runtime_error {
  TextFault(size_t begin_byte, size_t end_byte, const std::string& what)
      : std::runtime_error(what), begin(begin_byte), end(end_byte) {}
  TextFault(const PythonToken& at, const std::string& what) : TextFault(at.begin, at.end, what) {}
  size_t begin;
  size_t end;
};

/// A part of a literal: characters, or the expression between an f-string's braces.
struct StringPart {
  bool is_expression = false;
  std::string text;  ///< characters, with escapes resolved
  size_t begin = 0;  ///< of an expression: where it stands in the text
  size_t end = 0;
  std::string conversion;        ///< "r" of `{x!r}`
  std::vector<StringPart> spec;  ///< what is behind the colon of `{x:>{width}.2f}`
};

/// Takes a kString token apart. `{x=}` gives the characters "x=" and the expression. Throws TextFault for
/// bytes and for braces that do not match.
std::vector<StringPart> string_parts(std::string_view text, const PythonToken& token);

/// A literal for TorchScript's parser, which knows fewer escapes: always in double quotes, on one line.
std::string quote_string(std::string_view characters);

}  // namespace bertjit
