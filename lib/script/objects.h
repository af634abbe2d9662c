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
#include "support/error.h"

namespace bertjit {

struct Object;
class PythonScope;

struct ListObject {
  std::vector<Object> items;
};
struct TupleObject {
  std::vector<Object> items;
};
struct DictObject {
  std::vector<std::pair<Object, Object>> items;  ///< in the order of insertion
};

/// `def f(…)` without a decorator that compiles it. Parameters `*args` and `**kwargs` are named so, stars included.
struct FunctionObject {
  std::string name;
  torch::jit::Def def;
  std::shared_ptr<PythonScope> scope;      ///< where its free names are looked up
  std::map<std::string, Object> defaults;  ///< evaluated when it was defined, as in Python
  std::string module = {};  ///< of the library's: "torch.nn.functional", part of the compiled function's name
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

/// `class X(torch.nn.Module)`, or a plain class, whose instances exist only while the file is evaluated.
struct ClassObject {
  std::string name;                    ///< "MyCell", "Linear"
  std::string qualified_name;          ///< "__torch__.MyCell", "__torch__.torch.nn.modules.linear.Linear", as Python's
  torch::jit::ClassDef def;            ///< methods that TorchScript's parser takes; static ones and properties too
  std::shared_ptr<ClassObject> base;   ///< nullptr: torch.nn.Module itself, or a class without a base
  std::shared_ptr<PythonScope> scope;  ///< the file's names
  std::map<std::string, std::shared_ptr<FunctionObject>> methods;
  std::map<std::string, Object> attributes;             ///< assigned in the class body: __constants__, scale = 2
  std::map<std::string, torch::jit::Expr> annotations;  ///< `x: Final[int]`, `h: Dict[str, Tensor]`
  std::set<std::string> exported;                       ///< @torch.jit.export
  std::set<std::string> ignored;                        ///< @torch.jit.ignore, @torch.jit.unused
  std::map<std::string, std::shared_ptr<FunctionObject>> properties;      ///< @property
  std::map<std::string, std::shared_ptr<FunctionObject>> static_methods;  ///< @staticmethod
  /// Methods that are outside the subset, with the reason. The class can be used as long as they are not.
  std::map<std::string, std::shared_ptr<const Error>> outside;

  /// The method of that name, of this class or the nearest base that has one; nullptr if none. Throws the Error of a
  /// method that is outside the subset.
  std::shared_ptr<FunctionObject> find_method(const std::string& method) const;
  /// The attribute of the class body, of this class or the nearest base that has it; nullptr if none.
  const Object* find_attribute(const std::string& attribute) const;
  /// The property of that name, of this class or the nearest base; nullptr if none.
  std::shared_ptr<FunctionObject> find_property(const std::string& property) const;
  std::shared_ptr<FunctionObject> find_static_method(const std::string& method) const;
  /// Whether this is torch.nn.Module or derives from it.
  bool is_module() const;
  /// Whether this is, or derives from, the class of that qualified name.
  bool derives_from(const std::string& qualified) const;
};

/// What a module's attribute is to TorchScript.
enum class AttributeKind { kParameter, kBuffer, kModule, kAttribute };

struct AttributeObject;

/// An instance of a class, most often of a torch.nn.Module.
struct InstanceObject {
  std::shared_ptr<ClassObject> type;
  std::vector<AttributeObject> attributes;  ///< in the order of assignment
  bool training = true;
  bool initialized = false;  ///< a module: super().__init__() has run

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

/// A function, type or context manager of the evaluator itself: `range`, `torch.jit.trace`, `torch.Tensor`, `int`.
struct BuiltinObject {
  std::string name;  ///< as it is written in full: "range", "torch.jit.trace", "typing.List"
  std::function<Object(const CallArguments&, const torch::jit::SourceRange&)> call;
};

class ScriptFile;

/// A module of Python's in the sense of `import`: "torch", "torch.nn.functional", "math", or a file beside this one.
struct NamespaceObject {
  std::string path;
  std::shared_ptr<ScriptFile> file;  ///< a file of the user's own; nullptr for what bertjit knows
};

/// `super()` in a method: the attributes of `type` and its bases, on `self`.
struct SuperObject {
  std::shared_ptr<ClassObject> type;
  std::shared_ptr<InstanceObject> self;
};

/// Shared as Python's objects are: copying an Object copies the reference.
struct Object {
  using Data = std::variant<c10::IValue,      ///< None, bool, int, float, str, Tensor, torch.device
                            c10::ScalarType,  ///< torch.float32
                            std::shared_ptr<ListObject>, std::shared_ptr<TupleObject>, std::shared_ptr<DictObject>,
                            std::shared_ptr<FunctionObject>, std::shared_ptr<CompiledFunctionObject>,
                            std::shared_ptr<CompiledModuleObject>, std::shared_ptr<ClassObject>,
                            std::shared_ptr<InstanceObject>, std::shared_ptr<BoundMethodObject>,
                            std::shared_ptr<BuiltinObject>, NamespaceObject, std::shared_ptr<SuperObject>>;
  Data data;
  bool is_parameter = false;  ///< `data` is a Tensor that torch.nn.Parameter made

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
class PythonScope {
 public:
  explicit PythonScope(std::shared_ptr<PythonScope> outer = nullptr) : outer_(std::move(outer)) {}

  /// nullptr if the name is nowhere.
  const Object* find(const std::string& name) const;
  /// Sets the name in this scope.
  void set(const std::string& name, Object value);
  /// Forgets the name in this scope; whether it was there.
  bool remove(const std::string& name);
  /// The names of this scope alone.
  const std::map<std::string, Object>& own() const {
    return names_;
  }

 private:
  std::map<std::string, Object> names_;
  std::shared_ptr<PythonScope> outer_;
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

Object list_object(std::vector<Object> items);
Object tuple_object(std::vector<Object> items);
Object string_object(const std::string& text);
Object int_object(int64_t value);
Object float_object(double value);
Object bool_object(bool value);

/// torch.nn.Module itself.
std::shared_ptr<ClassObject> module_class();

}  // namespace bertjit
