// A tree walker over TorchScript's own syntax trees: the statements of a file and of __init__, as Python runs them.
//
// Objects are Python's (objects.h); data operations go through libtorch's operators (operators.h). Functions and
// methods that evaluated code calls are evaluated in the same way, tensors and all, so calling a module at the top of
// a file needs no compiler.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "script/objects.h"
#include "script/operators.h"

namespace bertjit {

enum class Flow { kNormal, kBreak, kContinue, kReturn };

struct Executed {
  Flow flow = Flow::kNormal;
  Object value;  ///< kReturn
};

using ScopePtr = std::shared_ptr<PythonScope>;

// All throw Error(kInvalidArgument), "FILE:LINE:COLUMN: …", with Python's words where Python would raise.

Object evaluate(const torch::jit::Expr& expr, const ScopePtr& scope);
Executed execute(const torch::jit::List<torch::jit::Stmt>& statements, const ScopePtr& scope);
void execute(const torch::jit::Stmt& statement, const ScopePtr& scope);
void assign(const torch::jit::Expr& target, const Object& value, const ScopePtr& scope);

/// A function as `def` makes it: default values are evaluated now.
std::shared_ptr<FunctionObject> define_function(const torch::jit::Def& def, const ScopePtr& scope);

/// Calls anything callable.
Object call(const Object& callee, const CallArguments& arguments, const torch::jit::SourceRange& where);
/// A new instance.
Object instantiate(const std::shared_ptr<ClassObject>& type, const CallArguments& arguments,
                   const torch::jit::SourceRange& where);

Object get_attribute(const Object& object, const std::string& name, const torch::jit::SourceRange& where);
std::optional<Object> find_attribute(const Object& object, const std::string& name,
                                     const torch::jit::SourceRange& where);
void set_attribute(const Object& object, const std::string& name, const Object& value,
                   const torch::jit::SourceRange& where);

/// What `for` goes through.
std::vector<Object> iterate(const Object& object, const torch::jit::SourceRange& where);
/// `object[…]`.
Object get_item(const Object& object, const torch::jit::Subscript& subscript, const ScopePtr& scope);
void set_item(const Object& object, const torch::jit::Subscript& subscript, const Object& value, const ScopePtr& scope);
void delete_item(const Object& object, const torch::jit::Subscript& subscript, const ScopePtr& scope);
int64_t length_of(const Object& object, const torch::jit::SourceRange& where);
Object builtin_object(const std::string& name,
                      std::function<Object(const CallArguments&, const torch::jit::SourceRange&)> call);

/// Puts `arguments` into the function's parameters, in `locals`; Python's TypeErrors for those that do not fit.
void bind_arguments(const FunctionObject& function, const CallArguments& arguments, PythonScope& locals,
                    const torch::jit::SourceRange& where);

/// Counts statements and calls, so that a loop without end and a recursion without end are errors.
void count_step(const torch::jit::SourceRange& where);

}  // namespace bertjit
