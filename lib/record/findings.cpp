#include "record/findings.h"

#include <algorithm>

#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/inliner.h>

#include "record/location.h"
#include "record/record.h"
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

struct Context {
  const std::vector<at::Tensor>& literals;
  const std::string& function;
  Findings& findings;
  std::vector<SourceLocation> first_device = {};
};

std::vector<SourceLocation> where(const jit::Node& node, const Context& context) {
  auto stack = source_stack(node);
  for (auto& location : stack) {
    location.function = location.function.empty() ? context.function : location.function;
  }
  return stack;
}

void check_constant(const jit::Node& node, Context& context) {
  if (!is_tensor_constant(node)) {
    return;
  }
  const at::Tensor& tensor = node.t(c10::attr::value);
  const bool is_literal = std::any_of(context.literals.begin(), context.literals.end(),
                                      [&](const auto& literal) { return memory_of(literal) == memory_of(tensor); });
  // A number of Python's beside a tensor is one of no dimensions.
  if (tensor.dim() > 0 && !is_literal) {
    context.findings.add(FindingKind::kCapturedTensor, where(node, context),
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

/// Whether an operator draws random numbers with the constants it is given: dropout of nothing does not.
bool is_random(const jit::Node& node) {
  if (!node.isNondeterministic()) {
    return false;
  }
  const auto is = [&](const char* name, const auto& test) {
    const auto index = node.schema().argumentIndexWithName(name);
    const auto value = index ? jit::toIValue(node.input(static_cast<size_t>(*index))) : std::nullopt;
    return value && test(*value);
  };
  const auto zero = [](const c10::IValue& value) { return value.isDouble() && value.toDouble() == 0; };
  const auto off = [](const c10::IValue& value) { return value.isBool() && !value.toBool(); };
  return !is("p", zero) && !is("dropout_p", zero) && !is("dropout", zero) && !is("train", off) && !is("training", off);
}

void check_block(const jit::Block& block, Context& context) {
  for (const jit::Node* node : block.nodes()) {
    check_constant(*node, context);
    if (const auto device = constant_device(*node)) {
      // Once a trace is enough: the way out is the same for all.
      auto& first = context.first_device;
      first = first.empty() ? where(*node, context) : first;
      context.findings.add(FindingKind::kDeviceConstant, first,
                           std::string(node->kind().toQualString()) + " on " + device->str());
    }
    if (is_random(*node)) {
      context.findings.add(FindingKind::kNondeterministic, where(*node, context), node->kind().toQualString());
    }
    for (const jit::Block* inner : node->blocks()) {
      check_block(*inner, context);
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

void Findings::add(FindingKind kind, const std::vector<SourceLocation>& innermost_first, const std::string& detail) {
  if (innermost_first.empty()) {
    add(kind, SourceLocation(), detail);
    return;
  }
  const size_t told = readers_place(innermost_first);
  const auto& inner = innermost_first.front();
  const std::string in = inner.file + ":" + std::to_string(inner.line);
  add(kind, innermost_first[told], told == 0 ? detail : detail + (detail.empty() ? "in " : ", in ") + in);
}

void add_graph_findings(const jit::Graph& traced, const std::vector<at::Tensor>& literals, const std::string& function,
                        Findings& findings) {
  const auto graph = const_cast<jit::Graph&>(traced).copy();
  jit::Inline(*graph);
  Context context{literals, function, findings};
  check_block(*graph->block(), context);
}

}  // namespace bertjit
