#include "compare/outputs.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <ATen/core/dynamic_type.h>
#include <ATen/core/jit_type.h>

#include "compare/compare.h"
#include "compare/comparison_message.h"
#include "compare/describe.h"
#include "support/error.h"

namespace bertjit {
namespace {

struct Child {
  std::string step;  ///< "3", "hidden_states" or "['logits']"
  c10::IValue value;
};

bool is_sequence(const c10::IValue& value) {
  return value.isTuple() || value.isList();
}

bool is_tensor(const c10::IValue& value) {
  return value.isTensor() && value.toTensor().defined();
}

bool is_number(const c10::IValue& value) {
  return value.isInt() || value.isDouble() || value.isBool();
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    result += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  }
  return result + "'";
}

void require_output(const std::string& name, const c10::IValue& value) {
  const bool known = value.isTensor() || value.isNone() || value.isString() || is_number(value) || is_sequence(value) ||
                     value.isGenericDict();
  if (!known) {
    throw Error(ErrorKind::kUnsupported, name + " is a " + value.tagKind() + ", which cannot be compared");
  }
}

/// A leaf that is no tensor, as Python writes it; an undefined tensor is Python's None.
std::string leaf_text(const c10::IValue& value) {
  if (value.isString()) {
    return quoted(value.toStringRef());
  }
  if (value.isBool()) {
    return value.toBool() ? "True" : "False";
  }
  if (value.isInt()) {
    return std::to_string(value.toInt());
  }
  if (value.isDouble()) {
    return python_float(value.toDouble());
  }
  if (is_sequence(value)) {
    return "()";
  }
  return value.isGenericDict() ? "{}" : "None";
}

/// The field names of a NamedTuple. Other tuples have their type inferred when asked, which throws where an element is
/// an undefined tensor; so that means "no names".
std::optional<std::vector<std::string_view>> field_names(const c10::ivalue::Tuple& tuple) {
  try {
    return tuple.type<c10::TupleType>()->names();
  } catch (const c10::Error&) {
    return std::nullopt;
  }
}

std::vector<Child> sequence_children(const c10::IValue& sequence) {
  std::vector<Child> children;
  if (sequence.isList()) {
    for (const c10::IValue& item : sequence.toListRef()) {
      children.push_back({std::to_string(children.size()), item});
    }
    return children;
  }
  const c10::ivalue::Tuple& tuple = sequence.toTupleRef();
  const auto names = field_names(tuple);
  for (const c10::IValue& item : tuple.elements()) {
    const size_t i = children.size();
    children.push_back({names ? std::string((*names)[i]) : std::to_string(i), item});
  }
  return children;
}

std::vector<Child> dict_children(const c10::IValue& dict) {
  std::vector<Child> children;
  for (const auto& entry : dict.toGenericDict()) {
    children.push_back({std::string("[") + leaf_text(entry.key()) + "]", entry.value()});
  }
  return children;
}

std::vector<Child> children_of(const c10::IValue& value) {
  if (is_sequence(value)) {
    return sequence_children(value);
  }
  return value.isGenericDict() ? dict_children(value) : std::vector<Child>{};
}

std::string join_path(const std::string& path, const std::string& step) {
  return path.empty() || step.front() == '[' ? path + step : path + "." + step;
}

std::string leaf_name(const std::string& path) {
  return path.empty() ? "output" : path;
}

void flatten(const std::string& path, const c10::IValue& value, std::vector<OutputLeaf>& leaves) {
  const std::vector<Child> children = children_of(value);
  if (children.empty()) {
    require_output(leaf_name(path), value);
    leaves.push_back({leaf_name(path), value});
  }
  for (const Child& child : children) {
    flatten(join_path(path, child.step), child.value, leaves);
  }
}

/// "tensor", or what else stands there.
std::string type_text(const c10::IValue& value) {
  if (is_tensor(value)) {
    return "tensor";
  }
  if (!children_of(value).empty()) {
    return value.isGenericDict() ? "dict" : "tuple";
  }
  return leaf_text(value);
}

class Walk {
 public:
  explicit Walk(const Tolerance& tolerance) : tolerance_(tolerance) {}

  void compare(const std::string& path, const c10::IValue& expected, const c10::IValue& actual) {
    if (is_sequence(expected) && is_sequence(actual)) {
      compare_sequences(path, sequence_children(expected), sequence_children(actual));
    } else if (expected.isGenericDict() && actual.isGenericDict()) {
      compare_dicts(path, dict_children(expected), dict_children(actual));
    } else {
      require_output(leaf_name(path), expected);
      require_output(leaf_name(path), actual);
      compare_leaves(leaf_name(path), expected, actual);
    }
  }

