#include "script/objects.h"

#include <algorithm>

#include <torch/csrc/jit/frontend/parser.h>

namespace bertjit {

const Object* PythonScope::find(const std::string& name) const {
  const auto it = names_.find(name);
  if (it != names_.end()) {
    return &it->second;
  }
  return outer_ == nullptr ? nullptr : outer_->find(name);
}

void PythonScope::set(const std::string& name, Object value) {
  names_[name] = std::move(value);
}

bool PythonScope::remove(const std::string& name) {
  return names_.erase(name) != 0;
}

std::shared_ptr<FunctionObject> ClassObject::find_method(const std::string& method) const {
  for (const ClassObject* type = this; type != nullptr; type = type->base.get()) {
    if (const auto fault = type->outside.find(method); fault != type->outside.end()) {
      throw Error(*fault->second);
    }
    if (const auto found = type->methods.find(method); found != type->methods.end()) {
      return found->second;
    }
  }
  return nullptr;
}

const Object* ClassObject::find_attribute(const std::string& attribute) const {
  for (const ClassObject* type = this; type != nullptr; type = type->base.get()) {
    if (const auto found = type->attributes.find(attribute); found != type->attributes.end()) {
      return &found->second;
    }
  }
  return nullptr;
}

std::shared_ptr<FunctionObject> ClassObject::find_property(const std::string& property) const {
  for (const ClassObject* type = this; type != nullptr; type = type->base.get()) {
    if (const auto found = type->properties.find(property); found != type->properties.end()) {
      return found->second;
    }
  }
  return nullptr;
}

std::shared_ptr<FunctionObject> ClassObject::find_static_method(const std::string& method) const {
  for (const ClassObject* type = this; type != nullptr; type = type->base.get()) {
    if (const auto found = type->static_methods.find(method); found != type->static_methods.end()) {
      return found->second;
    }
  }
  return nullptr;
}

bool ClassObject::derives_from(const std::string& qualified) const {
  for (const ClassObject* type = this; type != nullptr; type = type->base.get()) {
    if (type->qualified_name == qualified) {
      return true;
    }
  }
  return false;
}

bool ClassObject::is_module() const {
  return derives_from(module_class()->qualified_name);
}

const AttributeObject* InstanceObject::find(const std::string& name) const {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&name](const AttributeObject& attribute) { return attribute.name == name; });
  return found == attributes.end() ? nullptr : &*found;
}

AttributeObject* InstanceObject::find(const std::string& name) {
  return const_cast<AttributeObject*>(std::as_const(*this).find(name));
}

Object list_object(std::vector<Object> items) {
  return Object{std::make_shared<ListObject>(ListObject{std::move(items)})};
}

Object tuple_object(std::vector<Object> items) {
  return Object{std::make_shared<TupleObject>(TupleObject{std::move(items)})};
}

Object string_object(const std::string& text) {
  return Object{c10::IValue(text)};
}

Object int_object(int64_t value) {
  return Object{c10::IValue(value)};
}

Object float_object(double value) {
  return Object{c10::IValue(value)};
}

Object bool_object(bool value) {
  return Object{c10::IValue(value)};
}

std::shared_ptr<ClassObject> module_class() {
  static const std::shared_ptr<ClassObject> kModule = [] {
    torch::jit::Parser parser(std::make_shared<torch::jit::Source>("class Module:\n  pass\n"));
    return std::make_shared<ClassObject>(ClassObject{"Module", "__torch__.torch.nn.modules.module.Module",
                                                     torch::jit::ClassDef(parser.parseClass()), nullptr,
                                                     std::make_shared<PythonScope>()});
  }();
  return kModule;
}

}  // namespace bertjit
