// What an input's text says, before the argument's type says what it means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

namespace bertjit {

struct SpecNode {
  enum class Kind { kNone, kBool, kInt, kFloat, kString, kTensor, kList, kTuple, kDict };

  Kind kind = Kind::kNone;
  bool boolean = false;
  int64_t integer = 0;
  double real = 0;
  std::string string;
  at::Tensor tensor;                    ///< kTensor: of a word such as rand:3x4
  std::vector<SpecNode> items;          ///< kList, kTuple, kDict
  std::vector<SpecNode> keys;           ///< kDict
  std::optional<at::ScalarType> dtype;  ///< asked for with :dtype

  static SpecNode of_bool(bool value);
  static SpecNode of_int(int64_t value);
  static SpecNode of_float(double value);
  static SpecNode of_string(std::string value);
};

/// Lists may be nested so deep: more than any tensor that one writes down, and little enough for a stack.
inline constexpr size_t kDeepestSpec = 16;

/// The value that `node` is for `type`; null: not declared, see input_spec.h. What does not fit is given its plain
/// Python type, for conform() to refuse.
///
/// Throws Error(kInvalidArgument) naming `text` for lists that are no tensor where one is meant.
c10::IValue value_of(const SpecNode& node, const c10::TypePtr& type, const std::string& text);

/// Error(kInvalidArgument): "input 'TEXT': WHY".
[[noreturn]] void refuse_spec(const std::string& text, const std::string& why);

}  // namespace bertjit
