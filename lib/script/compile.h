// Python functions and modules to TorchScript, by TorchScript's own compiler.
//
// libtorch's compiler (ir_emitter.cpp) asks its surroundings what a name stands for through a Resolver and
// SugaredValues. torch.jit.script gives it Python's objects that way (python_sugared_value.cpp); this gives it ours.
//
// Two modes. kScript is torch.jit.script: arguments have their annotated types, Tensor without annotation; what is
// called is compiled with it; module attributes are attributes. kTrace compiles what will be recorded, so it may know
// more than the text says: arguments without annotation have the types of the example's, callees those of the call,
// module-level data is constant, `f(1, *sizes)` is `f([1] + sizes)`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "record/program.h"
#include "script/objects.h"

namespace bertjit {

enum class CompileMode { kScript, kTrace };

/// An argument of a function or of a module's forward, as the text says.
struct Parameter {
  std::string name;
  c10::TypePtr annotation;  ///< nullptr without one
  std::optional<Object> default_value;
};

/// Without self, and without `*args` and `**kwargs`, which are empty where NAME is traced. Throws
/// Error(kInvalidArgument) with file, line and caret for an annotation that is no type, and for a module without
/// forward.
std::vector<Parameter> parameters_of(const Object& callable);

/// Compiles a FunctionObject, InstanceObject (its forward) or BoundMethodObject.
///
/// kTrace: `types` has one type an argument; compiled and traced parts are listed in Program::whole.
/// kScript: `types` is empty. The module's tree has parameters, buffers, attributes and submodules under their names,
/// with class names as Python's (`__torch__.MyCell`, `__torch__.torch.nn.modules.linear.Linear`); a fresh compilation
/// unit each time. Methods are those that forward reaches, and exported ones.
///
/// Throws Error(kInvalidArgument) with the compiler's words, file, line, column and a caret: "loop.py:4:13: …". Where
/// the fault is one of the pitfalls that the TorchScript reference lists (an attribute that TorchScript has no type
/// for, an input of a Sequential's submodule inferred to be Tensor, a captured tensor that requires grad), it says the
/// way out.
Program compile_program(const Object& callable, const std::vector<c10::TypePtr>& types, CompileMode mode);

/// The type that the compiler gives a value of an example: List[Tensor], Dict[str, Tensor], Tuple[Tensor, Tensor].
c10::TypePtr type_of_example(const c10::IValue& value);

}  // namespace bertjit
