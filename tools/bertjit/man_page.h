// Man pages, from what --help is made of.
#pragma once

#include <string>

#include "command_tree.h"

namespace bertjit {

/// The page of `command` in man(7)'s language. `program` is what it is a part of, for SEE ALSO.
std::string man_page(const CommandFacts& command, const CommandFacts& program);

}  // namespace bertjit
