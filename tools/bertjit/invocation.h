// Where one run of the program writes to, and how it ends.
#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <vector>

namespace bertjit {

/// Tests hand in string streams; main() hands in the real ones.
struct Invocation {
  std::istream& in;
  std::ostream& out;  ///< results
  std::ostream& err;  ///< talk: progress, warnings, errors
  int exit_code = 0;  ///< 0 yes, 1 no, 2 could not answer, 3 refused as unsafe
  /// As typed, without the program's name: a report says how to run it again.
  std::vector<std::string> arguments = {};
};

}  // namespace bertjit
