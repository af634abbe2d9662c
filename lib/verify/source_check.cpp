// `source`: is the file still that checkpoint?
//
// Proves that every weight of the checkpoint's network is in the file with the same bits, and that the outputs on the
// example are those of the C++ network built from the checkpoint. Does not prove the checkpoint right, and does not see
// code that matters only on other inputs.
#include <algorithm>
#include <map>

#include "compare/compare.h"
#include "verify/check.h"

namespace bertjit {

namespace {

struct WeightReport {
  int64_t compared = 0;
  std::vector<std::string> different;
  std::vector<std::string> absent;  ///< in the network, under no such name in the file
  std::vector<std::string> extra;   ///< in the file, not in the network
  EvidenceRows rows;
};

WeightReport compare_weights(const VerifyContext& context) {
  std::map<std::string, at::Tensor> in_file;
  for (const auto& item : context.module.module().named_parameters()) {
    in_file.emplace(item.name, item.value.detach());
  }
  for (const auto& item : context.module.module().named_buffers()) {
    in_file.emplace(item.name, item.value.detach());
  }
  WeightReport report;
  for (const auto& parameter : context.source->model->module().named_parameters()) {
    const auto it = in_file.find(parameter.name);
    if (it == in_file.end()) {
      report.absent.push_back(parameter.name);
      continue;
    }
    ++report.compared;
    if (!same_bits(parameter.value.detach(), it->second)) {
      report.different.push_back(parameter.name);
      TensorComparison comparison =
          compare_tensors(parameter.value.detach(), it->second, Tolerance{.rtol = 0.0, .atol = 0.0});
      comparison.name = parameter.name;
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
      compare_named(run_source(context, context.example), context.module.run(context.example, GradMode::kOff),
                    context.module.output_names(), context.tolerance);
  result.evidence = {{"weights_compared", weights.compared},
                     {"different_weights", weights.different},
                     {"weights_not_in_the_file", weights.absent},
                     {"tensors_not_in_the_source", weights.extra},
                     {"weight_differences", weights.rows},
                     {"outputs", outputs.rows}};
  if (!weights.different.empty()) {
    result.verdict = Verdict::kFail;
    result.where = weights.different.front();
    result.summary = describe_first(weights, context) +
                     (weights.different.size() > 1
                          ? ", and " + std::to_string(weights.different.size() - 1) + " more weights differ"
                          : "");
  } else if (!outputs.matches) {
    result.verdict = Verdict::kFail;
    result.where = outputs.where;
    result.summary = outputs.message;
  } else {
    result.summary = std::to_string(weights.compared) + " weights equal bit for bit, outputs equal (greatest difference " +
                     short_number(outputs.max_abs_error) + ")";
    if (!weights.absent.empty()) {
      result.summary += "; " + std::to_string(weights.absent.size()) + " weights are not in the file under their names";
    }
  }
  return result;
}

}  // namespace bertjit
