// The command line as a function.
#pragma once

#include <istream>
#include <ostream>

#include "invocation.h"

namespace bertjit {

/// Runs the program on its arguments, argv[0] included, and returns its exit code: 0 yes, 1 no, 2 could not answer,
/// 3 refused as unsafe. Results go to `out`, talk to `err`. Throws nothing.
///
/// With Process::kOwn it may return twice, in a child process and in this one, or not at all: see isolation.h.
int run_cli(int argc, const char* const* argv, std::istream& in, std::ostream& out, std::ostream& err,
            Process process = Process::kShared);

}  // namespace bertjit
