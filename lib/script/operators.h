// What Python's operators and torch's functions give for data, at the time a file is evaluated.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "script/objects.h"

namespace bertjit {

/// Calls the operator `aten::name`, which libtorch's own schema matching finds as it does for TorchScript: any
/// overload, keywords, sizes as several arguments. `self` is what a method is called on. `requires_grad=` is taken as
/// in Python. Throws Error at `where` with libtorch's words.
Object call_operator(const std::string& name, const std::optional<Object>& self, const CallArguments& arguments,
                     const torch::jit::SourceRange& where);

/// Whether there is an operator `aten::name`.
bool has_operator(const std::string& name);

/// `left op right` for "+", "==", "in", …
Object binary_operation(const std::string& op, const Object& left, const Object& right,
                        const torch::jit::SourceRange& where);
/// `-value`, `~value`.
Object unary_operation(char op, const Object& value, const torch::jit::SourceRange& where);

bool is_true(const Object& object, const torch::jit::SourceRange& where);
/// ==, deep; false for objects of different kinds.
bool equal_objects(const Object& left, const Object& right, const torch::jit::SourceRange& where);
/// `is`.
bool identical(const Object& left, const Object& right);

/// str(object).
std::string text_of(const Object& object);

Object none_object();
bool is_none(const Object& object);
const at::Tensor* tensor_of(const Object& object);
std::optional<int64_t> integer_of(const Object& object);  ///< bool and int
std::optional<double> number_of(const Object& object);    ///< bool, int and float
const std::string* string_of(const Object& object);

}  // namespace bertjit
