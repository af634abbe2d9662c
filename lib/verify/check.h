// What every check of `verify` is given, and the form it has.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compare/outputs.h"
#include "infer/runner.h"
#include "infer/source.h"
#include "support/evidence.h"
#include "verify/verify.h"

namespace bertjit {

/// The question and everything that was opened to answer it.
struct VerifyContext {
  const VerifyOptions& options;
  std::filesystem::path path;
  ModuleRunner& module;
  const Source* source;            ///< nullptr without --source
  BoundBatch example;
  std::vector<BoundBatch> further;  ///< --check-inputs, then --check-shapes, bound to the module
  Tolerance tolerance;
};

/// One check.
struct Check {
  const char* id;              ///< frozen
  const char* proves;          ///< one sentence
  const char* does_not_prove;  ///< one sentence
  CheckResult (*run)(const VerifyContext& context);
};

/// All checks in the order in which they run.
const std::vector<Check>& all_checks();

CheckResult check_checksum(const VerifyContext& context);
CheckResult check_grad_mode(const VerifyContext& context);
CheckResult check_roundtrip(const VerifyContext& context);
CheckResult check_repeat(const VerifyContext& context);
CheckResult check_train_mode(const VerifyContext& context);
CheckResult check_shapes(const VerifyContext& context);
CheckResult check_check_inputs(const VerifyContext& context);
CheckResult check_source(const VerifyContext& context);
CheckResult check_golden(const VerifyContext& context);

/// A check that could not run, and what would let it.
CheckResult skipped(const std::string& id, const std::string& reason);

/// Two sets of outputs side by side: rows of evidence, and what is wrong with the first output that differs.
struct OutputDifference {
  bool matches = false;
  std::string where;    ///< name of the first output that differs
  std::string message;  ///< one line
  double max_abs_error = 0;
  int64_t elements = 0;
  EvidenceRows rows;
};

/// Runs the C++ network on inputs that were bound to the module: by name, whatever order each takes them in.
c10::IValue run_source(const VerifyContext& context, const BoundBatch& batch);

/// Compares within `tolerance` and names outputs as the module does.
OutputDifference compare_named(const c10::IValue& expected, const c10::IValue& actual,
                               const std::vector<std::string>& names, const Tolerance& tolerance);

/// Runs the C++ network too and compares output by output, in order: how they are nested is not the question (a lone
/// tensor, a tuple of one and a dict of one are the same answer).
OutputDifference compare_with_source(const VerifyContext& context, const BoundBatch& batch, const c10::IValue& actual);

/// The tensors of nested outputs, in order.
std::vector<at::Tensor> output_tensors(const c10::IValue& outputs);

/// "3.1e-06"
std::string short_number(double value);

}  // namespace bertjit
