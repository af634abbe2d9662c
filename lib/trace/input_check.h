// One further input of `check-inputs`: the program, its trace and a trace made from that input, side by side.
#pragma once

#include <string>

#include "compare/graph_diff.h"
#include "infer/runner.h"
#include "record/recordable.h"
#include "support/evidence.h"

namespace bertjit {

struct InputVerdict {
  Verdict verdict = Verdict::kPass;  ///< kSkip: both refuse the input, nothing was compared
  std::string complaint;             ///< one line: what differs
  EvidenceFields evidence;
};

/// Whether the program is also recorded on the input, and the graphs compared: not for what was scripted.
enum class Retrace { kNo, kYes };

/// Runs and records on copies of `batch`; never throws for what a program does.
InputVerdict check_input(Recordable& source, ModuleRunner& traced, const BoundBatch& batch,
                         const RecordOptions& options, Retrace retrace);

/// Lines compared and different, and where they differ all that diff_graphs() found, as blocks.
void add_graph_difference(EvidenceFields& fields, const GraphDiff& diff);

/// "" if the graphs match.
std::string graph_complaint(const GraphDiff& diff);

/// The graph of a recording: the traced function's, or the module's forward.
const torch::jit::Graph& recorded_graph(const Recording& recording);

}  // namespace bertjit
