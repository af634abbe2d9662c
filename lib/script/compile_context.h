// One run of the compiler: what was compiled so far, the module types made, and what is to be kept alive.
#pragma once

#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <torch/csrc/jit/frontend/sugared_value.h>

#include "script/compile.h"

namespace bertjit {

/// What a call gives a parameter.
struct CallArgument {
  c10::TypePtr type;                    ///< nullptr: nothing, it is left to its default
  std::optional<c10::IValue> constant;  ///< a bool, int or string that is known when the function is compiled
};

/// One a parameter (self not counted). Empty for kScript.
using CallTypes = std::vector<CallArgument>;

/// A module class of TorchScript, made from an instance. Instances that agree in all that the compiler sees share it
/// in kScript, as in Python; in kTrace each has its own.
struct ModuleInfo {
  struct Attribute {
    std::string name;
    c10::TypePtr type;
    c10::IValue value;
    bool is_parameter = false;
    bool is_buffer = false;
  };

  std::shared_ptr<InstanceObject> instance;  ///< the first of them
  c10::ClassTypePtr type;
  std::vector<Attribute> attributes;                           ///< without submodules
  std::vector<std::pair<std::string, c10::IValue>> constants;  ///< Final, __constants__
  std::vector<std::pair<std::string, ModuleInfo*>> children;   ///< submodules of the file's own classes
  std::vector<std::pair<std::string, c10::ClassTypePtr>> compiled_children;
  std::map<std::string, std::string> failed;  ///< attributes without a TorchScript type -> why
  std::set<std::string> assigned;             ///< attributes that methods assign: kept as attributes also in kTrace
  std::unique_ptr<torch::jit::Self> self;
  bool methods_compiled = false;

  ModuleInfo* child(const std::string& name) const;
  const Attribute* attribute(const std::string& name) const;
  const c10::IValue* constant(const std::string& name) const;
};

/// What is compiled: a function, or a method of a class, for a module of the tree or for one that the program captures.
struct Callee {
  std::shared_ptr<FunctionObject> function;
  std::shared_ptr<ClassObject> definer;      ///< of a method: the class whose text it is
  ModuleInfo* info = nullptr;                ///< of a method of the tree
  std::shared_ptr<InstanceObject> captured;  ///< of a method of another module: its parameters are constants

  /// The module whose method it is; nullptr for a function.
  const InstanceObject* instance() const {
    return info != nullptr ? info->instance.get() : captured.get();
  }
  bool is_method() const {
    return info != nullptr || captured != nullptr;
  }
};

class Compilation {
 public:
  explicit Compilation(CompileMode mode);

  CompileMode mode() const {
    return mode_;
  }
  bool tracing() const {
    return mode_ == CompileMode::kTrace;
  }
  const std::shared_ptr<torch::jit::CompilationUnit>& unit() const {
    return unit_;
  }

  struct Compiled {
    torch::jit::Function* function = nullptr;  ///< nullptr while it is being compiled
    /// The constants of the call are part of the text and no arguments.
    bool folded = false;
    std::exception_ptr fault;
  };

  /// Compiles `callee` for arguments of `types`, once. Throws ErrorReport, at `where` if it is being compiled.
  const Compiled& compile(const Callee& callee, const CallTypes& types, const torch::jit::SourceRange& where);

  /// The type of an instance, without methods as yet.
  ModuleInfo& info(const std::shared_ptr<InstanceObject>& instance);
  /// The ModuleInfo of a class that this run made; nullptr for others.
  ModuleInfo* info_of(const c10::ClassType& type) const;
  /// The instance as a module of its type.
  torch::jit::Module module(const std::shared_ptr<InstanceObject>& instance);
  /// kScript: compiles forward and the exported methods of the module and, before, of its submodules.
  void compile_methods(ModuleInfo& info);
  /// kTrace: an attribute that a method assigns and __init__ has not made.
  void add_attribute(ModuleInfo& info, const std::string& name, const c10::TypePtr& type);

  /// A name that stands for `type` in rewritten text.
  std::string type_name(const c10::TypePtr& type);
  c10::TypePtr named_type(const std::string& name) const;

  /// Marks a compiled part as called on purpose, and keeps it alive.
  torch::jit::Function& use_whole(const CompiledFunctionObject& function);
  void use_whole(const torch::jit::Module& module);

  /// What stands for a module that is captured, where the compiler asks for a value: found again by captured_at.
  torch::jit::Value* capture(torch::jit::GraphFunction& caller, torch::jit::SugaredValuePtr module);
  /// nullptr for another value.
  torch::jit::SugaredValuePtr captured_at(const torch::jit::Value* value) const;

  /// `torch.no_grad` and `torch.enable_grad` as TorchScript classes; "nothing" sets nothing.
  c10::ClassTypePtr grad_class(const std::string& name);

  /// Hands over what was compiled: `unit`, and what lives as long as it.
  Program finish(std::string name, torch::jit::Function& function, std::optional<torch::jit::Module> self);

 private:
  struct Kept;

  /// One way to give a function its types.
  struct Variant {
    CallTypes types;
    bool with_return_type;
    bool folded;
    std::set<std::string> widened = {};  ///< variables (rewrite_body)
  };
  std::vector<Variant> variants_of(const Callee& callee, const CallTypes& types) const;
  Compiled compile_variants(const Callee& callee, const CallTypes& types);
  torch::jit::Function& define(const Callee& callee, const Variant& variant);
  torch::jit::Function& define_widening(const Callee& callee, Variant variant);
  std::string method_name(const Callee& callee) const;
  void forget(const Callee& callee, const std::string& name);

  std::unique_ptr<ModuleInfo> describe_instance(const std::shared_ptr<InstanceObject>& instance);
  void make_type(ModuleInfo& info);
  void define_container_methods(ModuleInfo& info);

  CompileMode mode_;
  std::shared_ptr<torch::jit::CompilationUnit> unit_;
  std::shared_ptr<Kept> kept_;
  std::map<std::string, Compiled> compiled_;
  std::vector<c10::TypePtr> named_types_;
  std::vector<std::unique_ptr<ModuleInfo>> infos_;
  std::unordered_map<const InstanceObject*, ModuleInfo*> info_of_instance_;
  std::unordered_map<const c10::ClassType*, ModuleInfo*> info_of_type_;
  std::unordered_map<const InstanceObject*, torch::jit::Module> modules_;
  std::unordered_set<const torch::jit::Function*> whole_;
  std::unordered_set<const c10::ClassType*> whole_types_;
  std::unordered_map<const torch::jit::Value*, torch::jit::SugaredValuePtr> captured_;
};

/// The class that defines `method` for instances of `type`, with its text; nothing if there is none.
std::optional<std::pair<std::shared_ptr<ClassObject>, std::shared_ptr<FunctionObject>>> find_definition(
    const std::shared_ptr<ClassObject>& type, const std::string& method);

/// The value, if branches and indices may hang on it: a bool, int or string.
std::optional<c10::IValue> foldable(const std::optional<c10::IValue>& value);

enum class ContainerKind { kNone, kList, kDict, kParameters };

/// What kind of container of torch.nn the class is, or derives from.
ContainerKind container_kind(const ClassObject& type);

/// Parameters of a callee's text, self left out.
std::vector<torch::jit::Param> parameters_without_self(const Callee& callee);

}  // namespace bertjit
