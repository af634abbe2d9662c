// `bertjit run`: a checkpoint or a TorchScript file on some inputs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "infer/grad_mode.h"
#include "infer/input_options.h"
#include "run/run_result.h"
#include "source/source_options.h"

namespace bertjit {

struct RunOptions {
  /// A checkpoint (run eagerly, untraced) or a TorchScript .pt.
  SourceOptions source;
  InputOptions inputs;
  GradMode grad = GradMode::kOn;
  /// Also continues decoder_input_ids greedily, one token a run, until the text ends: a translation.
  bool generate = false;
  /// At most so many tokens; absent: what the checkpoint says, else 20.
  std::optional<int64_t> max_new_tokens;
  /// .npz or .safetensors file for the outputs; replaced as a whole or not at all.
  std::string output;
  /// Inside one operator; 0 for one per core.
  int threads = 0;
};

/// Runs once and, if asked, saves the outputs under their names (nested ones as "hidden_states.0").
/// Throws Error as the readers, bind_batch, the runner and the functions of generate.h do.
RunResult run(const RunOptions& options);

}  // namespace bertjit
