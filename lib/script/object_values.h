// Python's data as TorchScript's, where a type is asked for or a type is named.
#pragma once

#include <optional>
#include <string>

#include "script/objects.h"

namespace bertjit {

/// Python's name of the object's type, as messages have it: "int", "Tensor", "dtype", "function", "MyCell".
std::string python_type_name(const Object& object);

/// The object as a value of `type`: `[]` as an empty List[int], None as an Optional, 1 as a float. nullopt, with the
/// reason in `why`, if it is no such value.
std::optional<c10::IValue> to_typed_ivalue(const Object& object, const c10::TypePtr& type, std::string* why = nullptr);

}  // namespace bertjit
