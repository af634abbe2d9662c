// Python text to text that TorchScript's parser takes, with the origin of every character.
//
// The parser reads a subset of Python's syntax. What is cheap to say in that subset is said so here: f-strings become
// "…".format(…), generators in a call become lists, `//=` a full assignment; parentheses say what binds how
// (python_precedence.h); comments, docstrings and continuation lines go. Because each character knows where it comes
// from, the tree that is parsed still says file, line and column of the text as it was written.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "script/python_strings.h"
#include "script/python_tokens.h"

namespace bertjit {

struct RewrittenText {
  std::string text;
  std::vector<size_t> origin;  ///< for each byte of `text` the byte of the file it stands for
};

/// Names in the tree for what the parser has no syntax for: a parameter `*args` is `kStarPrefix + "args"`, `**kwargs`
/// is `kDoubleStarPrefix + "kwargs"`, and `f(**x)` is the keyword argument `kDoubleStarPrefix`.
inline constexpr std::string_view kStarPrefix = "__bertjit_star_";
inline constexpr std::string_view kDoubleStarPrefix = "__bertjit_double_star_";

/// Functions that rewritten text calls: `[a, b]` of lists to one list, and a value with the conversion and format of an
/// f-string, `{value!r:>8}`, to text.
inline constexpr std::string_view kFlattenName = "__bertjit_flatten";
inline constexpr std::string_view kFormatName = "__bertjit_format";

enum class Nesting {
  kAsIs,
  kInFunction,  ///< under a `def` of its own, as the parser takes statements in functions only
};

/// Rewrites whole logical lines of `text`. Throws TextFault for syntax outside the subset.
RewrittenText rewrite_lines(std::string_view text, std::span<const LogicalLine> lines, Nesting nesting);

/// Rewrites one expression.
RewrittenText rewrite_expression(std::string_view text, std::span<const PythonToken> tokens);

}  // namespace bertjit
