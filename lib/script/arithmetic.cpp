// Python's operators on numbers, text and containers; on tensors they are libtorch's.
#include <charconv>
#include <cmath>
#include <map>

#include "script/object_values.h"
#include "script/operators.h"
#include "script/python_error.h"
#include "script/python_text.h"

namespace bertjit {

using torch::jit::SourceRange;

namespace {

[[noreturn]] void unsupported(const std::string& op, const Object& left, const Object& right,
                              const SourceRange& where) {
  refuse(where, "TypeError: unsupported operand type(s) for " + op + ": '" + python_type_name(left) + "' and '" +
                    python_type_name(right) + "'");
}

void check_overflow(bool overflow, const SourceRange& where) {
  if (overflow) {
    refuse(where, "an integer beyond 64 bits");
  }
}

int64_t power(int64_t base, int64_t exponent, const SourceRange& where) {
  int64_t result = 1;
  for (int64_t i = 0; i < exponent && result != 0 && (result != 1 || i == 0); ++i) {
    check_overflow(__builtin_mul_overflow(result, base, &result), where);
  }
  return base == -1 && exponent % 2 == 1 ? -1 : result;
}

int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

std::optional<c10::IValue> integers(const std::string& op, int64_t a, int64_t b, const SourceRange& where) {
  int64_t result = 0;
  if ((op == "/" || op == "//" || op == "%") && b == 0) {
    refuse(where, "ZeroDivisionError: division by zero");
  }
  if (op == "+") {
    check_overflow(__builtin_add_overflow(a, b, &result), where);
    return result;
  }
  if (op == "-") {
    check_overflow(__builtin_sub_overflow(a, b, &result), where);
    return result;
  }
  if (op == "*") {
    check_overflow(__builtin_mul_overflow(a, b, &result), where);
    return result;
  }
  if (op == "//") {
    return floor_divide(a, b);
  }
  if (op == "%") {
    return a - floor_divide(a, b) * b;
  }
  if (op == "**" && b >= 0) {
    return power(a, b, where);
  }
  if (op == "&") {
    return a & b;
  }
  if (op == "|") {
    return a | b;
  }
  if (op == "^") {
    return a ^ b;
  }
  if (op == "<<" && b >= 0 && b < 63) {
    check_overflow(__builtin_mul_overflow(a, int64_t{1} << b, &result), where);
    return result;
  }
  if (op == ">>" && b >= 0) {
    return a >> std::min<int64_t>(b, 63);
  }
  return std::nullopt;
}

std::optional<c10::IValue> floats(const std::string& op, double a, double b, const SourceRange& where) {
  if ((op == "/" || op == "//" || op == "%") && b == 0) {
    refuse(where, "ZeroDivisionError: division by zero");
  }
  if (op == "+") {
    return a + b;
  }
  if (op == "-") {
    return a - b;
  }
  if (op == "*") {
    return a * b;
  }
  if (op == "/") {
    return a / b;
  }
  if (op == "//") {
    return std::floor(a / b);
  }
  if (op == "%") {
    const double rest = std::fmod(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
  if (op == "**") {
    return std::pow(a, b);
  }
  return std::nullopt;
}

template <typename T>
std::optional<bool> compare(const std::string& op, const T& a, const T& b) {
  if (op == "<") {
    return a < b;
  }
  if (op == ">") {
    return a > b;
  }
  if (op == "<=") {
    return a <= b;
  }
  if (op == ">=") {
    return a >= b;
  }
  return std::nullopt;
}

const std::vector<Object>* items_of(const Object& object) {
  if (const auto list = object.as<ListObject>()) {
    return &list->items;
  }
  const auto tuple = object.as<TupleObject>();
  return tuple ? &tuple->items : nullptr;
}

bool contains(const Object& container, const Object& item, const SourceRange& where) {
  if (const auto* items = items_of(container)) {
    for (const auto& candidate : *items) {
      if (equal_objects(candidate, item, where)) {
        return true;
      }
    }
    return false;
  }
  if (const auto dict = container.as<DictObject>()) {
    for (const auto& [key, value] : dict->items) {
      if (equal_objects(key, item, where)) {
        return true;
      }
    }
    return false;
  }
  if (const auto instance = container.as<InstanceObject>(); instance && string_of(item) != nullptr) {
    return instance->find(*string_of(item)) != nullptr;  // ModuleDict
  }
  if (string_of(container) != nullptr && string_of(item) != nullptr) {
    return string_of(container)->find(*string_of(item)) != std::string::npos;
  }
  unsupported("in", item, container, where);
}

std::optional<Object> numbers(const std::string& op, const Object& left, const Object& right,
                              const SourceRange& where) {
  const auto a = integer_of(left);
  const auto b = integer_of(right);
  if (a && b) {
    if (const auto ordered = compare(op, *a, *b)) {
      return Object{c10::IValue(*ordered)};
    }
    const bool booleans = left.get<c10::IValue>()->isBool() && right.get<c10::IValue>()->isBool();
    if (auto result = integers(op, *a, *b, where)) {
      const bool logical = booleans && (op == "&" || op == "|" || op == "^");
      return Object{logical ? c10::IValue(result->toInt() != 0) : *result};
    }
  }
  const auto x = number_of(left);
  const auto y = number_of(right);
  if (x && y) {
    if (const auto ordered = compare(op, *x, *y)) {
      return Object{c10::IValue(*ordered)};
    }
    if (auto result = floats(op, *x, *y, where)) {
      return Object{*result};
    }
  }
  return std::nullopt;
}

std::optional<Object> repeated(const Object& sequence, int64_t times) {
  if (const auto* text = string_of(sequence)) {
    std::string result;
    for (int64_t i = 0; i < times; ++i) {
      result += *text;
    }
    return string_object(result);
  }
  const auto* items = items_of(sequence);
  if (items == nullptr) {
    return std::nullopt;
  }
  std::vector<Object> result;
  for (int64_t i = 0; i < times; ++i) {
    result.insert(result.end(), items->begin(), items->end());
  }
  return sequence.as<ListObject>() ? list_object(std::move(result)) : tuple_object(std::move(result));
}

std::optional<Object> sequences(const std::string& op, const Object& left, const Object& right,
                                const SourceRange& where) {
  const auto* a = string_of(left);
  const auto* b = string_of(right);
  if (a != nullptr && op == "%") {
    return string_object(percent_format(*a, right, where));
  }
  if (a != nullptr && b != nullptr) {
    if (const auto ordered = compare(op, *a, *b)) {
      return Object{c10::IValue(*ordered)};
    }
    return op == "+" ? std::make_optional(string_object(*a + *b)) : std::nullopt;
  }
  if (op == "*" && (integer_of(left) || integer_of(right))) {
    return integer_of(right) ? repeated(left, *integer_of(right)) : repeated(right, *integer_of(left));
  }
  const bool alike = left.data.index() == right.data.index();
  const auto* first = items_of(left);
  const auto* second = items_of(right);
  if (op != "+" || !alike || first == nullptr || second == nullptr) {
    return std::nullopt;
  }
  std::vector<Object> both = *first;
  both.insert(both.end(), second->begin(), second->end());
  return left.as<ListObject>() ? list_object(std::move(both)) : tuple_object(std::move(both));
}

const std::map<std::string, std::string>& tensor_operators() {
  static const std::map<std::string, std::string> kNames = {
      {"+", "add"},       {"-", "sub"},  {"*", "mul"},         {"/", "div"},        {"//", "floor_divide"},
      {"%", "remainder"}, {"**", "pow"}, {"@", "matmul"},      {"&", "__and__"},    {"|", "__or__"},
      {"^", "__xor__"},   {"<", "lt"},   {">", "gt"},          {"<=", "le"},        {">=", "ge"},
      {"==", "eq"},       {"!=", "ne"},  {"<<", "__lshift__"}, {">>", "__rshift__"}};
  return kNames;
}

}  // namespace

Object binary_operation(const std::string& op, const Object& left, const Object& right, const SourceRange& where) {
  const bool tensors = tensor_of(left) != nullptr || tensor_of(right) != nullptr;
  if (op == "is" || op == "is not") {
    return Object{c10::IValue(identical(left, right) == (op == "is"))};
  }
  if (op == "in") {
    return Object{c10::IValue(contains(right, left, where))};
  }
  if (tensors && !is_none(left) && !is_none(right) && (string_of(left) == nullptr || op != "%")) {
    return call_operator(tensor_operators().at(op), std::nullopt, {{left, right}, {}}, where);
  }
  if (op == "==" || op == "!=") {
    return Object{c10::IValue(equal_objects(left, right, where) == (op == "=="))};
  }
  if (auto result = numbers(op, left, right, where)) {
    return *result;
  }
  if (auto result = sequences(op, left, right, where)) {
    return *result;
  }
  unsupported(op, left, right, where);
}

Object unary_operation(char op, const Object& value, const SourceRange& where) {
  if (tensor_of(value) != nullptr) {
    return call_operator(op == '-' ? "neg" : "bitwise_not", std::nullopt, {{value}, {}}, where);
  }
  if (const auto integer = integer_of(value)) {
    return Object{c10::IValue(op == '-' ? -*integer : ~*integer)};
  }
  if (const auto number = number_of(value); number && op == '-') {
    return Object{c10::IValue(-*number)};
  }
  refuse(where, std::string("TypeError: bad operand type for unary ") + op + ": '" + python_type_name(value) + "'");
}

bool is_true(const Object& object, const SourceRange& where) {
  if (const auto* tensor = tensor_of(object)) {
    if (tensor->numel() != 1) {
      refuse(where, "RuntimeError: Boolean value of Tensor with " +
                        std::string(tensor->numel() == 0 ? "no values" : "more than one value") + " is ambiguous");
    }
    return tensor->item().toBool();
  }
  if (const auto number = number_of(object)) {
    return *number != 0;
  }
  if (const auto* text = string_of(object)) {
    return !text->empty();
  }
  if (const auto* items = items_of(object)) {
    return !items->empty();
  }
  if (const auto dict = object.as<DictObject>()) {
    return !dict->items.empty();
  }
  return !is_none(object);
}

bool equal_objects(const Object& left, const Object& right, const SourceRange& where) {
  const auto a = number_of(left);
  const auto b = number_of(right);
  if (a && b) {
    return *a == *b;
  }
  if (string_of(left) != nullptr && string_of(right) != nullptr) {
    return *string_of(left) == *string_of(right);
  }
  const auto* first = items_of(left);
  const auto* second = items_of(right);
  if (first != nullptr && second != nullptr && left.data.index() == right.data.index()) {
    bool equal = first->size() == second->size();
    for (size_t i = 0; equal && i < first->size(); ++i) {
      equal = equal_objects((*first)[i], (*second)[i], where);
    }
    return equal;
  }
  if (tensor_of(left) != nullptr && tensor_of(right) != nullptr) {
    return is_true(call_operator("eq", std::nullopt, {{left, right}, {}}, where), where);
  }
  return identical(left, right);
}

bool identical(const Object& left, const Object& right) {
  if (left.data.index() != right.data.index()) {
    return false;
  }
  if (const auto* a = left.get<c10::IValue>()) {
    return a->is(*right.get<c10::IValue>()) || (a->isDevice() && *a == *right.get<c10::IValue>());
  }
  if (const auto* dtype = left.get<c10::ScalarType>()) {
    return *dtype == *right.get<c10::ScalarType>();
  }
  if (const auto* space = left.get<NamespaceObject>()) {
    return space->path == right.get<NamespaceObject>()->path;
  }
  return std::visit(
      [&right](const auto& pointer) {
        using Pointer = std::decay_t<decltype(pointer)>;
        if constexpr (requires { pointer.get(); }) {
          return pointer.get() == std::get<Pointer>(right.data).get();
        } else {
          return false;
        }
      },
      left.data);
}

namespace {

// repr(float): the shortest digits that read back as the same number.
std::string float_text(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  if (std::isinf(value)) {
    return value < 0 ? "-inf" : "inf";
  }
  char digits[64];
  const double size = std::fabs(value);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  const auto end = std::to_chars(digits, digits + sizeof digits, value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(digits, end.ptr);
  return plain && text.find('.') == std::string::npos ? text + ".0" : text;
}

std::string quoted_text(const Object& object) {
  return string_of(object) != nullptr ? "'" + *string_of(object) + "'" : text_of(object);
}

std::string bracketed(const std::string& open, const std::vector<Object>& items, const std::string& close) {
  std::string text = open;
  for (const auto& item : items) {
    text += text.size() == open.size() ? "" : ", ";
    text += quoted_text(item);
  }
  return text + close;
}

}  // namespace

std::string text_of(const Object& object) {
  if (const auto* text = string_of(object)) {
    return *text;
  }
  if (const auto list = object.as<ListObject>()) {
    return bracketed("[", list->items, "]");
  }
  if (const auto tuple = object.as<TupleObject>()) {
    return bracketed("(", tuple->items, tuple->items.size() == 1 ? ",)" : ")");
  }
  const auto* value = object.get<c10::IValue>();
  if (value == nullptr || value->isTensor()) {
    return describe(object);
  }
  if (value->isBool()) {
    return value->toBool() ? "True" : "False";
  }
  if (value->isNone()) {
    return "None";
  }
  return value->isDouble() ? float_text(value->toDouble())
         : value->isInt()  ? std::to_string(value->toInt())
                           : describe(object);
}

}  // namespace bertjit
