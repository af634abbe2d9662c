#include "trial/input_check.h"

#include <algorithm>
#include <sstream>

#include <torch/csrc/jit/api/function_impl.h>

#include "compare/describe.h"
#include "compare/outputs.h"
#include "infer/guards.h"
#include "support/error.h"
#include "trial/trial.h"

namespace bertjit {

namespace {

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

/// "x float32[3, 4], n int"
std::string describe_arguments(const BoundBatch& batch, const Signature& signature) {
  std::ostringstream text;
  for (size_t i = 0; i < batch.values.size(); ++i) {
    const c10::IValue& value = batch.values[i];
    text << (i == 0 ? "" : ", ") << (i < signature.inputs.size() ? signature.inputs[i].name : std::to_string(i)) << ' ';
    if (value.isTensor()) {
      text << dtype_text(value.toTensor()) << shape_text(value.toTensor());
    } else {
      text << value.type()->repr_str();
    }
  }
  return text.str();
}

/// assert_close's words about each output that differs, as torch.jit.trace warns.
std::string closeness_text(const OutputDifference& difference, const std::string& reference) {
  std::string text;
  for (size_t i = 0; i < difference.rows.size(); ++i) {
    for (const Evidence& field : difference.rows[i]) {
      if (field.key == "message") {
        text += text.empty() ? "" : "\n";
        text +=
            "Output nr " + std::to_string(i + 1) + ". of the traced function does not match the corresponding output ";
        text += "of the " + reference + ". Detailed error:\n" + std::get<std::string>(field.value);
      }
    }
  }
  return text;
}

/// Compares what both runs left of the inputs that one of them may have changed.
std::optional<OutputDifference> compare_changes(const Outcome& expected, const Outcome& actual,
                                                const Signature& signature) {
  std::vector<c10::IValue> left, right;
  std::vector<std::string> names;
  for (size_t i = 0; i < expected.inputs.size(); ++i) {
    if (expected.changed[i] || actual.changed[i]) {
      left.push_back(expected.inputs[i]);
      right.push_back(actual.inputs[i]);
      names.push_back(i < signature.inputs.size() ? signature.inputs[i].name : std::to_string(i));
    }
  }
  if (left.empty()) {
    return std::nullopt;
  }
  // What the program leaves alone may hold NaN as well as what it changes.
  return compare_named(c10::ivalue::Tuple::create(left), c10::ivalue::Tuple::create(right), names,
                       Tolerance{.equal_nan = true});
}

/// The leaves in order, as a tuple.
c10::IValue without_nesting(const c10::IValue& outputs) {
  std::vector<c10::IValue> values;
  for (const auto& leaf : flatten_outputs(outputs)) {
    values.push_back(leaf.value);
  }
  return c10::ivalue::Tuple::create(std::move(values));
}

/// The comparison of one input, step by step; the first complaint stays.
class InputCheck {
 public:
  InputCheck(Recordable& source, ModuleRunner& traced, const BoundBatch& batch, const InputCheckOptions& options)
      : source_(source), traced_(traced), batch_(batch), options_(options), trial_(traced.module()) {
    if (const auto module = source.module()) {
      trial_.watch(*module);
    }
  }

  InputVerdict run() {
    const GradMode grad = options_.record.grad;
    const Outcome expected = trial_.run(batch_, [&](const BoundBatch& copy) { return source_.run(copy, grad); });
    const bool source_drew = trial_.drew();
    const Outcome actual = trial_.run(batch_, [&](const BoundBatch& copy) { return traced_.run(copy, grad); });
    report_errors(expected, actual);
    if (!expected.raised() && !actual.raised()) {
      compare_runs(expected, actual);
      if (source_drew && !trial_.drew() && !result_.complaint.empty()) {
        result_.complaint +=
            "; the source draws random numbers and the trace none: what was drawn while recording is a constant";
      }
    }
    // Where the program itself refuses the input, recording it fails for the same reason.
    if (!expected.raised() && wants_retrace()) {
      retrace(actual);
    }
    return finished(expected.raised() && actual.raised());
  }

 private:
  bool wants_retrace() const {
    return options_.retrace == Retrace::kYes || (options_.retrace == Retrace::kExplain && !result_.complaint.empty());
  }

  /// The first one stays.
  void complain(const std::string& complaint) {
    if (result_.complaint.empty()) {
      result_.complaint = complaint;
    }
  }

  void add_error(const std::string& key, const std::string& message) {
    if (!message.empty()) {
      add_block(key, message, TextBlock::Kind::kPlain);
    }
  }

  void add_block(const std::string& key, const std::string& text, TextBlock::Kind kind) {
    result_.evidence.push_back({key, TextBlock{text, kind}});
  }

