// What every check of `verify` is given, and the form it has.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compare/named_outputs.h"
#include "compare/outputs.h"
#include "infer/runner.h"
#include "module/claims.h"
#include "support/evidence.h"
#include "trial/input_check.h"
#include "verify/rebuilt_network.h"
#include "verify/reference.h"
#include "verify/verify.h"

namespace bertjit {

/// The question and everything that was opened to answer it.
struct VerifyContext {
  const VerifyOptions& options;
  ModuleRunner& module;
  Reference* source;  ///< nullptr without --source
  BoundBatch example;
  /// --check-inputs, then --check-shapes, then what the source's own torch.jit.trace(…) names, bound to the module.
  std::vector<BoundBatch> further;
  /// What two honest implementations differ by.
  Tolerance tolerance;
  DType dtype;        ///< floating dtype the module is said to compute in
  bool is_quantized;  ///< holds packed int8 weights: the tolerance is a signal to noise ratio
  /// What the file is said to be: --claims, else what the archive holds, which module.claims() has.
  const std::optional<Claims>& claims;
  /// What it is, told from the file alone.
  RebuiltNetwork& network;
  /// What the archive says of itself, where --claims is given and says it in its place.
  std::optional<Claims> own_claims = std::nullopt;

  /// Whether the file is said to take every batch size and every length.
  bool claims_dynamic_shapes() const {
    return claims && claims->dynamic_batch == true && claims->dynamic_length == true;
  }
};

/// One check.
struct Check {
  const char* id;              ///< frozen
  const char* proves;          ///< one sentence
  const char* does_not_prove;  ///< one sentence
  const char* advice;          ///< how to mend what it finds, where the check itself has no better advice
  /// One of the two is set. What looks at bytes alone comes before libtorch loads them, and answers even for a file
  /// that cannot be loaded.
  CheckResult (*run_on_file)(const VerifyOptions& options);
  CheckResult (*run)(const VerifyContext& context);
};

/// All checks in the order in which they run.
const std::vector<Check>& all_checks();

CheckResult check_checksum(const VerifyOptions& options);
CheckResult check_grad_mode(const VerifyContext& context);
CheckResult check_roundtrip(const VerifyContext& context);
CheckResult check_repeat(const VerifyContext& context);
CheckResult check_train_mode(const VerifyContext& context);
CheckResult check_shapes(const VerifyContext& context);
CheckResult check_check_inputs(const VerifyContext& context);
CheckResult check_source(const VerifyContext& context);
CheckResult check_golden(const VerifyContext& context);
CheckResult check_task(const VerifyContext& context);
CheckResult check_rebuilt(const VerifyContext& context);
CheckResult check_metamorphic(const VerifyContext& context);
CheckResult check_inputs_matter(const VerifyContext& context);
CheckResult check_claims(const VerifyContext& context);
CheckResult check_constants(const VerifyContext& context);
CheckResult check_fit(const VerifyContext& context);
CheckResult check_weights(const VerifyContext& context);
CheckResult check_safety(const VerifyOptions& options);

/// A check that could not run, and what would let it.
CheckResult skipped(const std::string& id, const std::string& reason);

/// How the module is compared with the source: without gradients, in the tolerance of `context`, by runs alone. The
/// nesting of outputs counts for programs, whose text says it; of a network, a lone tensor, a tuple of one and a dict
/// of one are the same answer.
InputCheckOptions source_comparison(const VerifyContext& context);

/// The tensors of nested outputs, in order.
std::vector<at::Tensor> output_tensors(const c10::IValue& outputs);

}  // namespace bertjit
