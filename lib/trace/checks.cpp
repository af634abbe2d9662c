#include "trace/checks.h"

#include <algorithm>

#include "compare/named_outputs.h"
#include "support/error.h"
#include "trace/pitfalls.h"
#include "trace/random_nodes.h"
#include "trial/trial.h"

namespace bertjit {

namespace {

/// Two seeds other than any in use: what is compared is how the runs differ, not their numbers.
constexpr uint64_t kOtherSeed = 0x5eed1;
constexpr uint64_t kThirdSeed = 0x5eed2;

bool same_outputs(const Outcome& left, const Outcome& right) {
  if (left.raised() || right.raised()) {
    return left.raised() == right.raised();
  }
  return compare_named(*left.outputs, *right.outputs, {}, Tolerance{}).matches;
}

/// How the program and its trace behave under two random states.
struct RandomRuns {
  bool drew = false;           ///< the program drew numbers
  bool source_varies = false;  ///< its outputs differ between the states
  bool trace_varies = false;
  bool parted = false;  ///< program and trace differ under one state
};

RandomRuns run_randomly(Recordable& source, ModuleRunner& traced, const BoundBatch& example, GradMode grad) {
  RandomRuns runs;
  const auto program = [&](const BoundBatch& batch) { return source.run(batch, grad); };
  const auto trace = [&](const BoundBatch& batch) { return traced.run(batch, grad); };
  Trial one(traced.module(), RandomState::seeded(kOtherSeed));
  const Outcome source_one = one.run(example, program);
  runs.drew = one.drew();
  const Outcome trace_one = one.run(example, trace);
  if (!runs.drew && !one.drew()) {
    return runs;
  }
  Trial two(traced.module(), RandomState::seeded(kThirdSeed));
  const Outcome source_two = two.run(example, program);
  const Outcome trace_two = two.run(example, trace);
  runs.source_varies = !same_outputs(source_one, source_two);
  runs.trace_varies = !same_outputs(trace_one, trace_two);
  runs.parted = !same_outputs(source_one, trace_one) || !same_outputs(source_two, trace_two);
  return runs;
}

EvidenceRows node_rows(const std::vector<RandomNode>& nodes) {
  EvidenceRows rows;
  for (const RandomNode& node : nodes) {
    rows.push_back({{"where", node.where}, {"node", TextBlock{node.node}}});
  }
  return rows;
}

/// "aten::rand, aten::dropout"
std::string operator_names(const std::vector<RandomNode>& nodes, const std::vector<Finding>& findings) {
  std::vector<std::string> names;
  const auto add = [&names](const std::string& name) {
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  };
  std::for_each(nodes.begin(), nodes.end(), [&](const RandomNode& node) { add(node.name); });
  std::for_each(findings.begin(), findings.end(), [&](const Finding& finding) { add(finding.detail); });
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text.empty() ? "an operator that is not in the trace" : text;
}

std::string first_place(const std::vector<RandomNode>& nodes, const std::vector<Finding>& findings) {
  if (!findings.empty()) {
    return location_text(findings.front().where);
  }
  return nodes.empty() ? "" : nodes.front().where;
}

}  // namespace

CheckResult check_example(ModuleRunner& traced, const BoundBatch& example, const c10::IValue& recorded,
                          const RandomState& before, const Tolerance& tolerance) {
  CheckResult result{"example", Verdict::kPass, "", "", {}};
  if (recorded.isNone()) {
    result.verdict = Verdict::kSkip;
    result.summary = "returns None: no output to compare";
    return result;
  }
  Trial trial(traced.module(), before);
  const Outcome actual = trial.run(example, [&](const BoundBatch& batch) { return traced.run(batch, GradMode::kOff); });
  if (actual.raised()) {
    result.verdict = Verdict::kFail;
    result.summary = "the trace refuses the inputs it was made from";
    result.evidence.push_back({"trace_error", TextBlock{actual.error}});
    return result;
  }
  const OutputDifference outputs = compare_named(recorded, *actual.outputs, traced.output_names(), tolerance);
  result.evidence.push_back({"outputs", outputs.rows});
  result.summary = counted(outputs.outputs, "output") + " of the traced module equal to the untraced model's";
  if (!outputs.matches) {
    result.verdict = Verdict::kFail;
    result.where = outputs.where;
    result.summary = "traced against untraced: " + outputs.message;
  }
  return result;
}

CheckResult check_retrace(Recordable& source, ModuleRunner& traced, const BoundBatch& example,
                          const RecordOptions& options, const RandomState& before) {
  CheckResult result{"retrace", Verdict::kPass, "", "", {}};
  Trial trial(traced.module(), before);
  std::optional<Recording> again;
  const Outcome outcome = trial.run(example, [&](const BoundBatch& batch) {
    again = source.record(batch, options);
    return again->outputs;
  });
  if (outcome.raised()) {
    result.verdict = Verdict::kFail;
    result.summary = "a second trace on the same inputs cannot be made";
    result.evidence.push_back({"retrace_error", TextBlock{outcome.error}});
    return result;
  }
  const GraphDiff diff = diff_graphs(*traced.module().get_method("forward").graph(), recorded_graph(*again));
  add_graph_difference(result.evidence, diff);
  result.summary = "a second trace has the same " + std::to_string(diff.comparison.nodes) + " graph lines";
  if (!diff.matches()) {
    result.verdict = Verdict::kFail;
    result.where = diff.comparison.matches ? "" : "graph line " + std::to_string(diff.comparison.first_line);
    result.summary = diff.comparison.matches
                         ? "a second trace on the same inputs has other values in " +
                               counted(static_cast<int64_t>(diff.constants.size()), "tensor constant")
                         : "a second trace on the same inputs is another graph";
  }
  return result;
}

std::optional<CheckResult> check_nondeterminism(Recordable& source, ModuleRunner& traced, const BoundBatch& example,
                                                const std::vector<Finding>& findings, GradMode grad) {
  std::vector<Finding> random;
  std::copy_if(findings.begin(), findings.end(), std::back_inserter(random),
               [](const Finding& finding) { return finding.kind == FindingKind::kNondeterministic; });
  const std::vector<RandomNode> nodes = random_nodes(*traced.module().get_method("forward").graph());
  const RandomRuns runs = run_randomly(source, traced, example, grad);
  if (nodes.empty() && random.empty() && !runs.drew) {
    return std::nullopt;
  }
  CheckResult result{"nondeterminism", Verdict::kWarn, "", first_place(nodes, random), {}};
  const std::string names = operator_names(nodes, random);
  if (runs.source_varies && !runs.trace_varies) {
    result.verdict = Verdict::kFail;
    result.summary = "the source's outputs are random and the trace's are not: what " + names +
                     " gave while it was recorded is a constant of the trace";
  } else if (runs.parted) {
    result.verdict = Verdict::kFail;
    result.summary =
        "with the same random numbers the trace gives other outputs than the source; they come from " + names;
  } else if (runs.source_varies) {
    result.summary = "outputs differ from run to run, traced or not, because of " + names;
  } else {
    result.summary = "random numbers are drawn by " + names + ", but two runs gave the same outputs";
  }
  const Pitfall& kind = pitfall(FindingKind::kNondeterministic);
  result.evidence = {{"nodes", node_rows(nodes)},
                     {"places", place_rows(random)},
                     {"source_varies", runs.source_varies},
                     {"trace_varies", runs.trace_varies},
                     {"explanation", std::string(kind.explanation)},
                     {"way_out", std::string(kind.way_out)}};
  return result;
}

}  // namespace bertjit
