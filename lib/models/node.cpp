#include "models/node.h"

#include <utility>

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/ir.h>

namespace bertjit {

namespace {

constexpr const char* kTypePrefix = "__torch__.";
constexpr const char* kModuleList = "torch.nn.modules.container.ModuleList";

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

Node::Node(const TreeContext& context, std::string path, const std::string& type_name, torch::jit::Module module)
    : context_(context), path_(std::move(path)), type_name_(type_name), module_(std::move(module)) {}

Node Node::child(const std::string& name, const std::string& type_name) const {
  if (module_.hasattr(name)) {
    return {context_, full_name(name), type_name, module_.attr(name).toModule()};
  }
  Node node(context_, full_name(name), type_name);
  torch::jit::Module parent = module_;
  parent.register_module(name, node.module_);
  return node;
}

Node Node::at(const std::string& path, const std::string& type_name) const {
  const size_t dot = path.find('.');
  if (dot == std::string::npos) {
    return child(path, type_name);
  }
  return child(path.substr(0, dot), kModuleList).at(path.substr(dot + 1), type_name);
}

Node Node::at(const Place& place) const {
  return at(place.path, type_name_.substr(0, type_name_.rfind('.') + 1) + place.class_name);
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

at::Tensor Node::constant(const std::string& name, const at::Tensor& otherwise, Constant kind) const {
  const at::Tensor tensor =
      has_parameter(name) ? context_.weights->take(full_name(name), otherwise.sizes(), Init::kZeros) : otherwise;
  torch::jit::Module module = module_;
  module.register_parameter(name, tensor, /*is_buffer=*/kind == Constant::kBuffer);
  return tensor;
}

bool Node::has_parameter(const std::string& name) const {
  return context_.weights->has(full_name(name));
}

std::string Node::full_name(const std::string& name) const {
  return path_.empty() ? name : path_ + "." + name;
}

Scope::Scope(const Node& node) : base_(node.path()) {
  // The root has no scope: its `forward` is the graph itself.
  if (!base_.empty()) {
    push(base_);
  }
}

Scope::~Scope() {
  while (!pushed_.empty()) {
    pop();
  }
}

void Scope::push(const std::string& path) {
  if (torch::jit::tracer::isTracing()) {
    torch::jit::tracer::getTracingState()->graph->push_scope("__module." + path);
    pushed_.push_back(path);
  }
}

void Scope::pop() {
  pushed_.pop_back();
  // An exception may have abandoned the trace already.
  if (torch::jit::tracer::isTracing()) {
    torch::jit::tracer::getTracingState()->graph->pop_scope();
  }
}

void Scope::enter(const Node& node) {
  enter_path(node.path());
}

void Scope::enter_parent(const Node& node) {
  const size_t dot = node.path().rfind('.');
  enter_path(dot == std::string::npos ? "" : node.path().substr(0, dot));
}

void Scope::enter_path(const std::string& target) {
  const auto holds_target = [&](const std::string& path) {
    return target.starts_with(path) && (target.size() == path.size() || target[path.size()] == '.');
  };
  while (!pushed_.empty() && !holds_target(pushed_.back())) {
    pop();
  }
  std::string reached = pushed_.empty() ? base_ : pushed_.back();
  while (reached.size() < target.size()) {
    reached = target.substr(0, target.find('.', reached.empty() ? 0 : reached.size() + 1));
    push(reached);
  }
}

ExistingWeights::ExistingWeights(const torch::jit::Module& module) {
  for (const auto& parameter : module.named_parameters()) {
    tensors_.emplace(parameter.name, parameter.value);
  }
  for (const auto& buffer : module.named_buffers()) {
    tensors_.emplace(buffer.name, buffer.value);
  }
}

at::Tensor ExistingWeights::take(const std::string& name, at::IntArrayRef, Init) {
  return tensors_.at(name).detach();
}

bool ExistingWeights::has(const std::string& name) const {
  return tensors_.contains(name);
}

}  // namespace bertjit
