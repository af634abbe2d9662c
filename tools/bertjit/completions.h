// What a shell offers when Tab is pressed: commands, flags, the words that a flag takes, files of the kind that fits.
// Each shell gets a script of its own, made from the program's flags, which does not call the program.
#pragma once

#include <string>

#include "command_tree.h"

namespace bertjit {

std::string bash_completions(const CommandFacts& program);
std::string zsh_completions(const CommandFacts& program);
std::string fish_completions(const CommandFacts& program);

}  // namespace bertjit
