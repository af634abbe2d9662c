// --timeout, --max-memory, --no-isolate: models are loaded and run in a process of their own.
//
// libtorch can be made to crash, to loop and to take all memory by the file it is given. The program therefore forks
// before libtorch is loaded: the child does the whole command, output included, and the parent waits. When the child
// dies instead of answering, the parent says so, with what the child had noted of its way (support/flight_recorder.h).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "invocation.h"
#include "support/evidence.h"

namespace bertjit {

/// The stage in which a command writes its result: half of it may be out.
inline constexpr const char* kReportStage = "report";

/// A command that ended without an answer.
struct Casualty {
  std::string summary;  ///< "crashed in load: SIGSEGV"; a verb phrase without a subject
  std::string advice;   ///< the way out
  /// What was under way, outermost first: "check shapes", "run". Empty if nothing was.
  std::vector<std::string> stages;
  std::string file;   ///< what the innermost stage was about; empty if it was about none
  std::string input;  ///< the same: "input_ids [2, 7]"
  /// Whether the model is to blame: a crash, or a limit that was asked for. Else the system ended the process, or it
  /// cannot be told.
  bool is_by_model = false;
  EvidenceFields evidence;
  /// Notes of kPartialResult, in order.
  std::vector<std::string> partial_results;
};

/// Adds the three flags; what they say is in `invocation.isolation` then.
void add_isolation_flags(CLI::App& command, Invocation& invocation);

/// Does `work` in a child process, where `invocation` allows one and the flags do not refuse it, else here. When the
/// child has answered, with whatever exit code, that is this process's.
///
/// A signal that ends the child from outside (interrupt, terminate, hang-up, quit, broken pipe) ends this process too.
/// If the child dies otherwise, the temporary files it left are removed; then `tell`, if it is set, may report it and
/// return true. Else throws Error(kUnsupported) that begins with the file, or with `subject` where no file is known.
void run_isolated(Invocation& invocation, const std::string& subject, const std::function<void()>& work,
                  const std::function<bool(const Casualty&)>& tell = nullptr);

}  // namespace bertjit
