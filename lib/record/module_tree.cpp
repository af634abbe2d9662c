#include "record/module_tree.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace bertjit {

using torch::jit::Module;

ModuleTree::ModuleTree(const Module& root, const std::unordered_set<const c10::ClassType*>& whole_types,
                       const std::shared_ptr<torch::jit::CompilationUnit>& unit)
    : whole_types_(whole_types), unit_(unit), root_(copy(root, "__module")) {
  scopes_.erase(root_._ivalue().get());
}

Module ModuleTree::copy(const Module& module, const std::string& scope) {
  if (whole_types_.contains(module.type().get())) {
    return module;
  }
  const auto known = copies_.find(module._ivalue().get());
  if (known != copies_.end()) {
    return known->second;
  }
  c10::QualifiedName name = *module.type()->name();
  Module result(unit_->get_class(name) == nullptr ? name : unit_->mangle(name), unit_);
  copies_.emplace(module._ivalue().get(), result);
  originals_.emplace(result.type().get(), module.type());
  scopes_.emplace(result._ivalue().get(), scope);
  for (size_t slot = 0; slot < module.type()->numAttributes(); ++slot) {
    copy_attribute(module, result, slot, scope);
  }
  for (size_t i = 0; i < module.type()->numConstants(); ++i) {
    result.type()->addConstant(module.type()->getConstantName(i), module.type()->getConstant(i));
  }
  return result;
}

void ModuleTree::copy_attribute(const Module& from, Module& to, size_t slot, const std::string& scope) {
  const auto type = from.type();
  const std::string& name = type->getAttributeName(slot);
  c10::IValue value = from._ivalue()->getSlot(slot);
  c10::TypePtr attribute_type = type->getAttribute(slot);
  if (value.isModule()) {
    const Module child = copy(value.toModule(), scope + "." + name);
    value = child._ivalue();
    attribute_type = child.type();
  }
  const size_t added = to.type()->addAttribute(name, attribute_type, type->is_parameter(slot), type->is_buffer(slot));
  to._ivalue()->setSlot(added, value);
}

const c10::ClassType& ModuleTree::original(const c10::ClassType& type) const {
  const auto found = originals_.find(&type);
  return found == originals_.end() ? type : *found->second;
}

const std::string* ModuleTree::scope(const c10::ivalue::Object& object) const {
  const auto found = scopes_.find(&object);
  return found == scopes_.end() ? nullptr : &found->second;
}

BufferGuard::BufferGuard(const Module& module) {
  const c10::AutoGradMode no_grad(false);
  for (const auto& buffer : module.buffers()) {
    if (buffer.defined()) {
      buffers_.push_back({buffer, buffer.clone()});
    }
  }
}

BufferGuard::~BufferGuard() {
  const c10::AutoGradMode no_grad(false);
  for (auto& [tensor, value] : buffers_) {
    try {
      if (!at::equal(tensor, value)) {
        tensor.copy_(value);
      }
    } catch (const c10::Error&) {
      continue;  // a buffer of a kind that cannot be compared cannot have been changed by arithmetic either
    }
  }
}

}  // namespace bertjit
