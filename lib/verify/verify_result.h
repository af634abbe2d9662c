// What `verify` found, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/source_choice.h"
#include "source/source_kind.h"
#include "support/evidence.h"

namespace bertjit {

/// Stages of the work (support/flight_recorder.h) that are checks: this, and the id.
inline constexpr const char* kCheckStage = "check ";

/// What another run needs to come out the same.
struct VerifyEnvironment {
  std::string bertjit;         ///< version
  std::string libtorch;        ///< version
  std::string cpu_capability;  ///< the instructions libtorch uses: "AVX512"
  int threads = 0;             ///< inside one operator
  int interop_threads = 0;
  uint64_t seed = 0;
};

struct VerifyResult {
  std::string module;  ///< path as given
  std::string source;  ///< path as given; empty if there is none
  std::optional<SourceKind> source_kind;
  std::optional<SourceChoice> choice;  ///< what was made of a checkpoint; unset if none was needed
  std::string example;                 ///< where the example inputs come from
  std::string claims_from;             ///< "extra/bertjit.json", the path of --claims; empty where nothing is claimed
  /// What the file was told to be from its names, shapes and code: "bert BertForMaskedLM"; empty if that was not asked
  /// or could not be told.
  std::string recognised;
  VerifyEnvironment environment;
  std::vector<CheckResult> checks;
  /// The failed check that says most of what is wrong, and its `where`; empty if none failed.
  std::string blamed;
  std::string where;
  bool passed = false;           ///< no check failed, and at least one passed
  bool nothing_checked = false;  ///< every check was skipped: no answer
  bool unsafe = false;           ///< refused: it was not loaded
};

}  // namespace bertjit