  OutputsComparison result() && {
    for (const TensorComparison& leaf : result_.leaves) {
      result_.elements += leaf.elements;
    }
    result_.matches = result_.elements > 0 && std::all_of(result_.leaves.begin(), result_.leaves.end(),
                                                          [](const TensorComparison& leaf) { return leaf.matches; });
    return std::move(result_);
  }

 private:
  void compare_sequences(const std::string& path, const std::vector<Child>& expected,
                         const std::vector<Child>& actual) {
    const size_t common = std::min(expected.size(), actual.size());
    for (size_t i = 0; i < common; ++i) {
      compare(join_path(path, expected[i].step), expected[i].value, actual[i].value);
    }
    for (size_t i = common; i < expected.size(); ++i) {
      add_one_sided(join_path(path, expected[i].step), expected[i].value, Mismatch::kMissing);
    }
    for (size_t i = common; i < actual.size(); ++i) {
      add_one_sided(join_path(path, actual[i].step), actual[i].value, Mismatch::kExtra);
    }
  }

  void compare_dicts(const std::string& path, const std::vector<Child>& expected, const std::vector<Child>& actual) {
    const auto find = [](const std::vector<Child>& children, const std::string& step) {
      return std::find_if(children.begin(), children.end(), [&](const Child& child) { return child.step == step; });
    };
    for (const Child& child : expected) {
      const auto other = find(actual, child.step);
      if (other == actual.end()) {
        add_one_sided(path + child.step, child.value, Mismatch::kMissing);
      } else {
        compare(path + child.step, child.value, other->value);
      }
    }
    for (const Child& child : actual) {
      if (find(expected, child.step) == expected.end()) {
        add_one_sided(path + child.step, child.value, Mismatch::kExtra);
      }
    }
  }

  static at::Tensor as_tensor(const c10::IValue& value) {
    return value.isTensor() ? value.toTensor() : at::scalar_to_tensor(value.toScalar());
  }

  void compare_leaves(const std::string& name, const c10::IValue& expected, const c10::IValue& actual) {
    const bool measurable = (is_tensor(expected) && is_tensor(actual)) || (is_number(expected) && is_number(actual));
    if (!measurable) {
      compare_texts(name, type_text(expected), type_text(actual));
      return;
    }
    try {
      result_.leaves.push_back(compare_tensors(as_tensor(expected), as_tensor(actual), tolerance_));
    } catch (const Error& error) {
      throw Error(error.kind(), name + ": " + error.what());
    }
    result_.leaves.back().name = name;
  }

  void compare_texts(const std::string& name, const std::string& expected, const std::string& actual) {
    TensorComparison leaf;
    leaf.name = name;
    leaf.expected_dtype = expected;
    leaf.actual_dtype = actual;
    leaf.matches = expected == actual;
    if (!leaf.matches) {
      leaf.mismatch = Mismatch::kType;
      leaf.message = "The values do not match: " + actual + " != " + expected + ".";
    }
    result_.leaves.push_back(std::move(leaf));
  }

  void add_one_sided(const std::string& path, const c10::IValue& value, Mismatch side) {
    std::vector<OutputLeaf> leaves;
    flatten(path, value, leaves);
    const bool missing = side == Mismatch::kMissing;
    for (const OutputLeaf& output : leaves) {
      TensorComparison leaf;
      leaf.name = output.name;
      leaf.mismatch = side;
      leaf.message = missing ? "Expected, but not there." : "Not expected, but there.";
      if (is_tensor(output.value)) {
        const at::Tensor& tensor = output.value.toTensor();
        (missing ? leaf.expected_shape : leaf.actual_shape) = shape_text(tensor);
        (missing ? leaf.expected_dtype : leaf.actual_dtype) = dtype_text(tensor);
      } else {
        (missing ? leaf.expected_dtype : leaf.actual_dtype) = leaf_text(output.value);
      }
      result_.leaves.push_back(std::move(leaf));
    }
  }

  const Tolerance& tolerance_;
  OutputsComparison result_;
};

}  // namespace

std::vector<OutputLeaf> flatten_outputs(const c10::IValue& outputs) {
  std::vector<OutputLeaf> leaves;
  flatten("", outputs, leaves);
  return leaves;
}

OutputsComparison compare_outputs(const c10::IValue& expected, const c10::IValue& actual, const Tolerance& tolerance) {
  Walk walk(tolerance);
  walk.compare("", expected, actual);
  return std::move(walk).result();
}

}  // namespace bertjit
