// Instances as TorchScript's module classes and objects.
#include <algorithm>
#include <set>

#include <torch/csrc/jit/frontend/error_report.h>
#include <torch/csrc/jit/frontend/resolver.h>

#include "script/compile_context.h"
#include "script/compile_rewrite.h"
#include "script/object_values.h"
#include "script/python_error.h"
#include "script/sugared_module.h"
#include "script/types.h"

namespace bertjit {

using torch::jit::ErrorReport;

namespace {

constexpr const char* kContainers = "__torch__.torch.nn.modules.container.";

bool is_function(const Object& object) {
  return object.as<FunctionObject>() || object.as<CompiledFunctionObject>() || object.as<BuiltinObject>() ||
         object.as<BoundMethodObject>() || object.as<ClassObject>();
}

/// The annotations TorchScript sees: those of the nearest class that has any.
std::shared_ptr<ClassObject> annotated_class(std::shared_ptr<ClassObject> type) {
  while (type != nullptr && type->annotations.empty()) {
    type = type->base;
  }
  return type;
}

/// What Python adds to every module; its type depends on whether a class hides the annotations of torch.nn.Module.
c10::TypePtr backward_hook_type(const std::shared_ptr<ClassObject>& type) {
  const bool own = annotated_class(type) != nullptr || type->qualified_name.rfind("__torch__.torch.", 0) == 0;
  return own ? c10::TypePtr(c10::NoneType::get()) : c10::OptionalType::create(c10::BoolType::get());
}

std::set<std::string> constant_names(const std::shared_ptr<ClassObject>& type) {
  std::set<std::string> names;
  if (const Object* listed = type->find_attribute("__constants__")) {
    const auto list = listed->as<ListObject>();
    const auto tuple = listed->as<TupleObject>();
    for (const Object& name : list ? list->items : tuple ? tuple->items : std::vector<Object>()) {
      if (const auto* value = name.get<c10::IValue>(); value != nullptr && value->isString()) {
        names.insert(value->toStringRef());
      }
    }
  }
  if (const auto annotated = annotated_class(type)) {
    for (const auto& [name, annotation] : annotated->annotations) {
      if (is_final(annotation, *annotated->scope)) {
        names.insert(name);
      }
    }
  }
  return names;
}

/// Lists are tuples as constants.
std::optional<c10::IValue> constant_value(const Object& object) {
  const auto list = object.as<ListObject>();
  const auto tuple = object.as<TupleObject>();
  if (list || tuple) {
    std::vector<c10::IValue> values;
    for (const Object& item : list ? list->items : tuple->items) {
      auto value = constant_value(item);
      if (!value) {
        return std::nullopt;
      }
      values.push_back(std::move(*value));
    }
    return c10::ivalue::Tuple::create(std::move(values));
  }
  const auto value = to_ivalue(object);
  const bool allowed = value && (value->isNone() || value->isScalar() || value->isString() || value->isDevice());
  return allowed ? value : std::nullopt;
}

void add_constants(ModuleInfo& info) {
  const ClassObject& type = *info.instance->type;
  for (const std::string& name : constant_names(info.instance->type)) {
    const AttributeObject* attribute = info.instance->find(name);
    if (attribute != nullptr && attribute->kind != AttributeKind::kAttribute) {
      continue;  // a submodule, parameter or buffer stays what it is
    }
    const Object* value = attribute != nullptr ? &attribute->value : type.find_attribute(name);
    if (value == nullptr) {
      continue;
    }
    const auto constant = constant_value(*value);
    if (!constant) {
      refuse(type.def.name().range(), "'" + python_type_name(*value) + "' object in attribute '" + type.name + "." +
                                          name +
                                          "' is not a valid constant; valid are None, bool, int, float, str, "
                                          "torch.device, torch.dtype, and lists or tuples of these");
    }
    info.constants.emplace_back(name, *constant);
  }
}

/// Why the compiler has no type for an attribute, in the words of torch.jit.script.
std::string failure(const Object& value, const std::string& reason) {
  return "(This attribute exists on the Python module, but we failed to convert Python type: '" +
         python_type_name(value) + "' to a TorchScript type. " + reason +
         ". Its type was inferred; try adding a type annotation for the attribute.)";
}

/// As Python infers it: an empty list or dict has no type.
std::optional<c10::IValue> inferred_value(const Object& object, std::string* why) {
  const auto list = object.as<ListObject>();
  const auto dict = object.as<DictObject>();
  if ((list && list->items.empty()) || (dict && dict->items.empty())) {
    *why = list ? "List trace inputs must have elements" : "Dictionary inputs must have entries";
    return std::nullopt;
  }
  return to_ivalue(object, why);
}

void add_data(ModuleInfo& info, const AttributeObject& attribute) {
  const auto annotated = annotated_class(info.instance->type);
  if (annotated != nullptr && annotated->annotations.count(attribute.name) == 1) {
    const auto& annotation = annotated->annotations.at(attribute.name);
    const c10::TypePtr type = parse_annotation(annotation, *annotated->scope);
    std::string why;
    const auto value = to_typed_ivalue(attribute.value, type, &why);
    if (!value) {
      refuse(annotation.range(), "attribute '" + attribute.name + "' of " + info.instance->type->name +
                                     " is annotated as " + type->repr_str() + ": " + why);
    }
    info.attributes.push_back({attribute.name, type, *value});
    return;
  }
  std::string why;
  if (const auto value = inferred_value(attribute.value, &why)) {
    info.attributes.push_back({attribute.name, c10::unshapedType(value->type()), *value});
  } else {
    info.failed[attribute.name] = failure(attribute.value, why);
  }
}

/// Parameters and buffers, then data, as Python's classes have them.
void add_attributes(ModuleInfo& info) {
  const InstanceObject& instance = *info.instance;
  for (const AttributeKind kind : {AttributeKind::kParameter, AttributeKind::kBuffer}) {
    for (const AttributeObject& attribute : instance.attributes) {
      if (attribute.kind == kind) {
        const c10::IValue value = to_ivalue(attribute.value).value();
        info.attributes.push_back({attribute.name, c10::unshapedType(value.type()), value,
                                   kind == AttributeKind::kParameter, kind == AttributeKind::kBuffer});
      }
    }
  }
  info.attributes.push_back({"training", c10::BoolType::get(), instance.training});
  info.attributes.push_back({"_is_full_backward_hook", backward_hook_type(instance.type), c10::IValue()});
  for (const AttributeObject& attribute : instance.attributes) {
    const bool is_none = attribute.value.get<c10::IValue>() != nullptr && attribute.value.get<c10::IValue>()->isNone();
    if (attribute.kind == AttributeKind::kModule && is_none) {
      info.attributes.push_back({attribute.name, c10::NoneType::get(), c10::IValue()});
    }
    if (attribute.kind == AttributeKind::kAttribute && info.constant(attribute.name) == nullptr &&
        !is_function(attribute.value)) {
      add_data(info, attribute);
    }
  }
}

/// Names that `self.name = …`, `self.name += …` or `self.name[…] = …` assigns in a method other than __init__.
void collect_assigned(const torch::jit::TreeRef& tree, const std::string& self, bool target,
                      std::set<std::string>& names) {
  if (target && tree->kind() == '.') {
    const torch::jit::Select select(tree);
    if (select.value().kind() == torch::jit::TK_VAR && torch::jit::Var(select.value()).name().name() == self) {
      names.insert(select.selector().name());
    }
  }
  const bool assigns = tree->kind() == torch::jit::TK_ASSIGN || tree->kind() == torch::jit::TK_AUG_ASSIGN;
  for (size_t i = 0; i < tree->trees().size(); ++i) {
    const bool keeps_target = target && tree->kind() != torch::jit::TK_APPLY;
    collect_assigned(tree->trees()[i], self, assigns ? i == 0 : keeps_target, names);
  }
}

std::set<std::string> assigned_attributes(std::shared_ptr<ClassObject> type) {
  std::set<std::string> names;
  for (; type != nullptr; type = type->base) {
    for (const auto& [name, method] : type->methods) {
      const auto params = method->def.decl().params();
      if (name != "__init__" && params.size() > 0) {
        collect_assigned(method->def.statements().tree(), params[0].ident().name(), false, names);
      }
    }
  }
  return names;
}

bool same_type(const c10::TypePtr& a, const c10::TypePtr& b) {
  return *a == *b;
}

bool same_attributes(const ModuleInfo& a, const ModuleInfo& b) {
  return std::equal(a.attributes.begin(), a.attributes.end(), b.attributes.begin(), b.attributes.end(),
                    [](const ModuleInfo::Attribute& x, const ModuleInfo::Attribute& y) {
                      return x.name == y.name && same_type(x.type, y.type) && x.is_parameter == y.is_parameter &&
                             x.is_buffer == y.is_buffer;
                    });
}

/// Functions held as attributes, by identity.
std::vector<std::pair<std::string, const void*>> function_attributes(const InstanceObject& instance) {
  std::vector<std::pair<std::string, const void*>> functions;
  for (const AttributeObject& attribute : instance.attributes) {
    if (attribute.kind == AttributeKind::kAttribute && is_function(attribute.value)) {
      const void* identity = std::visit(
          [](const auto& data) -> const void* {
            if constexpr (requires {
                            data.get();
                            data.use_count();
                          }) {
              return data.get();
            }
            return nullptr;
          },
          attribute.value.data);
      functions.emplace_back(attribute.name, identity);
    }
  }
  return functions;
}

bool shares_type(const ModuleInfo& a, const ModuleInfo& b) {
  return a.instance->type == b.instance->type && same_attributes(a, b) && a.constants.size() == b.constants.size() &&
         std::equal(a.constants.begin(), a.constants.end(), b.constants.begin(),
                    [](const auto& x, const auto& y) {
                      return x.first == y.first && same_type(x.second.type(), y.second.type()) && x.second == y.second;
                    }) &&
         a.children == b.children && a.compiled_children == b.compiled_children && a.failed == b.failed &&
         function_attributes(*a.instance) == function_attributes(*b.instance);
}

}  // namespace

ContainerKind container_kind(const ClassObject& type) {
  const auto is = [&](const char* name) { return type.derives_from(std::string(kContainers) + name); };
  if (is("Sequential") || is("ModuleList")) {
    return ContainerKind::kList;
  }
  if (is("ModuleDict")) {
    return ContainerKind::kDict;
  }
  return is("ParameterList") ? ContainerKind::kParameters : ContainerKind::kNone;
}

std::optional<std::pair<std::shared_ptr<ClassObject>, std::shared_ptr<FunctionObject>>> find_definition(
    const std::shared_ptr<ClassObject>& type, const std::string& method) {
  const auto function = type == nullptr ? nullptr : type->find_method(method);
  if (function == nullptr) {
    return std::nullopt;
  }
  std::shared_ptr<ClassObject> definer = type;
  while (definer->base != nullptr) {
    const auto own = definer->methods.find(method);
    if (own != definer->methods.end() && own->second == function) {
      break;
    }
    definer = definer->base;
  }
  return std::make_pair(definer, function);
}

std::unique_ptr<ModuleInfo> Compilation::describe_instance(const std::shared_ptr<InstanceObject>& instance) {
  auto description = std::make_unique<ModuleInfo>();
  description->instance = instance;
  for (const AttributeObject& attribute : instance->attributes) {
    if (attribute.kind != AttributeKind::kModule) {
      continue;
    }
    if (const auto child = attribute.value.as<InstanceObject>()) {
      description->children.emplace_back(attribute.name, &info(child));
    } else if (const auto compiled = attribute.value.as<CompiledModuleObject>()) {
      use_whole(compiled->module);
      description->compiled_children.emplace_back(attribute.name, compiled->module.type());
    }
  }
  add_constants(*description);
  add_attributes(*description);
  description->assigned = assigned_attributes(instance->type);
  return description;
}

void Compilation::make_type(ModuleInfo& info) {
  const c10::QualifiedName name = unit_->mangle(c10::QualifiedName(info.instance->type->qualified_name));
  info.type = c10::ClassType::create(name, unit_, /*is_module=*/true);
  unit_->register_type(info.type);
  for (const ModuleInfo::Attribute& attribute : info.attributes) {
    info.type->addAttribute(attribute.name, attribute.type, attribute.is_parameter, attribute.is_buffer);
  }
  for (const auto& [constant, value] : info.constants) {
    info.type->addConstant(constant, value);
  }
  for (const AttributeObject& attribute : info.instance->attributes) {
    if (const ModuleInfo* child = info.child(attribute.name)) {
      info.type->addAttribute(attribute.name, child->type);
    } else if (const auto compiled = attribute.value.as<CompiledModuleObject>();
               compiled && attribute.kind == AttributeKind::kModule) {
      info.type->addAttribute(attribute.name, compiled->module.type());
    }
  }
  info.self = make_self(*this, info);
}

ModuleInfo& Compilation::info(const std::shared_ptr<InstanceObject>& instance) {
  if (const auto known = info_of_instance_.find(instance.get()); known != info_of_instance_.end()) {
    return *known->second;
  }
  auto description = describe_instance(instance);
  if (!tracing()) {
    for (const auto& known : infos_) {
      if (shares_type(*known, *description)) {
        info_of_instance_[instance.get()] = known.get();
        return *known;
      }
    }
  }
  make_type(*description);
  infos_.push_back(std::move(description));
  ModuleInfo& made = *infos_.back();
  info_of_instance_[instance.get()] = &made;
  info_of_type_[made.type.get()] = &made;
  if (tracing()) {
    define_container_methods(made);
  }
  return made;
}

ModuleInfo* Compilation::info_of(const c10::ClassType& type) const {
  const auto found = info_of_type_.find(&type);
  return found == info_of_type_.end() ? nullptr : found->second;
}

torch::jit::Module Compilation::module(const std::shared_ptr<InstanceObject>& instance) {
  if (const auto known = modules_.find(instance.get()); known != modules_.end()) {
    return known->second;
  }
  const ModuleInfo& description = info(instance);
  torch::jit::Module made(unit_, description.type);
  modules_.emplace(instance.get(), made);
  // The instance's own values: those of `description` are of the first instance of the type.
  const auto own = description.instance == instance ? nullptr : describe_instance(instance);
  for (const ModuleInfo::Attribute& attribute : own ? own->attributes : description.attributes) {
    made.setattr(attribute.name, attribute.value);
  }
  for (const AttributeObject& attribute : instance->attributes) {
    if (attribute.kind != AttributeKind::kModule) {
      continue;
    }
    if (const auto child = attribute.value.as<InstanceObject>()) {
      made.setattr(attribute.name, module(child)._ivalue());
    } else if (const auto compiled = attribute.value.as<CompiledModuleObject>()) {
      made.setattr(attribute.name, compiled->module._ivalue());
    }
  }
  return made;
}

void Compilation::compile_methods(ModuleInfo& info) {
  if (info.methods_compiled) {
    return;
  }
  info.methods_compiled = true;
  for (const auto& [name, child] : info.children) {
    compile_methods(*child);
  }
  std::vector<std::string> names = {"forward"};
  std::set<std::string> exported;
  for (auto type = info.instance->type; type != nullptr; type = type->base) {
    exported.insert(type->exported.begin(), type->exported.end());
  }
  exported.erase("forward");
  names.insert(names.end(), exported.begin(), exported.end());
  for (const std::string& name : names) {
    if (const auto definition = find_definition(info.instance->type, name);
        definition && definition->first->ignored.count(name) == 0) {
      compile({definition->second, definition->first, &info, nullptr}, {}, definition->second->def.range());
    }
  }
  define_container_methods(info);
}

/// As torch.jit.script gives to containers, so that len() and `in` work.
void Compilation::define_container_methods(ModuleInfo& info) {
  const ContainerKind kind = container_kind(*info.instance->type);
  if (kind != ContainerKind::kList && kind != ContainerKind::kDict) {
    return;
  }
  const torch::jit::SimpleSelf self(info.type);
  const auto define = [&](const std::string& name, const std::string& text) {
    if (info.type->findMethod(name) == nullptr) {
      unit_->define(*info.type->name(), text, torch::jit::nativeResolver(), &self);
    }
  };
  std::string keys;
  size_t count = 0;
  for (const AttributeObject& attribute : info.instance->attributes) {
    if (attribute.kind == AttributeKind::kModule) {
      keys += (count++ == 0 ? "'" : ", '") + attribute.name + "'";
    }
  }
  define("__len__", "def __len__(self):\n   return " + std::to_string(count) + "\n");
  if (kind == ContainerKind::kDict) {
    define("__contains__",
           "def __contains__(self, key: str):\n   return " + (count == 0 ? "False" : "key in [" + keys + "]") + "\n");
  }
}

void Compilation::add_attribute(ModuleInfo& info, const std::string& name, const c10::TypePtr& type) {
  info.type->addAttribute(name, type);
  info.attributes.push_back({name, type, c10::IValue()});
  info.assigned.insert(name);
  if (const auto made = modules_.find(info.instance.get()); made != modules_.end()) {
    made->second._ivalue()->setSlot(info.type->getAttributeSlot(name), c10::IValue());
  }
}

}  // namespace bertjit
