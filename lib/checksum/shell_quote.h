// File names in messages, as GNU programs write them (quotearg's shell-escape style).
#pragma once

#include <string>
#include <string_view>

namespace bertjit {

/// `name` if nothing in it could be misread; otherwise quoted so that a shell reads it back: 'a b', "it's",
/// 'tab'$'\t'. A colon is quoted too, since messages use it as a separator; so is an empty name.
///
/// What can be printed as it is depends on the locale that the environment names (LC_ALL, LC_CTYPE, LANG): in a UTF-8
/// locale letters with accents, in the C locale nothing but ASCII.
///
/// coreutils 9.1 garbles some names that hold an apostrophe and end in an unprintable character, and so does this.
std::string quote_name(std::string_view name);

}  // namespace bertjit
