// `source`: is the file still that checkpoint, that function, that module?
//
// Proves that every weight of the source is in the file with the same bits, and that the outputs on the example are
// those of the source: of the C++ network built from a checkpoint, of a program run operator by operator. Does not
// prove the source right, and does not see code that matters only on other inputs.
//
// Optimizers fold factors into weights (the 1/sqrt(head size) of attention into the query projection). A tensor that is
// the source's times one factor, while the outputs agree, is the same model written otherwise; it is reported.
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "compare/compare.h"
#include "support/error.h"
#include "verify/check.h"

namespace bertjit {

namespace {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

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
NamedTensors named_weights(const torch::jit::Module& module) {
  NamedTensors weights;
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
  const auto source = context.source->module();
  for (const auto& [name, weight] : source ? named_weights(*source) : NamedTensors()) {
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
  return "weight " + name + " differs from " + context.source->name();
}

/// Module and source on the example. Throws what either raises there: then there is no answer.
InputVerdict compare_example(const VerifyContext& context) {
  InputVerdict verdict = check_input(*context.source, context.module, context.example, source_comparison(context));
  for (const std::string& error : {verdict.trace_error, verdict.source_error}) {
    if (!error.empty()) {
      throw Error(ErrorKind::kInvalidArgument, error);
    }
  }
  return verdict;
}

/// A function has no weights.
std::string describe_equal(const WeightReport& weights, const OutputDifference& outputs) {
  std::string text;
  if (weights.compared > 0) {
    text = counted(weights.compared - static_cast<int64_t>(weights.rescaled.size()), "weight") +
           " equal bit for bit, " +
           (weights.rescaled.empty() ? "" : std::to_string(weights.rescaled.size()) + " up to a factor, ");
  }
  text += "outputs equal (greatest difference " + short_number(outputs.max_abs_error) + ")";
  if (!weights.absent.empty()) {
    text += "; " + counted(static_cast<int64_t>(weights.absent.size()), "weight") +
            (weights.absent.size() == 1 ? " is" : " are") + " not in the file under " +
            (weights.absent.size() == 1 ? "its name" : "their names");
  }
  return text;
}

}  // namespace

CheckResult check_source(const VerifyContext& context) {
  if (context.source == nullptr) {
    return skipped("source", "no --source SOURCE given");
  }
  CheckResult result{"source", Verdict::kPass, "", "", {}};
  const InputVerdict example = compare_example(context);
  const WeightReport weights = compare_weights(context);
  const OutputDifference outputs = example.outputs.value_or(OutputDifference{});
  result.evidence = {{"weights_compared", weights.compared},
                     {"different_weights", weights.different},
                     {"rescaled_weights", weights.rescaled},
                     {"weights_not_in_the_file", weights.absent},
                     {"tensors_not_in_the_source", weights.extra},
                     {"weight_differences", weights.rows},
                     {"outputs", outputs.rows}};
  const bool agrees = example.verdict == Verdict::kPass;
  const bool folded = weights.different == weights.rescaled && agrees;
  if (!weights.different.empty() && !folded) {
    result.verdict = Verdict::kFail;
    result.where = weights.different.front();
    result.summary =
        describe_first(weights, context) +
        (weights.different.size() > 1 ? ", and " + std::to_string(weights.different.size() - 1) + " more weights differ"
                                      : "");
  } else if (!agrees) {
    result.verdict = Verdict::kFail;
    result.where = outputs.where;
    result.summary = example.complaint;
  } else {
    result.summary = describe_equal(weights, outputs);
  }
  return result;
}

}  // namespace bertjit
