#include "models/node.h"

#include <utility>

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/ir.h>

namespace bertjit {

namespace {

constexpr const char* kTypePrefix = "__torch__.";

}  // namespace

Node::Node(const TreeContext& context, const std::string& type_name) : Node(context, "", type_name) {}

Node::Node(const TreeContext& context, std::string path, const std::string& type_name)
    : context_(context),
      path_(std::move(path)),
      type_name_(type_name),
      module_(c10::QualifiedName(kTypePrefix + type_name), context.unit, /*shouldMangle=*/true) {
  // Python's loaded_module.eval() sets this attribute on every submodule.
  module_.register_attribute("training", c10::BoolType::get(), false);
}

Node Node::child(const std::string& name, const std::string& type_name) const {
  Node node(context_, full_name(name), type_name);
  torch::jit::Module parent = module_;
  parent.register_module(name, node.module_);
  return node;
}

Node Node::sibling_class(const std::string& name, const std::string& class_name) const {
  return child(name, type_name_.substr(0, type_name_.rfind('.') + 1) + class_name);
}

at::Tensor Node::parameter(const std::string& name, at::IntArrayRef shape, Init init) const {
  at::Tensor tensor = context_.weights->take(full_name(name), shape, init);
  adopt(name, tensor);
  return tensor;
}

void Node::adopt(const std::string& name, const at::Tensor& tensor) const {
  tensor.set_requires_grad(tensor.is_floating_point());
  torch::jit::Module module = module_;
  module.register_parameter(name, tensor, /*is_buffer=*/false);
}

bool Node::has_parameter(const std::string& name) const {
  return context_.weights->has(full_name(name));
}

std::string Node::full_name(const std::string& name) const {
  return path_.empty() ? name : path_ + "." + name;
}

// The root has no scope: its `forward` is the graph itself.
Scope::Scope(const Node& node) : pushed_(torch::jit::tracer::isTracing() && !node.path().empty()) {
  if (pushed_) {
    torch::jit::tracer::getTracingState()->graph->push_scope("__module." + node.path());
  }
}

Scope::~Scope() {
  // An exception may have abandoned the trace already.
  if (pushed_ && torch::jit::tracer::isTracing()) {
    torch::jit::tracer::getTracingState()->graph->pop_scope();
  }
}

ExistingWeights::ExistingWeights(const torch::jit::Module& module) {
  for (const auto& parameter : module.named_parameters()) {
    tensors_.emplace(parameter.name, parameter.value);
  }
}

at::Tensor ExistingWeights::take(const std::string& name, at::IntArrayRef, Init) {
  return tensors_.at(name).detach();
}

bool ExistingWeights::has(const std::string& name) const {
  return tensors_.contains(name);
}

}  // namespace bertjit
