// Python objects, as the evaluator of a FILE.py makes them and the compiler reads them.
//
// A file's own statements and the __init__ of its classes are evaluated here, in C++, object by object; what its
// functions and methods compute is compiled to TorchScript. So these objects are what exists before a model runs: data,
// functions, classes, instances, modules.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/tree_views.h>

#include "record/finding.h"
#include "record/program.h"

namespace bertjit {

struct Object;
class Scope;

struct ListObject {
  std::vector<Object> items;
};
struct TupleObject {
  std::vector<Object> items;
};
struct DictObject {
  std::vector<std::pair<Object, Object>> items;  ///< in the order of insertion
};

/// `def f(…)` without a decorator that compiles it.
struct FunctionObject {
  std::string name;
  torch::jit::Def def;
  std::shared_ptr<Scope> scope;            ///< where its free names are looked up
  std::map<std::string, Object> defaults;  ///< evaluated when it was defined, as in Python
};

/// A function that was scripted or traced: called as a whole.
struct CompiledFunctionObject {
  enum class Kind { kScripted, kTraced };
  Kind kind;
  torch::jit::Function* function;
  std::shared_ptr<torch::jit::CompilationUnit> unit;
  std::vector<Finding> findings;                     ///< of the recording
  std::shared_ptr<const struct TraceCall> recorded;  ///< kTraced: what torch.jit.trace was given
};

/// A module that was scripted, traced or loaded.
struct CompiledModuleObject {
  enum class Kind { kScripted, kTraced, kLoaded };
  Kind kind;
  torch::jit::Module module;
  std::vector<Finding> findings;
  std::shared_ptr<const struct TraceCall> recorded;
};

/// `class X(torch.nn.Module)`.
struct ClassObject {
  std::string name;            ///< "MyCell", "Linear"
  std::string qualified_name;  ///< "__torch__.MyCell", "__torch__.torch.nn.modules.linear.Linear", as Python's
  torch::jit::ClassDef def;
  std::shared_ptr<ClassObject> base;  ///< nullptr: torch.nn.Module itself
  std::shared_ptr<Scope> scope;       ///< the file's names
  std::map<std::string, std::shared_ptr<FunctionObject>> methods;
  std::map<std::string, Object> attributes;             ///< assigned in the class body: __constants__, scale = 2
  std::map<std::string, torch::jit::Expr> annotations;  ///< `x: Final[int]`, `h: Dict[str, Tensor]`
  std::set<std::string> exported;                       ///< @torch.jit.export
  std::set<std::string> ignored;                        ///< @torch.jit.ignore, @torch.jit.unused

  /// The method of that name, of this class or the nearest base that has one; nullptr if none.
  std::shared_ptr<FunctionObject> find_method(const std::string& method) const;
  /// Whether this is, or derives from, the class of that qualified name.
  bool derives_from(const std::string& qualified) const;
};

/// What a module's attribute is to TorchScript.
enum class AttributeKind { kParameter, kBuffer, kModule, kAttribute };

struct AttributeObject;

/// An instance of a torch.nn.Module class.
struct InstanceObject {
  std::shared_ptr<ClassObject> type;
  std::vector<AttributeObject> attributes;  ///< in the order of assignment
  bool training = true;

  const AttributeObject* find(const std::string& name) const;
  AttributeObject* find(const std::string& name);
};

/// `object.method`, not yet called.
struct BoundMethodObject {
  std::shared_ptr<InstanceObject> self;
  std::shared_ptr<FunctionObject> method;
};

/// Arguments of a call that is evaluated.
struct CallArguments {
  std::vector<Object> positional;
  std::vector<std::pair<std::string, Object>> named;
};

/// A function of the evaluator itself: `range`, `torch.jit.trace`.
struct BuiltinObject {
  std::string name;
  std::function<Object(const CallArguments&, const torch::jit::SourceRange&)> call;
};

/// A module of Python's in the sense of `import`: "torch", "torch.nn.functional", "math".
struct NamespaceObject {
  std::string path;
};

/// Shared as Python's objects are: copying an Object copies the reference.
struct Object {
  using Data =
      std::variant<c10::IValue,      ///< None, bool, int, float, str, Tensor, torch.device
                   c10::ScalarType,  ///< torch.float32
                   std::shared_ptr<ListObject>, std::shared_ptr<TupleObject>, std::shared_ptr<DictObject>,
                   std::shared_ptr<FunctionObject>, std::shared_ptr<CompiledFunctionObject>,
                   std::shared_ptr<CompiledModuleObject>, std::shared_ptr<ClassObject>, std::shared_ptr<InstanceObject>,
                   std::shared_ptr<BoundMethodObject>, std::shared_ptr<BuiltinObject>, NamespaceObject>;
  Data data;

  template <typename T>
  const T* get() const {
    return std::get_if<T>(&data);
  }
  /// The shared object of that kind; nullptr if it is another.
  template <typename T>
  std::shared_ptr<T> as() const {
    const auto* pointer = std::get_if<std::shared_ptr<T>>(&data);
    return pointer == nullptr ? nullptr : *pointer;
  }
};

struct AttributeObject {
  std::string name;
  AttributeKind kind;
  Object value;
  bool persistent = true;  ///< buffers: part of the state dict
};

/// Names, looked up outwards: a function's own, then its file's, then Python's builtins.
class Scope {
 public:
  explicit Scope(std::shared_ptr<Scope> outer = nullptr) : outer_(std::move(outer)) {}

  /// nullptr if the name is nowhere.
  const Object* find(const std::string& name) const;
  /// Sets the name in this scope.
  void set(const std::string& name, Object value);

 private:
  std::map<std::string, Object> names_;
  std::shared_ptr<Scope> outer_;
};

/// The arguments of a torch.jit.trace(callee, inputs, check_inputs=…) in a file.
struct TraceCall {
  Object callee;  ///< FunctionObject, InstanceObject or BoundMethodObject
  std::vector<c10::IValue> inputs;
  std::vector<std::vector<c10::IValue>> check_inputs;
  torch::jit::SourceRange where;
};

/// "function 'foo'", "int", "list", "instance of MyCell": for messages.
std::string describe(const Object& object);

/// The data of an object, with lists, tuples and dicts as TorchScript's; nullopt, with the reason in `why` (as the
/// TorchScript compiler says it: "Could not infer type of list element: …"), for what TorchScript has no type for.
/// An empty list is List[Tensor], as TorchScript takes `[]`.
std::optional<c10::IValue> to_ivalue(const Object& object, std::string* why = nullptr);

/// The other way; lists, tuples and dicts become objects of their own.
Object from_ivalue(const c10::IValue& value);

}  // namespace bertjit
