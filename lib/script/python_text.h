// Python's text: characters rather than bytes, and what str.format, f-strings and % make of a value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "script/objects.h"

namespace bertjit {

/// The characters of UTF-8 text, one string each; a byte that is no UTF-8 is a character by itself.
std::vector<std::string> characters_of(std::string_view text);
size_t count_characters(std::string_view text);

/// repr(value); with `ascii`, characters beyond ASCII as escapes.
std::string repr_text(const Object& value, bool ascii);

/// format(value, spec) after `!conversion` ("", "r", "s", "a"). Throws Python's ValueError and TypeError at `where`.
std::string format_value(const Object& value, const std::string& conversion, const std::string& spec,
                         const torch::jit::SourceRange& where);

/// text.format(…): `{}`, `{0}`, `{name}`, each with conversion and format. Attributes and items of arguments
/// (`{0.shape}`) are outside the subset.
std::string format_text(const std::string& text, const CallArguments& arguments, const torch::jit::SourceRange& where);

/// text % values.
std::string percent_format(const std::string& text, const Object& values, const torch::jit::SourceRange& where);

}  // namespace bertjit
