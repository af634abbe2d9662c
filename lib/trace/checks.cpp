#include "trace/checks.h"

#include <sstream>

#include "compare/graphs.h"
#include "compare/named_outputs.h"
#include "support/error.h"

namespace bertjit {

namespace {

std::string shape_text(const BoundBatch& batch) {
  std::ostringstream text;
  text << batch.tensors.at(0).sizes();
  return text.str();
}

void add_graph_difference(EvidenceFields& fields, const GraphComparison& graphs) {
  fields.push_back({"graph_lines", static_cast<int64_t>(graphs.nodes)});
  fields.push_back({"different_lines", static_cast<int64_t>(graphs.different_lines)});
  if (!graphs.matches) {
    fields.push_back({"first_line", static_cast<int64_t>(graphs.first_line)});
    fields.push_back({"traced", graphs.expected_line});
    fields.push_back({"check", graphs.actual_line});
  }
}

GraphComparison compare_with_new_trace(const Model& model, const std::vector<std::string>& graph,
                                       const BoundBatch& batch, GradMode grad, Shapes shapes) {
  const auto again = rebuild_model(model);
  return compare_graphs(graph, canonical_graph(record_model(*again, batch.tensors, {grad, shapes}).module));
}

/// One further input: its evidence, and the complaint if there is one.
struct InputOutcome {
  std::string complaint;
  EvidenceFields evidence;
};

InputOutcome check_one_input(const Model& model, ModuleRunner& traced, const std::vector<std::string>& graph,
                             const BoundBatch& batch, GradMode grad, Shapes shapes) {
  InputOutcome outcome;
  outcome.evidence = {{"inputs", batch.origin}, {"shape", shape_text(batch)}};
  const c10::IValue expected = EagerRunner(model, "the untraced model").run(batch, grad);
  try {
    const OutputDifference outputs =
        compare_named(expected, traced.run(batch, grad), traced.output_names(), Tolerance{});
    outcome.evidence.push_back({"outputs", outputs.rows});
    if (!outputs.matches) {
      outcome.complaint = outputs.message;
    }
  } catch (const Error& error) {
    outcome.evidence.push_back({"error", std::string(error.what())});
    outcome.complaint = error.what();
  }
  const GraphComparison graphs = compare_with_new_trace(model, graph, batch, grad, shapes);
  add_graph_difference(outcome.evidence, graphs);
  if (outcome.complaint.empty() && !graphs.matches) {
    outcome.complaint = "a trace made from it is another graph, first at line " + std::to_string(graphs.first_line);
  }
  return outcome;
}

}  // namespace

CheckResult check_example(ModuleRunner& traced, const BoundBatch& example, const c10::IValue& recorded) {
  CheckResult result{"example", Verdict::kPass, "", "", {}};
  const OutputDifference outputs =
      compare_named(recorded, traced.run(example, GradMode::kOff), traced.output_names(), Tolerance{});
  result.evidence.push_back({"outputs", outputs.rows});
  result.summary = counted(outputs.outputs, "output") + " of the traced module equal to the untraced model's";
  if (!outputs.matches) {
    result.verdict = Verdict::kFail;
    result.where = outputs.where;
    result.summary = "traced against untraced: " + outputs.message;
  }
  return result;
}

CheckResult check_retrace(const Model& model, const torch::jit::Module& traced, const BoundBatch& example,
                          GradMode grad, Shapes shapes) {
  CheckResult result{"retrace", Verdict::kPass, "", "", {}};
  const GraphComparison graphs = compare_with_new_trace(model, canonical_graph(traced), example, grad, shapes);
  add_graph_difference(result.evidence, graphs);
  result.summary = "a second trace has the same " + std::to_string(graphs.nodes) + " graph lines";
  if (!graphs.matches) {
    result.verdict = Verdict::kFail;
    result.where = "graph line " + std::to_string(graphs.first_line);
    result.summary = "a second trace on the same inputs is another graph";
  }
  return result;
}

CheckResult check_inputs(const Model& model, ModuleRunner& traced, const std::vector<BoundBatch>& batches,
                         GradMode grad, Shapes shapes) {
  CheckResult result{"check-inputs", Verdict::kSkip, "no --check-inputs or --check-shapes given", "", {}};
  if (batches.empty()) {
    return result;
  }
  const std::vector<std::string> graph = canonical_graph(traced.module());
  size_t failed = 0;
  EvidenceRows rows;
  for (const auto& batch : batches) {
    InputOutcome outcome = check_one_input(model, traced, graph, batch, grad, shapes);
    if (!outcome.complaint.empty() && failed++ == 0) {
      result.where = batch.origin;
      result.summary = outcome.complaint;
    }
    outcome.evidence.push_back({"verdict", std::string(outcome.complaint.empty() ? "pass" : "fail")});
    rows.push_back(std::move(outcome.evidence));
  }
  result.verdict = failed == 0 ? Verdict::kPass : Verdict::kFail;
  result.summary = failed == 0 ? counted(static_cast<int64_t>(batches.size()), "further input") +
                                     ": traced equals untraced, same graph"
                               : std::to_string(failed) + " of " + std::to_string(batches.size()) +
                                     " further inputs differ; the first: " + result.summary;
  result.evidence = {{"inputs", static_cast<int64_t>(batches.size())},
                     {"failed", static_cast<int64_t>(failed)},
                     {"each", std::move(rows)}};
  return result;
}

}  // namespace bertjit
