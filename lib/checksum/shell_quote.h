// File names in messages, as GNU programs write them (quotearg's shell-escape style, in the C locale).
#pragma once

#include <string>
#include <string_view>

namespace bertjit {

/// `name` if nothing in it could be misread; otherwise quoted so that a shell reads it back: 'a b', "it's",
/// 'tab'$'\t'. A colon is quoted too, since messages use it as a separator; so is an empty name.
///
/// coreutils 9.1 itself garbles names that hold an apostrophe and end in an unprintable byte; this does not.
std::string quote_name(std::string_view name);

}  // namespace bertjit
