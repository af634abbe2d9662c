// `bertjit verify`: is this TorchScript file right? One file a check; docs/verification.md says what each proves.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "glue/task_options.h"
#include "infer/input_options.h"
#include "source/source_options.h"
#include "support/evidence.h"
#include "target/target.h"
#include "verify/verify_result.h"

namespace bertjit {

struct VerifyOptions {
  /// The TorchScript file to judge.
  std::string module;
  /// What it was exported from: a checkpoint, `FILE.py:NAME`, an archive; source.path is empty if there is none.
  SourceOptions source;
  /// Without any, what a torch.jit.trace(…) of the source's file is given.
  InputOptions inputs;
  /// JSON that says what the file is (docs/formats/claims.md), in place of what it says of itself.
  std::string claims;
  /// Recorded outputs for the example inputs (.npz, .safetensors, .json), named as the outputs.
  std::string golden;
  /// Recorded outputs for each --check-inputs, in order.
  std::vector<std::string> check_golden;
  /// Rows that the module answers beside the source, where task.data names some. Padding: if it is not set, to the
  /// longest of a batch; of an int8 file, whose answers depend on it, to the full length.
  TaskOptions task;
  /// Unset: answers of a float file may differ where two logits are as good as equal; of an int8 file as
  /// docs/verification.md says.
  TaskLimits limits;
  /// Files with further inputs.
  std::vector<std::string> check_inputs;
  /// Shapes such as "8x128" for which further inputs are made up.
  std::vector<std::string> check_shapes;
  /// Where the file is to run, which check `target` asks. If it is padded to the longest, so is an example that nothing
  /// else gives a length.
  std::optional<Target> target = {};
  /// A list that sha512sum would check; the file's line is looked up by name.
  std::string checksums;
  /// Ids of the checks to run; empty: all.
  std::vector<std::string> only;
  std::vector<std::string> skip;
  /// Warnings fail.
  bool werror = false;
  /// Checks after the first that fails are skipped.
  bool fail_fast = false;
  /// Unset: by the dtype the module is said to compute in. float32: rtol 1.3e-6 (assert_close's), atol 2e-5; two honest
  /// float32 implementations of a BERT differ by up to 6e-6, faults by 1e-4 and more. float16: 1e-2 and 1e-2, bfloat16:
  /// 8e-2 and 8e-2; honest ones differ by up to 6e-3 and 6e-2 there, with sums in another order, and outputs up to 5.
  /// What is quantized to int8 is compared by its signal to noise ratio unless one of these is set.
  std::optional<double> rtol;
  std::optional<double> atol;
  /// NaN passes against NaN where outputs are compared with a source or recorded ones.
  bool equal_nan = false;
  /// Inside one operator; 0 for one per core.
  int threads = 0;
  /// What judge_safety (scan/safety.h) said of `module` and `source.guard`, where the caller has asked already.
  std::optional<CheckResult> safety = {};
  /// If set, called at the start and after every check, with what is known by then and the ids of the checks to come:
  /// where libtorch crashes in one check, the others are not lost.
  std::function<void(const VerifyResult& so_far, const std::vector<std::string>& to_come)> progress = {};
};

/// Ids of all checks, in the order in which they run.
std::vector<std::string> verify_check_ids();

/// Runs every check that the options allow; one that cannot run is kSkip and says what would allow it. A failed check
/// does not stop the others.
///
/// A file that is not safe to load is not loaded: VerifyResult::unsafe. Throws Error where there is no answer: the file
/// cannot be read or is corrupt, the source cannot be opened, an unknown check id.
VerifyResult verify(const VerifyOptions& options);

}  // namespace bertjit
