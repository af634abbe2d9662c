// `source`: is the file still that checkpoint, that function, that module?
//
// Proves that every weight of the source is in the file, with the same bits (in another dtype: those of the cast; in
// int8: within half a step), and that the outputs on the example are those of the source: of the C++ network built from
// a checkpoint, of a program run operator by operator. Does not prove the source right, and does not see code that
// matters only on other inputs.
//
// Weights come first: where they differ, outputs do too, and the weight says more (compare/weight_changes.h names what
// was done to it). Optimizers fold factors into weights (the 1/sqrt(head size) of attention into the query projection)
// or put rows in another order; where the outputs agree that is the same model written otherwise, and is reported.
#include <algorithm>
#include <utility>

#include "compare/weight_changes.h"
#include "support/error.h"
#include "verify/check.h"
#include "verify/file_weights.h"
#include "verify/located.h"

namespace bertjit {

namespace {

/// Parameters, then buffers: a bias of logits that is not learned is a weight too.
OrderedWeights named_weights(const torch::jit::Module& module) {
  OrderedWeights weights;
  for (const auto& item : module.named_parameters()) {
    weights.emplace_back(item.name, item.value.detach());
  }
  for (const auto& item : module.named_buffers()) {
    weights.emplace_back(item.name, item.value.detach());
  }
  return weights;
}

WeightChanges compare_with_source(const VerifyContext& context) {
  const auto source = context.source->module();
  const OrderedWeights expected = source ? named_weights(*source) : OrderedWeights();
  std::set<std::string> names;
  for (const auto& [name, weight] : expected) {
    names.insert(name);
  }
  return compare_weights(expected, names.empty() ? std::map<std::string, at::Tensor>() : file_weights(context, names),
                         {.may_be_quantized = may_be_quantized(context)});
}

/// Module and source on the example. Throws what the source raises there: then there is no answer.
InputVerdict compare_example(const VerifyContext& context) {
  InputVerdict verdict = check_input(*context.source, context.module, context.example, source_comparison(context));
  if (!verdict.source_error.empty()) {
    throw Error(ErrorKind::kInvalidArgument, verdict.source_error);
  }
  return verdict;
}

/// The finding that makes the file another model; nullptr if there is none.
const WeightFinding* culprit(const WeightChanges& weights, bool outputs_agree) {
  const auto is_to_blame = [outputs_agree](const WeightFinding& finding) {
    return finding.effect == ChangeEffect::kChanges ||
           (finding.effect == ChangeEffect::kPerhapsNone && !outputs_agree && finding.id != "absent");
  };
  const auto found = std::ranges::find_if(weights.findings, is_to_blame);
  return found == weights.findings.end() ? nullptr : &*found;
}

std::string describe_culprit(const WeightChanges& weights, const WeightFinding& finding) {
  const auto more = weights.different.size() - finding.tensors.size();
  return finding.summary +
         (weights.different.size() > finding.tensors.size()
              ? ", and " + counted(static_cast<int64_t>(more), "more weight") + " differ" + (more == 1 ? "s" : "")
              : "");
}

/// A function has no weights.
std::string describe_equal(const WeightChanges& weights, const OutputDifference& outputs) {
  std::string text;
  if (weights.compared > 0) {
    text = counted(weights.equal, "weight") + " equal bit for bit, ";
    if (weights.quantized > 0) {
      text += std::to_string(weights.quantized) + " within half a step of int8, ";
    }
  }
  text += "outputs equal (greatest difference " + short_number(outputs.max_abs_error) + ")";
  for (const WeightFinding& finding : weights.findings) {
    text += "; " + finding.summary;
  }
  return text;
}

EvidenceRows finding_rows(const WeightChanges& weights) {
  EvidenceRows rows;
  for (const WeightFinding& finding : weights.findings) {
    rows.push_back(
        {{"id", finding.id}, {"where", finding.where}, {"summary", finding.summary}, {"weights", finding.tensors}});
  }
  return rows;
}

std::vector<std::string> rescaled(const WeightChanges& weights) {
  std::vector<std::string> names;
  for (const WeightFinding& finding : weights.findings) {
    if (finding.id == "scaled") {
      names.insert(names.end(), finding.tensors.begin(), finding.tensors.end());
    }
  }
  return names;
}

/// Weights are right, or not there to be compared: something in the code is to blame.
void blame_code(const VerifyContext& context, const InputVerdict& example, const OutputDifference& outputs,
                CheckResult& result) {
  result.where = outputs.where;
  result.summary = example.complaint;
  if (example.trace_error.empty()) {
    add_location(context, locate_against_source(context, context.example), result);
  }
}

}  // namespace

CheckResult check_source(const VerifyContext& context) {
  if (context.source == nullptr) {
    return skipped("source", "no --source SOURCE given");
  }
  CheckResult result{"source", Verdict::kPass, "", "", {}};
  const WeightChanges weights = compare_with_source(context);
  const InputVerdict example = compare_example(context);
  const OutputDifference outputs = example.outputs.value_or(OutputDifference{});
  result.evidence = {{"weights_compared", weights.compared},       {"weights_equal", weights.equal},
                     {"weights_quantized", weights.quantized},     {"different_weights", weights.different},
                     {"rescaled_weights", rescaled(weights)},      {"weights_not_in_the_file", weights.absent},
                     {"tensors_not_in_the_source", weights.extra}, {"weight_findings", finding_rows(weights)},
                     {"weight_differences", weights.rows},         {"outputs", outputs.rows}};
  const bool agrees = example.verdict == Verdict::kPass;
  if (const WeightFinding* finding = culprit(weights, agrees)) {
    result.verdict = Verdict::kFail;
    result.where = finding->where;
    result.summary = describe_culprit(weights, *finding);
    result.advice = finding->advice;
  } else if (!agrees) {
    result.verdict = Verdict::kFail;
    blame_code(context, example, outputs, result);
  } else {
    result.summary = describe_equal(weights, outputs);
  }
  return result;
}

}  // namespace bertjit
