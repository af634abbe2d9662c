#include "trace/pitfalls.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "compare/named_outputs.h"

namespace bertjit {

namespace {

constexpr std::array<Pitfall, 13> kPitfalls{{
    {FindingKind::kLoopUnrolled, Verdict::kWarn, "a loop was unrolled",
     "the trace repeats the loop's body as often as it ran on the example, whatever the sizes of later inputs",
     "compile the function that loops with @torch.jit.script (a trace calls it as a whole and keeps the loop), or "
     "trace "
     "with --script"},
    {FindingKind::kBranchFlattened, Verdict::kWarn, "a branch was flattened",
     "the trace holds the side that the example took, and takes it whatever later inputs say",
     "compute both sides and choose with torch.where(condition, a, b); or compile the function that branches with "
     "@torch.jit.script, or trace with --script"},
    {FindingKind::kValueConstant, Verdict::kWarn, "a tensor's value became a constant",
     "int(), float(), bool(), item(), tolist() or an index took a number out of a tensor; the trace keeps the number "
     "that the example had",
     "keep it a tensor: torch.where, a product with a mask, torch.index_select; or trace with --script"},
    {FindingKind::kSizeConstant, Verdict::kWarn, "a size became a constant",
     "arithmetic on a size went where the tracer could not follow; the trace keeps the example's number",
     "take the size with x.size(i) where it is used, or leave it to -1 in view and reshape; or trace with --script"},
    {FindingKind::kNewTensorConstant, Verdict::kWarn, "torch.tensor(...) became a constant",
     "a tensor that is made of Python numbers is stored with the numbers of the example",
     "build it from tensors: torch.stack, torch.cat, torch.full_like; or trace with --script"},
    {FindingKind::kInplaceView, Verdict::kWarn, "an in-place operator changes a view",
     "x[0] = … changes a part of a tensor that lives on. The trace repeats that, but it holds only while nothing else "
     "reads or reorders that tensor; exporters and optimizers often lose such a change",
     "build the result out of place: torch.cat of its parts, torch.where, or index_put on a clone"},
    {FindingKind::kInputMutated, Verdict::kPass, "an input is changed in place",
     "the traced module changes its caller's tensor, as the program does", "work on a copy: x = x.clone()"},
    {FindingKind::kCapturedTensor, Verdict::kWarn, "a tensor from outside is stored as a constant",
     "it is neither an input nor a parameter nor a buffer: it is not in the state dict, .to() does not move it, and "
     "later changes of it do not reach the trace",
     "pass it as an input, or make it a torch.nn.Parameter or a buffer (register_buffer) of the module"},
    {FindingKind::kDeviceConstant, Verdict::kPass, "the device of a new tensor is written into the trace",
     "the tensor is made on the example's device, wherever later inputs are",
     "make it from a tensor that is on the right device: torch.zeros_like(x), x.new_zeros(…)"},
    {FindingKind::kNondeterministic, Verdict::kWarn, "a random operator",
     "two runs on the same inputs give different outputs, traced or not",
     "model.eval() if it is dropout; else pass the random numbers as an input, or set the seed before each run"},
    {FindingKind::kStateNotRecorded, Verdict::kWarn, "an attribute is assigned",
     "a trace is what is computed from inputs to outputs; what is assigned to self on the way is not part of it",
     "return the new state and pass it in again, change a buffer in place, or trace with --script"},
    {FindingKind::kContainerOutput, Verdict::kPass, "a list or dict is returned",
     "the trace returns as many entries, under the same keys, as on the example", "return a tuple"},
    {FindingKind::kOutputConstant, Verdict::kWarn, "an output does not depend on any input",
     "the trace returns what it returned on the example, whatever comes in",
     "compute it from an input; what is meant to be constant need not be an output"},
}};

/// The line with a mark under its column, without the blanks it begins with.
std::string marked_line(const SourceLocation& location) {
  const size_t begin = location.text.find_first_not_of(" \t");
  if (begin == std::string::npos) {
    return "";
  }
  const size_t column = std::max(static_cast<size_t>(std::max<int64_t>(location.column, 0)), begin);
  std::string mark;
  for (size_t i = begin; i < std::min(column, location.text.size()); ++i) {
    // A code point takes one column, a tab keeps its width.
    if ((static_cast<unsigned char>(location.text[i]) & 0xc0) != 0x80) {
      mark += location.text[i] == '\t' ? '\t' : ' ';
    }
  }
  return location.text.substr(begin) + "\n" + mark + "^";
}

CheckResult kind_result(const Pitfall& kind, const std::vector<Finding>& findings) {
  const Finding& first = findings.front();
  CheckResult result{finding_name(kind.kind), kind.verdict, "", location_text(first.where), {}};
  result.summary = std::string(kind.verdict == Verdict::kPass ? "note: " : "") + kind.what;
  if (!result.where.empty()) {
    result.summary += " at " + result.where;
  }
  if (!first.detail.empty()) {
    result.summary += ": " + first.detail;
  }
  if (findings.size() > 1) {
    result.summary += " (and at " + counted(static_cast<int64_t>(findings.size()) - 1, "more place") + ")";
  }
  result.evidence = {{"places", place_rows(findings)},
                     {"explanation", std::string(kind.explanation)},
                     {"way_out", std::string(kind.way_out)}};
  return result;
}

/// What libtorch says, and which pitfall it is.
struct KnownWarning {
  std::string_view words;
  FindingKind kind;
};

// From torch/csrc/jit/frontend/tracer.cpp, torch/csrc/autograd/python_variable_indexing.cpp and torch/_tensor.py.
constexpr std::array<KnownWarning, 8> kKnownWarnings{{
    {"Converting a tensor to a Python boolean", FindingKind::kBranchFlattened},
    {"Converting a tensor to", FindingKind::kValueConstant},
    {"Iterating over a tensor", FindingKind::kLoopUnrolled},
    {"Using len to get tensor shape", FindingKind::kSizeConstant},
    {"results are registered as constants in the trace", FindingKind::kNewTensorConstant},
    {"live references to the data region being modified", FindingKind::kInplaceView},
    {"at the output of the tracer might cause the trace to be incorrect", FindingKind::kContainerOutput},
    {"can't be represented in the JIT", FindingKind::kValueConstant},
}};

EvidenceFields warning_row(const std::string& message) {
  EvidenceFields row{{"message", message}};
  const auto known = std::find_if(kKnownWarnings.begin(), kKnownWarnings.end(), [&](const KnownWarning& warning) {
    return message.find(warning.words) != std::string::npos;
  });
  if (known != kKnownWarnings.end()) {
    const Pitfall& kind = pitfall(known->kind);
    row.push_back({"pitfall", std::string(finding_name(known->kind))});
    row.push_back({"explanation", std::string(kind.explanation)});
    row.push_back({"way_out", std::string(kind.way_out)});
  }
  return row;
}

}  // namespace

const Pitfall& pitfall(FindingKind kind) {
  return *std::find_if(kPitfalls.begin(), kPitfalls.end(), [kind](const Pitfall& entry) { return entry.kind == kind; });
}

EvidenceRows place_rows(const std::vector<Finding>& findings) {
  EvidenceRows rows;
  for (const Finding& finding : findings) {
    EvidenceFields row{{"where", location_text(finding.where)},
                       {"function", finding.where.function},
                       {"detail", finding.detail},
                       {"times", finding.times}};
    std::erase_if(row, [](const Evidence& field) {
      const auto* text = std::get_if<std::string>(&field.value);
      return text != nullptr && text->empty();
    });
    if (const std::string line = marked_line(finding.where); !line.empty()) {
      row.push_back({"code", TextBlock{line}});
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<CheckResult> pitfall_checks(const std::vector<Finding>& findings) {
  std::vector<CheckResult> results;
  for (const Pitfall& kind : kPitfalls) {
    std::vector<Finding> found;
    std::copy_if(findings.begin(), findings.end(), std::back_inserter(found),
                 [&](const Finding& finding) { return finding.kind == kind.kind; });
    if (!found.empty() && kind.kind != FindingKind::kNondeterministic) {
      results.push_back(kind_result(kind, found));
    }
  }
  return results;
}

std::optional<CheckResult> check_warnings(const std::vector<std::string>& warnings) {
  std::vector<std::string> each;
  for (const std::string& warning : warnings) {
    if (std::find(each.begin(), each.end(), warning) == each.end()) {
      each.push_back(warning);
    }
  }
  if (each.empty()) {
    return std::nullopt;
  }
  CheckResult result{"tracer-warnings", Verdict::kWarn, "", "", {}};
  EvidenceRows rows;
  for (const std::string& warning : each) {
    rows.push_back(warning_row(warning));
  }
  result.summary = "libtorch's tracer gave " + counted(static_cast<int64_t>(each.size()), "warning") + ": " +
                   each.front().substr(0, each.front().find('.'));
  result.evidence = {{"warnings", std::move(rows)}};
  return result;
}

std::optional<CheckResult> check_passed_over(const std::vector<std::string>& notes) {
  if (notes.empty()) {
    return std::nullopt;
  }
  CheckResult result{"passed-over", Verdict::kWarn, "", "", {}};
  EvidenceRows rows;
  for (const std::string& note : notes) {
    rows.push_back({{"note", note}});
  }
  result.summary = "statements of the file were passed over; random numbers drawn later may not be Python's: " +
                   notes.front().substr(0, notes.front().find('\n'));
  result.evidence = {{"notes", std::move(rows)}};
  return result;
}

}  // namespace bertjit