  void report_errors(const Outcome& expected, const Outcome& actual) {
    result_.source_error = expected.error;
    result_.trace_error = actual.error;
    add_error("source_error", expected.error);
    add_error("trace_error", actual.error);
    if (expected.raised() && !actual.raised()) {
      complain("the source refuses the inputs and the trace takes them: " + first_line(expected.error));
    } else if (actual.raised() && !expected.raised()) {
      complain("the trace refuses the inputs and the source takes them: " + first_line(actual.error));
    }
  }

  /// Outputs that cannot be compared are a complaint, not an end.
  std::optional<OutputDifference> compare_values(const c10::IValue& expected, const c10::IValue& actual) {
    try {
      if (options_.ignore_nesting) {
        return compare_named(without_nesting(expected), without_nesting(actual), traced_.output_names(),
                             options_.tolerance);
      }
      return compare_named(expected, actual, traced_.output_names(), options_.tolerance);
    } catch (const Error& error) {
      complain(error.what());
      return std::nullopt;
    }
  }

  void compare_runs(const Outcome& expected, const Outcome& actual) {
    if (const auto outputs = compare_values(*expected.outputs, *actual.outputs)) {
      result_.evidence.push_back({"outputs", outputs->rows});
      if (!outputs->matches) {
        complain(outputs->message);
        add_block("difference", closeness_text(*outputs, "source"), TextBlock::Kind::kPlain);
      }
      result_.outputs = *outputs;
    }
    if (const auto changes = compare_changes(expected, actual, traced_.signature())) {
      result_.evidence.push_back({"changed_inputs", changes->rows});
      if (!changes->matches) {
        complain("input " + changes->where + " is left otherwise by the trace than by the source");
      }
    }
  }

  void retrace(const Outcome& actual) {
    std::optional<Recording> recording;
    const Outcome recorded = trial_.run(batch_, [&](const BoundBatch& copy) {
      recording = source_.record(copy, options_.record);
      return recording->outputs;
    });
    if (recorded.raised()) {
      add_error("retrace_error", recorded.error);
      complain("a trace cannot be made from it: " + first_line(recorded.error));
      return;
    }
    compare_with_repeated(*recording, actual);
    const torch::jit::Graph& traced =
        options_.graph != nullptr ? *options_.graph : *traced_.module().get_method("forward").graph();
    const GraphDiff diff = diff_graphs(traced, recorded_graph(*recording));
    add_graph_difference(result_.evidence, diff);
    if (const std::string complaint = graph_complaint(diff); !complaint.empty()) {
      complain(complaint);
    }
  }

  /// The repeated trace's outputs, where nothing else differs so far: as in torch.jit.trace.
  void compare_with_repeated(const Recording& recording, const Outcome& actual) {
    if (!result_.complaint.empty() || actual.raised()) {
      return;
    }
    torch::jit::Module module = recording.module;
    const Outcome again = trial_.run(batch_, [&](const BoundBatch& copy) {
      const GradGuard grad(options_.record.grad);
      return module.forward({copy.values.begin(), copy.values.end()});
    });
    if (again.raised()) {
      add_error("retrace_error", again.error);
      complain("a trace made from it refuses it: " + first_line(again.error));
    } else if (const auto outputs = compare_values(*again.outputs, *actual.outputs); outputs && !outputs->matches) {
      complain("a trace made from it gives other outputs: " + outputs->message);
      add_block("repeated_trace", closeness_text(*outputs, "repeated trace"), TextBlock::Kind::kPlain);
    }
  }

  InputVerdict finished(bool refused) {
    result_.verdict = !result_.complaint.empty() ? Verdict::kFail : refused ? Verdict::kSkip : Verdict::kPass;
    const std::string word = result_.verdict == Verdict::kFail ? "fail" : refused ? "skip" : "pass";
    EvidenceFields head{
        {"inputs", batch_.origin}, {"arguments", describe_arguments(batch_, traced_.signature())}, {"verdict", word}};
    if (!result_.complaint.empty()) {
      head.push_back({"complaint", result_.complaint});
    }
    result_.evidence.insert(result_.evidence.begin(), head.begin(), head.end());
    return std::move(result_);
  }

