// What `trace` made, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "infer/bound_input.h"
#include "source/source_choice.h"
#include "source/source_kind.h"
#include "support/evidence.h"

namespace bertjit {

struct TracedOutput {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;  ///< on the example
};

/// What is known of a checkpoint's network alone.
struct TracedCheckpoint {
  SourceChoice choice;                      ///< the network, its weights, and why
  std::string attention;                    ///< "sdpa", "eager"
  std::string tie;                          ///< "clone", "share"; empty if no decoder is tied
  std::vector<std::string> unused_weights;  ///< in the checkpoint, not in the network
};

struct TraceResult {
  std::string source;
  SourceKind kind = SourceKind::kCheckpoint;
  std::optional<TracedCheckpoint> checkpoint;
  bool scripted = false;  ///< compiled, with its control flow, instead of recorded
  std::string output;     ///< file that was written; empty if a check failed and nothing was
  std::string archive_name;
  bool dynamic_shapes = true;
  int64_t parameter_count = 0;
  uint64_t size_bytes = 0;
  std::string sha512;         ///< empty unless asked for
  std::string checksum_file;  ///< OUT.pt.sha512; empty unless asked for
  std::string example;        ///< where the example inputs come from; empty if a scripted source had none
  std::vector<BoundInput> inputs;
  std::vector<TracedOutput> outputs;
  std::vector<std::string> warnings;
  std::vector<CheckResult> checks;
  bool passed = false;  ///< no check failed
};

}  // namespace bertjit
