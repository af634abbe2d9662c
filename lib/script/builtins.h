// What a Python file finds without defining it: Python's builtins, torch, torch.nn.Module's methods, torch.jit.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "script/objects.h"

namespace bertjit {

/// What one evaluation counts and remembers.
struct Evaluation {
  int64_t steps = 0;
  int64_t step_limit = 20'000'000;
  int depth = 0;
  /// Files that were imported, by path: each is evaluated once.
  std::map<std::string, std::shared_ptr<class ScriptFile>> files;
};
/// Of this thread.
Evaluation& evaluation();

/// range, len, int, …: the outermost scope of every file.
std::shared_ptr<PythonScope> builtin_scope();

/// `torch.name`, `torch.jit.name`, `math.name`, …, as far as the evaluator itself has it. `space` is the dotted path.
std::optional<Object> builtin_member(const std::string& space, const std::string& name);
std::optional<Object> torch_member(const std::string& name);
std::optional<Object> jit_member(const std::string& name);

/// Python's methods and attributes of data.
std::optional<Object> data_attribute(const Object& object, const std::string& name,
                                     const torch::jit::SourceRange& where);
std::optional<Object> tensor_attribute(const Object& tensor, const std::string& name,
                                       const torch::jit::SourceRange& where);
void set_tensor_attribute(const Object& tensor, const std::string& name, const Object& value,
                          const torch::jit::SourceRange& where);

/// torch.nn.Module's methods, and those of its containers.
std::optional<Object> module_attribute(const std::shared_ptr<InstanceObject>& module, const std::string& name);
/// The same of a scripted, traced or loaded module.
std::optional<Object> compiled_module_attribute(const std::shared_ptr<CompiledModuleObject>& module,
                                                const std::string& name);
/// `module.name = value`: what becomes a parameter, a buffer, a submodule, an attribute.
void set_module_attribute(InstanceObject& module, const std::string& name, const Object& value,
                          const torch::jit::SourceRange& where);
void delete_attribute(const Object& object, const std::string& name, const torch::jit::SourceRange& where);

/// Whether the class is, or derives from, torch.nn.Sequential, ModuleList, ModuleDict or ParameterList.
bool is_container(const ClassObject& type);
/// Submodules (or parameters) of a container, in order.
std::vector<Object> container_items(const InstanceObject& container);
/// `container[key]`.
Object container_item(const std::shared_ptr<InstanceObject>& container, const Object& key,
                      const torch::jit::SourceRange& where);
void set_container_item(InstanceObject& container, const Object& key, const Object& value,
                        const torch::jit::SourceRange& where);
/// A new container of the same class.
Object container_of(const std::shared_ptr<ClassObject>& type, const std::vector<Object>& items,
                    const torch::jit::SourceRange& where);

/// Runs a function or module that was scripted, traced or loaded.
Object call_compiled_function(const CompiledFunctionObject& function, const CallArguments& arguments,
                              const torch::jit::SourceRange& where);
Object call_compiled_module(const CompiledModuleObject& module, const CallArguments& arguments,
                            const torch::jit::SourceRange& where);

/// The state a `with` sets, until the pointer goes: torch.no_grad() and its kin.
std::shared_ptr<void> enter_context(const Object& context, const torch::jit::SourceRange& where);
/// Whether the object is such a context manager.
bool is_context(const Object& object);

/// The argument called `name`, or at `position`; nullopt if it was not given.
std::optional<Object> argument(const CallArguments& arguments, size_t position, const std::string& name);
/// The same; Python's TypeError if it was not given.
Object required(const CallArguments& arguments, size_t position, const std::string& name, const std::string& function,
                const torch::jit::SourceRange& where);

/// A number, or a tensor of one; Python's TypeError for another object.
double as_number(const Object& object, const torch::jit::SourceRange& where);

/// isinstance(object, type).
bool is_instance(const Object& object, const Object& type, const torch::jit::SourceRange& where);

}  // namespace bertjit