  Recordable& source_;
  ModuleRunner& traced_;
  const BoundBatch& batch_;
  const InputCheckOptions& options_;
  Trial trial_;
  InputVerdict result_;
};

std::string agreement(const InputCheckOptions& options, double max_abs_error) {
  return options.retrace == Retrace::kYes ? ": traced equals untraced, same graph"
                                          : ": equal to the source, greatest difference " + short_number(max_abs_error);
}

EvidenceRows constant_rows(const std::vector<ConstantDifference>& constants) {
  EvidenceRows rows;
  for (const ConstantDifference& constant : constants) {
    EvidenceFields row{{"node", TextBlock{constant.node}}};
    if (!constant.source.empty()) {
      row.push_back({"source_location", TextBlock{constant.source}});
    }
    row.push_back({"comparison", TextBlock{constant.message}});
    rows.push_back(std::move(row));
  }
  return rows;
}

EvidenceFields node_fields(const NodeDifference& node) {
  EvidenceFields fields{{"node_diff", TextBlock{joined_lines(node.lines), TextBlock::Kind::kDiff}}};
  if (!node.expected_source.empty()) {
    fields.push_back({"trace_source_location", TextBlock{node.expected_source}});
  }
  if (!node.actual_source.empty()) {
    fields.push_back({"check_source_location", TextBlock{node.actual_source}});
  }
  return fields;
}

}  // namespace

const torch::jit::Graph& recorded_graph(const Recording& recording) {
  return recording.function != nullptr ? *torch::jit::toGraphFunction(*recording.function).graph()
                                       : *recording.module.get_method("forward").graph();
}

void add_graph_difference(EvidenceFields& fields, const GraphDiff& diff) {
  fields.push_back({"graph_lines", static_cast<int64_t>(diff.comparison.nodes)});
  fields.push_back({"different_lines", static_cast<int64_t>(diff.comparison.different_lines)});
  if (!diff.comparison.matches) {
    fields.push_back({"first_line", static_cast<int64_t>(diff.comparison.first_line)});
    fields.push_back({"traced", diff.comparison.expected_line});
    fields.push_back({"check", diff.comparison.actual_line});
  }
  if (diff.first_node) {
    fields.push_back({"first_diverging_operator", node_fields(*diff.first_node)});
  }
  if (!diff.constants.empty()) {
    fields.push_back({"different_constants", constant_rows(diff.constants)});
  }
  if (!diff.text.lines.empty()) {
    fields.push_back({"graph_diff", TextBlock{joined_lines(diff.text.lines), TextBlock::Kind::kDiff}});
  }
  if (diff.text.narrowed) {
    fields.push_back(
        {"graph_diff_note", std::string("a long diff: lines are paired only with lines near their place")});
  }
}

std::string graph_complaint(const GraphDiff& diff) {
  if (!diff.comparison.matches) {
    return "a trace made from it is another graph, first at line " + std::to_string(diff.comparison.first_line);
  }
  if (!diff.constants.empty()) {
    return counted(static_cast<int64_t>(diff.constants.size()), "tensor constant") +
           " of the trace differ in a trace made from it: the tracer met what it cannot record";
  }
  return "";
}

InputVerdict check_input(Recordable& source, ModuleRunner& traced, const BoundBatch& batch,
                         const InputCheckOptions& options) {
  return InputCheck(source, traced, batch, options).run();
}

CheckResult check_inputs(Recordable& source, ModuleRunner& traced, const std::vector<BoundBatch>& batches,
                         const InputCheckOptions& options) {
  CheckResult result{"check-inputs", Verdict::kSkip, "no --check-inputs or --check-shapes given", "", {}};
  if (batches.empty()) {
    return result;
  }
  size_t failed = 0, refused = 0;
  double worst = 0;
  EvidenceRows rows;
  for (const auto& batch : batches) {
    InputVerdict input = check_input(source, traced, batch, options);
    if (input.verdict == Verdict::kFail && failed++ == 0) {
      result.where = batch.origin;
      result.summary = input.complaint;
    }
    refused += input.verdict == Verdict::kSkip ? 1 : 0;
    worst = input.outputs ? std::max(worst, input.outputs->max_abs_error) : worst;
    rows.push_back(std::move(input.evidence));
  }
  const std::string total = std::to_string(batches.size());
  if (failed > 0) {
    result.verdict = Verdict::kFail;
    result.summary = std::to_string(failed) + " of " + total + " further inputs differ; the first: " + result.summary;
  } else if (refused == batches.size()) {
    result.verdict = Verdict::kFail;
    result.where = batches.front().origin;
    result.summary = "nothing was compared: the source itself refuses every further input (" + total + ")";
  } else {
    result.verdict = Verdict::kPass;
    result.summary = counted(static_cast<int64_t>(batches.size() - refused), "further input") +
                     agreement(options, worst) +
                     (refused > 0 ? "; both refuse " + std::to_string(refused) + " more" : "");
  }
  result.evidence = {{"inputs", static_cast<int64_t>(batches.size())},
                     {"failed", static_cast<int64_t>(failed)},
                     {"refused", static_cast<int64_t>(refused)},
                     {"each", std::move(rows)}};
  return result;
}

}  // namespace bertjit
