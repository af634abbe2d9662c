// Python's grammar of expressions, said in the parser's.
//
// TorchScript's parser binds `~` looser than every binary operator, `and` as tightly as `or`, nests `a < b < c` to the
// left and knows one `for` without `if` in a comprehension. It does take parentheses; so the tokens of an expression
// get those that make the parser read what Python means:
//
//   ~a & b                          (~ a) & b
//   a or b and c                    a or (b and c)
//   a < f(b) < c                    (a < f(b) and f(b) < c)
//   [e for x in r if c]             __bertjit_flatten([([e] if c else []) for x in r])
//   [e for x in r for y in x]       __bertjit_flatten([[e for y in x] for x in r])
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "script/python_tokens.h"

namespace bertjit {

/// How deep brackets may be nested, as in Python ("too many nested parentheses").
inline constexpr size_t kMaxBrackets = 200;

/// The tokens of a line or an expression with those that Python's meaning needs added. Added ones have `written` set
/// and stand where what they belong to stands; operands of a chain of comparisons come twice. Throws TextFault for
/// brackets that do not match or are nested too deep.
std::vector<PythonToken> with_python_precedence(std::string_view text, std::span<const PythonToken> tokens);

}  // namespace bertjit
