// Values of TorchScript's types: their text in Python, their leaves, and fitting them to a type.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

namespace bertjit {

/// A value that holds no other, and its path.
struct InputLeaf {
  std::string name;
  c10::IValue value;
};

/// All leaves, depth first: "xs.0" for an element of a tuple or list, "state.h" for a dict's key or the field of a
/// NamedTuple. An empty list, tuple or dict is a leaf too.
std::vector<InputLeaf> leaves_of(const c10::IValue& value, const std::string& name);

/// What a value is, as TorchScript annotates it: "Tensor", "int", "List[Tensor]", "NoneType".
std::string type_text(const c10::IValue& value);

/// `repr(value)` in Python of what is no tensor: "None", "True", "0.5", "1e-05", "'text'", "[]".
std::string python_text(const c10::IValue& value);

/// `value` as `type` wants it; nullopt if it is of another type. A null `type` takes everything.
///
/// What Python accepts where TorchScript is called is accepted: an int for a float, a tuple for a list and a list for a
/// tuple of as many elements. Beyond that, a tensor of one element without dimensions is taken for a number: what a
/// .npz holds for one. Lists and dicts have their elements' declared types.
std::optional<c10::IValue> conform(const c10::IValue& value, const c10::TypePtr& type);

/// A copy: tensors of their own, in lists and dicts of their own, so that a model which changes its inputs in place
/// changes the copy. A tensor that occurs twice does so in the copy.
c10::IValue copy_value(const c10::IValue& value);

}  // namespace bertjit
