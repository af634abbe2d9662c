// `rebuilt`: does the file compute what a network of its kind computes from the weights in it?
//
// Names, shapes and code say which architecture and head a file of the BERT family is (recognise/recognise.h); that
// network is built anew in C++ from the file's own weights, and both are run on the example, on further inputs, and on
// a batch with padding and two segments. Proves that the code is that network's. Does not prove that the weights are
// the right ones, nor what the code cannot tell and the config of the checkpoint would (an epsilon that is wrong in
// every layer alike): --source does.
//
// Where places of one file disagree, the network has what most of them have: one layer with another activation, or
// positions that no architecture has, then differ from it.
#include <algorithm>

#include "infer/batch.h"
#include "verify/check.h"
#include "verify/located.h"

namespace bertjit {

namespace {

/// A batch of two texts, the second shorter, in two segments; absent where shapes are fixed or ids cannot be made up.
std::optional<BoundBatch> padded_batch(const VerifyContext& context) {
  const bool is_fixed =
      context.claims && (context.claims->dynamic_length == false || context.claims->dynamic_batch == false);
  const auto& values = context.example.values;
  if (is_fixed || values.empty() || !values[0].isTensor() || values[0].toTensor().dim() < 2) {
    return std::nullopt;
  }
  std::vector<int64_t> shape = values[0].toTensor().sizes().vec();
  shape.front() = 2;
  try {
    return context.module.bind(
        shape_batch(shape, context.module.signature(), context.options.inputs.seed, &context.example));
  } catch (const Error&) {
    return std::nullopt;
  }
}

struct Comparison {
  std::string origin;
  std::string where;
  std::string complaint;
  double max_abs_error = 0;
  bool ran = false;
  int64_t outputs = 0;
  EvidenceRows rows;
};

/// The outputs whose place in the network is known, of both.
Comparison compare_on(const VerifyContext& context, const BoundBatch& batch) {
  Comparison result{.origin = batch.origin};
  const c10::IValue actual = context.module.run_on_copy(batch, GradMode::kOff);
  std::optional<OutputDifference> difference;
  try {
    difference = context.network.compare(batch, actual, context.tolerance);
  } catch (const Error& error) {
    result.complaint = error.what();
    return result;
  }
  if (!difference) {
    result.complaint = "none of its outputs is known to be one of the network's";
    return result;
  }
  result.ran = true;
  result.outputs = difference->outputs;
  result.where = difference->where;
  result.complaint = difference->message;
  result.max_abs_error = difference->max_abs_error;
  result.rows = difference->rows;
  return result;
}

EvidenceRows contradiction_rows(const Recognition& recognition) {
  EvidenceRows rows;
  for (const auto& item : recognition.contradictions) {
    rows.push_back(
        {{"where", item.where}, {"field", item.field}, {"found", item.found}, {"taken_instead", item.taken}});
  }
  return rows;
}

EvidenceRows config_rows(const Recognition& recognition) {
  EvidenceRows rows;
  for (const auto& field : recognition.fields) {
    rows.push_back({{"field", field.name},
                    {"value", field.value.dump()},
                    {"from", std::string(known_from_name(field.known))},
                    {"where", field.where}});
  }
  return rows;
}

/// Names the module that is to blame: what the code says of itself, else the place where the two part.
void blame(const VerifyContext& context, const BoundBatch& batch, const Comparison& worst, CheckResult& result) {
  const auto& contradictions = context.network.recognition().contradictions;
  result.where = worst.where;
  result.summary = "the network that its names and weights make gives other numbers: " + worst.complaint;
  const Location location = locate_against_network(context, batch);
  add_location(context, location, result);
  const auto telling = std::ranges::find_if(
      contradictions, [](const Contradiction& item) { return item.field != "outputs" && !item.where.empty(); });
  if (telling != contradictions.end() && !location.found) {
    result.where = telling->where;
  }
  if (!contradictions.empty()) {
    const Contradiction& item = telling != contradictions.end() ? *telling : contradictions.front();
    result.summary += "; " + item.field + (item.where.empty() ? "" : " at " + item.where) + " is " + item.found +
                      ", expected " + item.taken;
  }
}

}  // namespace

CheckResult check_rebuilt(const VerifyContext& context) {
  if (const std::string& why_not = context.network.why_not(); !why_not.empty()) {
    return skipped("rebuilt", "no network of the BERT family was recognised: " + why_not);
  }
  const Recognition& recognition = context.network.recognition();
  CheckResult result{"rebuilt", Verdict::kPass, "", "", {}};
  std::vector<BoundBatch> batches = {context.example};
  batches.insert(batches.end(), context.further.begin(), context.further.end());
  if (auto padded = padded_batch(context)) {
    batches.push_back(std::move(*padded));
  }
  EvidenceRows rows;
  std::optional<Comparison> worst;
  const BoundBatch* worst_batch = nullptr;
  int64_t compared = 0;
  double max_abs_error = 0;
  std::string why_not;
  for (const auto& batch : batches) {
    const Comparison comparison = compare_on(context, batch);
    if (!comparison.ran) {
      why_not = comparison.complaint;
      continue;
    }
    ++compared;
    max_abs_error = comparison.max_abs_error <= max_abs_error ? max_abs_error : comparison.max_abs_error;
    rows.push_back(
        {{"inputs", comparison.origin}, {"max_abs_error", comparison.max_abs_error}, {"outputs", comparison.rows}});
    if (!comparison.complaint.empty() && !worst) {
      worst = comparison;
      worst_batch = &batch;
    }
  }
  if (compared == 0) {
    return skipped("rebuilt", "nothing could be compared: " + why_not);
  }
  if (worst) {
    result.verdict = Verdict::kFail;
    blame(context, *worst_batch, *worst, result);
  } else {
    result.summary = context.network.name() + ", built anew from the file's own weights, gives its numbers on " +
                     counted(compared, "input") + " (greatest difference " + short_number(max_abs_error) + ")";
  }
  result.evidence.push_back({"architecture", recognition.architecture});
  result.evidence.push_back({"head", recognition.head});
  result.evidence.push_back({"contradictions", contradiction_rows(recognition)});
  result.evidence.push_back({"comparisons", std::move(rows)});
  result.evidence.push_back({"config", config_rows(recognition)});
  return result;
}

}  // namespace bertjit
