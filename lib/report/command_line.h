// How to run it again.
#pragma once

#include <string>
#include <vector>

namespace bertjit {

/// The arguments as a shell would have to be given them, each quoted if it needs to be, after the program's name.
std::string command_line(const std::vector<std::string>& arguments);

}  // namespace bertjit
