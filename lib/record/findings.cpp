#include "record/findings.h"

#include <algorithm>

#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/inliner.h>

#include "record/location.h"
#include "record/symbols.h"

namespace bertjit {

namespace jit = torch::jit;

namespace {

bool same_place(const SourceLocation& a, const SourceLocation& b) {
  return a.file == b.file && a.line == b.line && a.column == b.column;
}

bool is_tensor_constant(const jit::Node& node) {
  return node.kind() == c10::prim::Constant && node.hasAttribute(c10::attr::value) &&
         node.kindOf(c10::attr::value) == jit::AttributeKind::t;
}

void check_constant(const jit::Node& node, const std::vector<at::Tensor>& literals, Findings& findings) {
  if (!is_tensor_constant(node)) {
    return;
  }
  const at::Tensor& tensor = node.t(c10::attr::value);
  const bool is_literal = std::any_of(literals.begin(), literals.end(),
                                      [&](const auto& literal) { return memory_of(literal) == memory_of(tensor); });
  // A number of Python's beside a tensor is one of no dimensions.
  if (tensor.dim() > 0 && !is_literal) {
    findings.add(FindingKind::kCapturedTensor, location_of(source_range(node)),
                 tensor.toString() + " of shape " + c10::str(tensor.sizes()));
  }
}

/// The device that an operator's argument names, as a constant.
std::optional<at::Device> constant_device(const jit::Node& node) {
  for (const jit::Value* input : node.inputs()) {
    if (input->type()->kind() == c10::TypeKind::DeviceObjType && input->node()->kind() == c10::prim::Constant) {
      return jit::toIValue(input)->toDevice();
    }
  }
  return std::nullopt;
}

void check_block(const jit::Block& block, const std::vector<at::Tensor>& literals, Findings& findings,
                 SourceLocation& first_device) {
  for (const jit::Node* node : block.nodes()) {
    check_constant(*node, literals, findings);
    if (const auto device = constant_device(*node)) {
      // Once a trace is enough: the way out is the same for all.
      first_device = first_device.line == 0 ? location_of(source_range(*node)) : first_device;
      findings.add(FindingKind::kDeviceConstant, first_device,
                   std::string(node->kind().toQualString()) + " on " + device->str());
    }
    if (node->isNondeterministic()) {
      findings.add(FindingKind::kNondeterministic, location_of(source_range(*node)), node->kind().toQualString());
    }
    for (const jit::Block* inner : node->blocks()) {
      check_block(*inner, literals, findings, first_device);
    }
  }
}

}  // namespace

void Findings::add(FindingKind kind, const SourceLocation& where, const std::string& detail) {
  for (auto& finding : findings_) {
    if (finding.kind == kind && same_place(finding.where, where) && (where.line > 0 || finding.detail == detail)) {
      ++finding.times;
      return;
    }
  }
  findings_.push_back({kind, where, detail});
}

void add_graph_findings(const jit::Graph& traced, const std::vector<at::Tensor>& literals, Findings& findings) {
  const auto graph = const_cast<jit::Graph&>(traced).copy();
  jit::Inline(*graph);
  SourceLocation first_device;
  check_block(*graph->block(), literals, findings, first_device);
}

}  // namespace bertjit
