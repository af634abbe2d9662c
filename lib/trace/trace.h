// `bertjit trace`: a checkpoint, a name of a Python file or an archive to a TorchScript file, checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "infer/grad_mode.h"
#include "infer/input_options.h"
#include "source/source_options.h"
#include "target/target.h"
#include "trace/trace_result.h"

namespace bertjit {

struct TraceOptions {
  SourceOptions source;
  /// Target; replaced as a whole or not at all.
  std::string output;
  /// The example that is run while recording.
  InputOptions inputs;
  /// Files with further inputs; each is run traced and untraced and traced again.
  std::vector<std::string> check_inputs;
  /// Shapes such as "8x128" for which further inputs are made up.
  std::vector<std::string> check_shapes;
  /// Whether the trace is checked at all before it is written.
  bool check = true;
  /// NaN passes against NaN where outputs are compared.
  bool equal_nan = false;
  GradMode grad = GradMode::kOn;
  bool fixed_shapes = false;
  /// Compiles in place of recording: control flow is kept. Not for checkpoints.
  bool script = false;
  /// Writes the module frozen, as torch.jit.freeze does: parameters and attributes become constants of its code, and
  /// their names are gone. The checks run on what is written.
  bool freeze = false;
  /// Writes linear layers, with the activations after them, as oneDNN's operators (module/fused_layers.h): for
  /// inference on CPUs. The checks run on what is written. Not for what stays scripted.
  bool fuse = false;
  /// Where the file is to run. What that needs is not made here: options say it (fixed_shapes, attention), but for the
  /// length of an example that is padded to the longest, and devices that are taken from tensors where it is not the
  /// CPU. Check `target` then holds what is written to it.
  std::optional<Target> target = {};
  /// Nodes that a recording may have.
  size_t max_nodes = 20'000;
  /// Root folder in the archive; empty: the output's stem, as torch.jit.save.
  std::string archive_name;
  /// Leaves out where code came from (files, lines): the same bytes wherever it was made.
  bool strip_debug = false;
  /// Also writes OUTPUT.sha512, from the bytes as they are written.
  bool checksum = false;
  /// Inside one operator; 0 for one per core.
  int threads = 0;
};

/// Traces, checks, and saves if no check failed. A failed check is a result; throws Error where the question could not
/// be answered (unreadable source, unsupported model, full disk); the target is then as it was.
TraceResult trace(const TraceOptions& options);

}  // namespace bertjit
