// `check-inputs` of `trace` and `verify`: a program and its TorchScript module on one input, and on all of them.
//
// All that torch.jit.trace's own check reports (torch/jit/_trace.py, _check_trace), and more: every input is tried
// whatever became of the others, what is changed in place is compared too, and each run draws the same random numbers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compare/graph_diff.h"
#include "compare/named_outputs.h"
#include "infer/runner.h"
#include "record/recordable.h"
#include "support/evidence.h"

namespace bertjit {

/// Whether the program is also recorded on the input, and the graphs compared.
enum class Retrace {
  kNo,       ///< for what was scripted: its graph is no recording
  kYes,      ///< another graph is a difference, whatever the outputs are
  kExplain,  ///< only where the input differs otherwise, to show what the program does other than on the example
};

struct InputCheckOptions {
  RecordOptions record;  ///< grad: of the runs too
  Retrace retrace = Retrace::kYes;
  /// The recording on the example, with which those on further inputs are compared; nullptr: the module's forward.
  const torch::jit::Graph* graph = nullptr;
  Tolerance tolerance;
  /// Compares the tensors in order, however they are nested: a lone one, a tuple of one and a dict of one are equal.
  bool ignore_nesting = false;
};

struct InputVerdict {
  Verdict verdict = Verdict::kPass;  ///< kSkip: both refuse the input, nothing was compared
  std::string complaint;             ///< one line: what differs
  EvidenceFields evidence;
  std::string source_error;  ///< what the program raised; empty if nothing
  std::string trace_error;   ///< what the module raised
  /// Program against module; absent where a side raised, or outputs cannot be compared.
  std::optional<OutputDifference> outputs;
};

/// Runs and records on copies of `batch`, which is bound to both sides alike; never throws for what a program does.
InputVerdict check_input(Recordable& source, ModuleRunner& traced, const BoundBatch& batch,
                         const InputCheckOptions& options);

/// `check-inputs`: on further inputs the module gives what the program gives, changes of inputs included, and as
/// options.retrace says a recording made from them is the same graph. All are tried. Skipped if there are none.
///
/// An input that the program and the module both refuse is not compared; if that is all of them, the check fails.
CheckResult check_inputs(Recordable& source, ModuleRunner& traced, const std::vector<BoundBatch>& batches,
                         const InputCheckOptions& options);

/// Lines compared and different, and where they differ all that diff_graphs() found, as blocks.
void add_graph_difference(EvidenceFields& fields, const GraphDiff& diff);

/// "" if the graphs match.
std::string graph_complaint(const GraphDiff& diff);

/// The graph of a recording: the traced function's, or the module's forward.
const torch::jit::Graph& recorded_graph(const Recording& recording);

}  // namespace bertjit
