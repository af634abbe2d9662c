// `source`: is the file still that checkpoint?
//
// Proves that every weight of the checkpoint's network is in the file with the same bits, and that the outputs on the
// example are those of the C++ network built from the checkpoint. Does not prove the checkpoint right, and does not see
// code that matters only on other inputs.
//
// Optimizers fold factors into weights (the 1/sqrt(head size) of attention into the query projection). A tensor that is
// the source's times one factor, while the outputs agree, is the same model written otherwise; it is reported.
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "compare/compare.h"
#include "verify/check.h"

namespace bertjit {

namespace {

struct WeightReport {
  int64_t compared = 0;
  std::vector<std::string> different;
  std::vector<std::string> rescaled;  ///< of `different`: the source's times one factor
  std::vector<std::string> absent;    ///< in the network, under no such name in the file
  std::vector<std::string> extra;     ///< in the file, not in the network
  EvidenceRows rows;
};

/// Whether every element of `actual` is that of `expected` times one factor, clearly another than 1, up to rounding.
bool is_rescaled(const at::Tensor& expected, const at::Tensor& actual) {
  if (expected.sizes() != actual.sizes() || expected.scalar_type() != actual.scalar_type() ||
      !expected.is_floating_point() || expected.numel() < 2) {
    return false;
  }
  const at::Tensor wide = expected.to(at::kDouble);
  const at::Tensor found = actual.to(at::kDouble);
  const double factor = (wide * found).sum().item<double>() / (wide * wide).sum().item<double>();
  return std::isfinite(factor) && factor != 0 && std::abs(factor - 1) > 0.01 &&
         at::allclose(found, wide * factor, /*rtol=*/1e-6, /*atol=*/0);
}

/// Parameters, then buffers: a bias of logits that is not learned is a weight too.
std::vector<std::pair<std::string, at::Tensor>> named_weights(const torch::jit::Module& module) {
  std::vector<std::pair<std::string, at::Tensor>> weights;
  for (const auto& item : module.named_parameters()) {
    weights.emplace_back(item.name, item.value.detach());
  }
  for (const auto& item : module.named_buffers()) {
    weights.emplace_back(item.name, item.value.detach());
  }
  return weights;
}

WeightReport compare_weights(const VerifyContext& context) {
  const auto stored = named_weights(context.module.module());
  std::map<std::string, at::Tensor> in_file(stored.begin(), stored.end());
  WeightReport report;
  for (const auto& [name, weight] : named_weights(context.source->model->module())) {
    const auto it = in_file.find(name);
    if (it == in_file.end()) {
      report.absent.push_back(name);
      continue;
    }
    ++report.compared;
    if (!same_bits(weight, it->second)) {
      report.different.push_back(name);
      if (is_rescaled(weight, it->second)) {
        report.rescaled.push_back(name);
      }
      TensorComparison comparison = compare_tensors(weight, it->second, Tolerance{.rtol = 0.0, .atol = 0.0});
      comparison.name = name;
      report.rows.push_back(comparison_evidence(comparison));
    }
    in_file.erase(it);
  }
  for (const auto& [name, value] : in_file) {
    report.extra.push_back(name);
  }
  return report;
}

std::string describe_first(const WeightReport& report, const VerifyContext& context) {
  const std::string& name = report.different.front();
  for (const auto& field : report.rows.front()) {
    if (field.key == "max_abs_error") {
      return "weight " + name + " differs by up to " + short_number(std::get<double>(field.value));
    }
  }
  return "weight " + name + " differs from " + context.source->name;
}

}  // namespace

CheckResult check_source(const VerifyContext& context) {
  if (context.source == nullptr) {
    return skipped("source", "no --source CHECKPOINT given");
  }
  CheckResult result{"source", Verdict::kPass, "", "", {}};
  const WeightReport weights = compare_weights(context);
  const OutputDifference outputs =
      compare_with_source(context, context.example, context.module.run_on_copy(context.example, GradMode::kOff));
  result.evidence = {{"weights_compared", weights.compared},
                     {"different_weights", weights.different},
                     {"rescaled_weights", weights.rescaled},
                     {"weights_not_in_the_file", weights.absent},
                     {"tensors_not_in_the_source", weights.extra},
                     {"weight_differences", weights.rows},
                     {"outputs", outputs.rows}};
  const bool folded = weights.different == weights.rescaled && outputs.matches;
  if (!weights.different.empty() && !folded) {
    result.verdict = Verdict::kFail;
    result.where = weights.different.front();
    result.summary =
        describe_first(weights, context) +
        (weights.different.size() > 1 ? ", and " + std::to_string(weights.different.size() - 1) + " more weights differ"
                                      : "");
  } else if (!outputs.matches) {
    result.verdict = Verdict::kFail;
    result.where = outputs.where;
    result.summary = outputs.message;
  } else {
    result.summary = std::to_string(weights.compared - static_cast<int64_t>(weights.rescaled.size())) +
                     " weights equal bit for bit, " +
                     (weights.rescaled.empty() ? "" : std::to_string(weights.rescaled.size()) + " up to a factor, ") +
                     "outputs equal (greatest difference " + short_number(outputs.max_abs_error) + ")";
    if (!weights.absent.empty()) {
      result.summary += "; " + std::to_string(weights.absent.size()) + " weights are not in the file under their names";
    }
  }
  return result;
}

}  // namespace bertjit
