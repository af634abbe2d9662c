// `bertjit checksum` as a function.
#pragma once

#include <string>
#include <vector>

#include "invocation.h"

namespace bertjit {

/// Runs the command on the arguments after its name and sets the exit code: 0 or 1, as sha512sum. False if they ask for
/// help: nothing is done then.
bool run_checksum_command(const std::vector<std::string>& arguments, Invocation& invocation);

}  // namespace bertjit
