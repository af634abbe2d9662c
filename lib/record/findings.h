// The findings of one recording while it is made.
#pragma once

#include <string>
#include <vector>

#include <torch/csrc/jit/api/module.h>

#include "record/finding.h"

namespace bertjit {

class Findings {
 public:
  /// One more; the same kind at the same place is counted, with the detail it had first.
  void add(FindingKind kind, const SourceLocation& where, const std::string& detail);
  /// One at the innermost of the places outside the library, whose line then stands in the detail.
  void add(FindingKind kind, const std::vector<SourceLocation>& innermost_first, const std::string& detail);
  const std::vector<Finding>& all() const {
    return findings_;
  }

 private:
  std::vector<Finding> findings_;
};

/// What a finished trace tells by itself: captured tensors, written-out devices, random operators. `literals` are
/// tensors that the program's text writes out, which nobody would call captured; `function` is the program's name.
void add_graph_findings(const torch::jit::Graph& traced, const std::vector<at::Tensor>& literals,
                        const std::string& function, Findings& findings);

}  // namespace bertjit
