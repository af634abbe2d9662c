// Where one run of the program writes to, and how it ends.
#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <vector>

#include "support/child_process.h"

namespace bertjit {

/// Whether the process is this program's alone.
enum class Process {
  kOwn,     ///< one thread, the real streams: it may fork
  kShared,  ///< a part of another program, a test say
};

/// --timeout, --max-memory, --no-isolate (isolation.h).
struct IsolationOptions {
  ChildLimits limits;
  bool no_isolate = false;
};

/// Tests hand in string streams; main() hands in the real ones.
struct Invocation {
  std::istream& in;
  std::ostream& out;  ///< results
  std::ostream& err;  ///< talk: progress, warnings, errors
  int exit_code = 0;  ///< 0 yes, 1 no, 2 could not answer, 3 refused as unsafe
  /// As typed, without the program's name: a report says how to run it again.
  std::vector<std::string> arguments = {};
  Process process = Process::kShared;
  IsolationOptions isolation = {};
};

}  // namespace bertjit
