// `bertjit run`: a checkpoint or a TorchScript file on some inputs.
#pragma once

#include <string>

#include "infer/grad_mode.h"
#include "infer/input_options.h"
#include "infer/source_options.h"
#include "run/run_result.h"

namespace bertjit {

struct RunOptions {
  /// A checkpoint (run eagerly, untraced) or a TorchScript .pt.
  SourceOptions source;
  InputOptions inputs;
  GradMode grad = GradMode::kOn;
  /// .npz or .safetensors file for the outputs; replaced as a whole or not at all.
  std::string output;
  /// Inside one operator; 0 for one per core.
  int threads = 0;
};

/// Runs once and, if asked, saves the outputs under their names (nested ones as "hidden_states.0").
/// Throws Error as the readers, bind_batch and the runner do.
RunResult run(const RunOptions& options);

}  // namespace bertjit
