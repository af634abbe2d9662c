// math, typing, collections, copy, warnings: what of Python's own modules the subset has.
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <set>
#include <utility>

#include "script/builtins.h"
#include "script/evaluator.h"
#include "script/object_values.h"
#include "script/operators.h"
#include "script/python_error.h"

namespace bertjit {

using torch::jit::SourceRange;

namespace {

using Arguments = CallArguments;

double number(const Arguments& arguments, size_t position, const std::string& function, const SourceRange& where) {
  return as_number(required(arguments, position, position == 0 ? "x" : "y", function, where), where);
}

Object logarithm(const Arguments& arguments, const SourceRange& where) {
  const double value = number(arguments, 0, "math.log", where);
  if (value <= 0) {
    refuse(where, "ValueError: math domain error");
  }
  const auto base = argument(arguments, 1, "base");
  return float_object(base ? std::log(value) / std::log(as_number(*base, where)) : std::log(value));
}

Object product(const Arguments& arguments, const SourceRange& where) {
  Object total = int_object(1);
  for (const auto& item : iterate(required(arguments, 0, "iterable", "math.prod", where), where)) {
    total = binary_operation("*", total, item, where);
  }
  return total;
}

Object greatest_divisor(const Arguments& arguments, const SourceRange& where) {
  auto x = static_cast<int64_t>(std::fabs(number(arguments, 0, "math.gcd", where)));
  auto y = static_cast<int64_t>(std::fabs(number(arguments, 1, "math.gcd", where)));
  while (y != 0) {
    x = std::exchange(y, x % y);
  }
  return int_object(x);
}

Object raise_to(const Arguments& arguments, const SourceRange& where) {
  return float_object(std::pow(number(arguments, 0, "math.pow", where), number(arguments, 1, "math.pow", where)));
}

// From a number to a number, an integer, a truth value.
std::optional<Object> function_of_one(const std::string& name) {
  using Real = double (*)(double);
  static const std::map<std::string, Real> kReal = {
      {"sqrt", std::sqrt}, {"exp", std::exp},    {"log2", std::log2}, {"log10", std::log10}, {"log1p", std::log1p},
      {"sin", std::sin},   {"cos", std::cos},    {"tan", std::tan},   {"tanh", std::tanh},   {"sinh", std::sinh},
      {"cosh", std::cosh}, {"asin", std::asin},  {"acos", std::acos}, {"atan", std::atan},   {"fabs", std::fabs},
      {"erf", std::erf},   {"expm1", std::expm1}};
  static const std::map<std::string, Real> kInteger = {
      {"floor", std::floor}, {"ceil", std::ceil}, {"trunc", std::trunc}};
  static const std::map<std::string, bool (*)(double)> kTruth = {
      {"isnan", [](double value) { return std::isnan(value); }},
      {"isinf", [](double value) { return std::isinf(value); }},
      {"isfinite", [](double value) { return std::isfinite(value); }}};
  const std::string full = "math." + name;
  if (const auto found = kReal.find(name); found != kReal.end()) {
    return builtin_object(full, [f = found->second, full](const Arguments& a, const SourceRange& where) {
      const double value = number(a, 0, full, where);
      const double result = f(value);
      if (std::isnan(result) && !std::isnan(value)) {
        refuse(where, "ValueError: math domain error");
      }
      return float_object(result);
    });
  }
  if (const auto found = kInteger.find(name); found != kInteger.end()) {
    return builtin_object(full, [f = found->second, full](const Arguments& a, const SourceRange& where) {
      return int_object(static_cast<int64_t>(f(number(a, 0, full, where))));
    });
  }
  if (const auto found = kTruth.find(name); found != kTruth.end()) {
    return builtin_object(full, [f = found->second, full](const Arguments& a, const SourceRange& where) {
      return bool_object(f(number(a, 0, full, where)));
    });
  }
  return std::nullopt;
}

std::optional<Object> math_member(const std::string& name) {
  static const std::map<std::string, double> kConstants = {{"pi", std::numbers::pi},
                                                           {"e", std::numbers::e},
                                                           {"tau", 2 * std::numbers::pi},
                                                           {"inf", std::numeric_limits<double>::infinity()},
                                                           {"nan", std::numeric_limits<double>::quiet_NaN()}};
  static const std::map<std::string, Object (*)(const Arguments&, const SourceRange&)> kFunctions = {
      {"log", logarithm}, {"prod", product}, {"gcd", greatest_divisor}, {"pow", raise_to}};
  if (const auto constant = kConstants.find(name); constant != kConstants.end()) {
    return float_object(constant->second);
  }
  if (const auto found = kFunctions.find(name); found != kFunctions.end()) {
    return builtin_object("math." + name, found->second);
  }
  return function_of_one(name);
}

std::optional<Object> typing_member(const std::string& space, const std::string& name) {
  static const std::set<std::string> kTypes = {"Any",     "Callable",   "Dict",     "Final",    "Iterable", "List",
                                               "Mapping", "NamedTuple", "NoReturn", "Optional", "Sequence", "Set",
                                               "Tuple",   "Type",       "TypeVar",  "Union",    "Literal",  "override"};
  if (kTypes.count(name) == 0) {
    return std::nullopt;
  }
  return builtin_object("typing." + name,
                        [full = space + "." + name](const Arguments&, const SourceRange& where) -> Object {
                          refuse(where, full + " is a type and cannot be called here");
                        });
}

// bertjit runs on the CPU.
Object cuda_state(const std::string& name) {
  return builtin_object("torch.cuda." + name, [name](const Arguments&, const SourceRange&) {
    return name == "is_available" ? bool_object(false) : int_object(0);
  });
}

std::optional<Object> python_member(const std::string& space, const std::string& name) {
  const std::string full = space + "." + name;
  if (space == "typing" || space == "typing_extensions" || space == "collections.abc") {
    return typing_member(space, name);
  }
  if (full == "collections.OrderedDict") {
    return builtin_object(full, builtin_scope()->find("dict")->as<BuiltinObject>()->call);
  }
  if (full == "copy.deepcopy") {
    return torch_member(full);
  }
  if (full == "warnings.warn") {
    return builtin_object(full, [](const Arguments&, const SourceRange&) { return none_object(); });
  }
  if (full == "abc.abstractmethod") {
    return builtin_object(full, [full](const Arguments& arguments, const SourceRange& where) {
      return required(arguments, 0, "funcobj", full, where);
    });
  }
  return std::nullopt;
}

}  // namespace

std::optional<Object> builtin_member(const std::string& space, const std::string& name) {
  if (space == "torch" || space == "torch.random" || space == "torch.autograd") {
    return torch_member(name);
  }
  if (space == "torch.jit") {
    return jit_member(name);
  }
  if (space == "torch.cuda" && (name == "is_available" || name == "device_count")) {
    return cuda_state(name);
  }
  const bool nn = space == "torch.nn" || space == "torch.nn.modules" || space == "torch.nn.modules.module";
  if (nn && name == "Module") {
    return Object{module_class()};
  }
  if ((space == "torch.nn" || space == "torch.nn.parameter") && name == "Parameter") {
    return torch_member("nn.Parameter");
  }
  return space == "math" ? math_member(name) : python_member(space, name);
}

}  // namespace bertjit
