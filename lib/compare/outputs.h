// What models return: tensors, nested in tuples, lists and dicts, compared leaf by leaf.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/ivalue.h>

#include "compare/comparison_result.h"
#include "compare/tolerance.h"

namespace bertjit {

/// One value that holds no other, and its path. An empty tuple, list or dict is a leaf too.
struct OutputLeaf {
  std::string name;
  c10::IValue value;
};

/// All leaves, depth first, in the order of the call.
///
/// Paths: "0" for an element of a tuple or list, "hidden_states.3" below the field of a NamedTuple, "['logits']" for a
/// dict's key, "output" for an output that is not nested.
/// Throws Error(kUnsupported) for values of other kinds, e.g. TorchScript objects.
std::vector<OutputLeaf> flatten_outputs(const c10::IValue& outputs);

/// Compares two nested outputs place by place: tuples and lists by position (a NamedTuple matches a plain tuple), dicts
/// by key. Every difference is reported; what only one side has is kMissing or kExtra.
///
/// Tensors are compared as compare_tensors does. Numbers are taken as tensors without dimensions (int64, float64,
/// bool); None and strings match only their like. It matches if every leaf does and at least one element was compared.
/// Throws as compare_tensors and flatten_outputs do; a message then starts with the leaf's path.
OutputsComparison compare_outputs(const c10::IValue& expected, const c10::IValue& actual, const Tolerance& tolerance);

}  // namespace bertjit
