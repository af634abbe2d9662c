// `bertjit run`: a checkpoint, a TorchScript file or a name of a Python file on some inputs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "infer/executor.h"
#include "infer/grad_mode.h"
#include "infer/input_options.h"
#include "run/run_result.h"
#include "source/source_options.h"

namespace bertjit {

struct RunOptions {
  /// A checkpoint (run eagerly, untraced), a TorchScript .pt, or FILE.py:NAME (run as Python would run it).
  SourceOptions source;
  InputOptions inputs;
  GradMode grad = GradMode::kOn;
  /// What runs TorchScript; absent: libtorch's default, profiling, and eager for Python that its file does not compile.
  /// Such a name is compiled as torch.jit.script does for another executor.
  std::optional<Executor> executor;
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
///
/// Outputs that are neither tensors nor None are printed, but cannot be saved: Error(kInvalidArgument) names the first.
/// Throws Error as the readers, bind_batch, the runner and the functions of generate.h do.
RunResult run(const RunOptions& options);

}  // namespace bertjit
