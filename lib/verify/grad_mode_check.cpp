// `grad-mode`: the grad / no-grad / inference experiment.
//
// Proves that the outputs have the same values with and without gradients, that a grad_fn is there exactly where it
// belongs, and that saving under each mode gives the same bytes. Does not prove the values right.
//
// Same bits are the rule, but libtorch chooses some fused operators only without gradients: those of
// nn.TransformerEncoder, and scaled_dot_product_attention's where the mask is learned (MPNet's position bias). So what
// differs within the tolerance is rounding.
//
// Each mode runs on a copy of the module that has not run before. libtorch's profiling executor keeps the operators'
// own grad_fn in a graph's first run; from the second on it wraps differentiable parts into one node, whose name reads
// "DifferentiableGraphBackward", and which fails in inference mode.
#include <array>

#include "compare/compare.h"
#include "infer/guards.h"
#include "module/saved_image.h"
#include "support/error.h"
#include "verify/check.h"

namespace bertjit {

namespace {

constexpr std::array kModes = {GradMode::kOn, GradMode::kOff, GradMode::kInference};

std::vector<std::string> grad_fn_names(const std::vector<at::Tensor>& outputs) {
  std::vector<std::string> names;
  for (const auto& output : outputs) {
    names.push_back(output.grad_fn() == nullptr ? "" : output.grad_fn()->name());
  }
  return names;
}

bool trainable(const torch::jit::Module& module) {
  for (const at::Tensor& parameter : module.parameters()) {
    if (parameter.requires_grad()) {
      return true;
    }
  }
  return false;
}

struct Answers {
  bool same_bits;
  bool same_values;   ///< within the tolerance
  std::string where;  ///< first output that is not
  double max_abs_error;
};

Answers compare_answers(const c10::IValue& expected, const c10::IValue& actual, const VerifyContext& context) {
  const GradGuard off(GradMode::kOff);
  const auto left = output_tensors(expected);
  const auto right = output_tensors(actual);
  bool same = left.size() == right.size() && !left.empty();
  for (size_t i = 0; same && i < left.size(); ++i) {
    same = same_bits(left[i].detach(), right[i].detach());
  }
  if (same) {
    return {true, true, "", 0};
  }
  const OutputDifference difference = compare_named(expected, actual, context.module.output_names(), context.tolerance);
  return {false, difference.matches, difference.where, difference.max_abs_error};
}

void fail(CheckResult& result, const std::string& where, const std::string& summary) {
  if (result.verdict != Verdict::kFail) {
    result.verdict = Verdict::kFail;
    result.where = where;
    result.summary = summary;
  }
}

}  // namespace

CheckResult check_grad_mode(const VerifyContext& context) {
  CheckResult result{"grad-mode", Verdict::kPass, "", "", {}};
  const auto& names = context.module.output_names();
  const bool expects_grad = trainable(context.module.module());

  c10::IValue reference;
  int64_t output_count = 0;
  double rounding = 0;
  bool all_same_bits = true;
  std::optional<SavedImage> reference_image;
  EvidenceRows rows;
  std::string grad_fns;
  for (const GradMode mode : kModes) {
    ModuleRunner fresh = context.module.fresh_copy();
    c10::IValue answer;
    try {
      answer = fresh.run_on_copy(context.example, mode);
    } catch (const Error& error) {
      // What does not run at all is no answer; what runs in one mode only is one.
      if (mode == GradMode::kOn) {
        throw;
      }
      fail(result, "", std::string("does not run with grad ") + grad_mode_name(mode) + ": " + error.what());
      rows.push_back({{"grad", std::string(grad_mode_name(mode))}, {"error", std::string(error.what())}});
      continue;
    }
    const std::vector<at::Tensor> outputs = output_tensors(answer);
    const auto grad_fn = grad_fn_names(outputs);
    std::optional<SavedImage> image;
    {
      const GradGuard guard(mode);
      image.emplace(context.module.module(), SaveOptions{"archive", {}});
    }
    if (mode == GradMode::kOn) {
      reference = answer;
      output_count = static_cast<int64_t>(outputs.size());
      reference_image = image;
    }
    if (outputs.empty()) {
      fail(result, "", "the module returns no tensors");
    }
    const Answers compared = compare_answers(reference, answer, context);
    if (!compared.same_values) {
      fail(result, compared.where,
           "output " + compared.where + " has other values with grad " + grad_mode_name(mode) + " than with grad on");
    }
    all_same_bits = all_same_bits && compared.same_bits;
    rounding = std::max(rounding, compared.max_abs_error);
    for (size_t i = 0; i < outputs.size(); ++i) {
      const std::string name = i < names.size() ? names[i] : std::to_string(i);
      const bool wanted = mode == GradMode::kOn && expects_grad && outputs[i].is_floating_point();
      if (wanted != !grad_fn[i].empty()) {
        fail(result, name,
             "output " + name + " with grad " + grad_mode_name(mode) +
                 (wanted ? " has no grad_fn" : " has grad_fn " + grad_fn[i]));
      }
      if (mode == GradMode::kOn && !grad_fn[i].empty()) {
        grad_fns += (grad_fns.empty() ? "" : ", ") + grad_fn[i];
      }
    }
    const bool same_save = image->same_bytes(*reference_image);
    rows.push_back({{"grad", std::string(grad_mode_name(mode))},
                    {"same_values", compared.same_values},
                    {"grad_fn", grad_fn},
                    {"same_save", same_save}});
    if (!same_save) {
      fail(result, "", std::string("saved with grad ") + grad_mode_name(mode) + " the file has other bytes");
      rows.back().push_back({"saved_sha512", to_hex(image->sha512())});
      rows.back().push_back({"expected_sha512", to_hex(reference_image->sha512())});
    }
    if (!compared.same_bits) {
      rows.back().push_back({"max_abs_error", compared.max_abs_error});
    }
  }
  if (result.verdict == Verdict::kPass) {
    result.summary =
        "grad, no-grad and inference mode give the same " +
        (all_same_bits ? "bits (" + counted(output_count, "output")
                       : "values (" + counted(output_count, "output") + ", rounded otherwise by up to " +
                             short_number(rounding)) +
        ") and save the same bytes; grad_fn: " + (expects_grad ? grad_fns : "none, no parameter requires grad");
  }
  result.evidence = {{"outputs", output_count}, {"parameters_require_grad", expects_grad}, {"modes", std::move(rows)}};
  return result;
}

}  // namespace bertjit
