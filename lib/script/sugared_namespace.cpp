// torch, torch.nn.functional, math, …: what their members are to the compiler.
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <set>
#include <utility>

#include <torch/csrc/jit/frontend/builtin_functions.h>
#include <torch/csrc/jit/frontend/error_report.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "script/library.h"
#include "script/sugared.h"
#include "script/sugared_python.h"

namespace bertjit {

using torch::jit::BuiltinFunction;
using torch::jit::ErrorReport;
using torch::jit::GraphFunction;
using torch::jit::SourceRange;
using torch::jit::SpecialFormValue;
using torch::jit::SugaredValue;
using torch::jit::SugaredValuePtr;

namespace {

class NamespaceValue : public SugaredValue {
 public:
  NamespaceValue(Compilation& compilation, NamespaceObject space)
      : compilation_(compilation), space_(std::move(space)) {}

  std::string kind() const override {
    return "module '" + space_.path + "'";
  }
  SugaredValuePtr attr(const SourceRange& where, GraphFunction& caller, const std::string& field) override {
    if (space_.file == nullptr) {
      return sugar_path(compilation_, space_.path + "." + field, caller, where);
    }
    const auto member = namespace_member(space_, field);
    if (!member) {
      throw(ErrorReport(where) << "module '" << space_.path << "' has no attribute '" << field << "'");
    }
    return sugar(compilation_, *member, field, caller, where);
  }

 private:
  Compilation& compilation_;
  NamespaceObject space_;
};

bool has_overload(c10::Symbol symbol) {
  return !torch::jit::getAllOperatorsFor(symbol).empty() || !torch::jit::getAllBuiltinFunctionsFor(symbol).empty();
}

SugaredValuePtr builtin(const std::string& qualified) {
  const auto symbol = c10::Symbol::fromQualString(qualified);
  return has_overload(symbol) ? std::make_shared<BuiltinFunction>(symbol, std::nullopt) : nullptr;
}

std::optional<c10::IValue> constant_member(const std::string& path) {
  static const std::map<std::string, double> kNumbers = {{"pi", std::numbers::pi},
                                                         {"e", std::numbers::e},
                                                         {"tau", 2 * std::numbers::pi},
                                                         {"inf", std::numeric_limits<double>::infinity()},
                                                         {"nan", std::numeric_limits<double>::quiet_NaN()}};
  static const std::map<std::string, int64_t> kOptions = {
      {"torch.strided", static_cast<int64_t>(c10::Layout::Strided)},
      {"torch.sparse_coo", static_cast<int64_t>(c10::Layout::Sparse)},
      {"torch.contiguous_format", static_cast<int64_t>(c10::MemoryFormat::Contiguous)},
      {"torch.preserve_format", static_cast<int64_t>(c10::MemoryFormat::Preserve)},
      {"torch.channels_last", static_cast<int64_t>(c10::MemoryFormat::ChannelsLast)},
      {"torch.channels_last_3d", static_cast<int64_t>(c10::MemoryFormat::ChannelsLast3d)}};
  const size_t dot = path.rfind('.');
  const std::string space = path.substr(0, dot);
  if (space == "math" || space == "torch") {
    if (const auto number = kNumbers.find(path.substr(dot + 1)); number != kNumbers.end()) {
      return number->second;
    }
  }
  const auto option = kOptions.find(path);
  return option == kOptions.end() ? std::nullopt : std::make_optional<c10::IValue>(option->second);
}

/// What the compiler itself treats apart.
SugaredValuePtr special_member(Compilation& compilation, const std::string& path, GraphFunction& caller,
                               const SourceRange& where) {
  static const std::map<std::string, c10::Symbol> kForms = {{"torch.jit.annotate", c10::prim::annotate},
                                                            {"torch.jit.isinstance", c10::prim::isinstance},
                                                            {"torch.jit.fork", c10::prim::fork},
                                                            {"torch.jit._fork", c10::prim::fork}};
  if (const auto form = kForms.find(path); form != kForms.end()) {
    return SpecialFormValue::create(form->second);
  }
  if (path == "torch.no_grad" || path == "torch.enable_grad" || path == "torch.autograd.no_grad") {
    return std::make_shared<torch::jit::ClassValue>(compilation.grad_class(path.substr(path.rfind('.') + 1)));
  }
  if (path == "torch.jit.is_scripting" || path == "torch.jit.is_tracing") {
    return is_mode_value(compilation, path == "torch.jit.is_tracing");
  }
  if (path == "torch.Tensor" || path == "torch.FloatTensor") {
    return nullptr;
  }
  if (const auto value = constant_member(path)) {
    return std::make_shared<torch::jit::SimpleValue>(torch::jit::insertConstant(*caller.graph(), *value, where));
  }
  return nullptr;
}

/// Functions of Python whose operators go by another name.
std::optional<std::string> renamed_operator(const std::string& path) {
  static const std::map<std::string, std::string> kNames = {
      {"math.remainder", "aten::mathremainder"}, {"warnings.warn", "aten::warn"},
      {"torch.jit.wait", "aten::wait"},          {"torch.jit._wait", "aten::wait"},
      {"torch.device", "aten::device"},          {"collections.OrderedDict", "aten::dict"}};
  const auto found = kNames.find(path);
  return found == kNames.end() ? std::nullopt : std::make_optional(found->second);
}

/// The operator that a function of a namespace is: torch.linalg.norm -> aten::linalg_norm.
SugaredValuePtr operator_member(const std::string& path) {
  if (const auto renamed = renamed_operator(path)) {
    return builtin(*renamed);
  }
  static const std::map<std::string, std::string> kPrefixes = {{"torch", ""},
                                                               {"math", ""},
                                                               {"torch.nn.functional", ""},
                                                               {"torch._C._nn", ""},
                                                               {"torch._VF", ""},
                                                               {"torch.fft", "fft_"},
                                                               {"torch.linalg", "linalg_"},
                                                               {"torch.special", "special_"},
                                                               {"torch.autograd", ""},
                                                               {"torch.functional", ""}};
  const size_t dot = path.rfind('.');
  const std::string space = path.substr(0, dot);
  const std::string name = path.substr(dot + 1);
  if (const auto prefix = kPrefixes.find(space); prefix != kPrefixes.end()) {
    return builtin("aten::" + prefix->second + name);
  }
  constexpr std::string_view kOps = "torch.ops.";
  return space.rfind(kOps, 0) == 0 ? builtin(space.substr(kOps.size()) + "::" + name) : nullptr;
}

/// Namespaces of functions that only compiled code can call.
bool is_operator_space(const std::string& path) {
  static const std::set<std::string> kSpaces = {"torch.linalg",     "torch.fft",    "torch.special", "torch.autograd",
                                                "torch._C",         "torch._C._nn", "torch._VF",     "torch.ops",
                                                "torch.functional", "torch.jit"};
  return kSpaces.count(path) == 1 || (path.rfind("torch.ops.", 0) == 0 && path.find('.', 10) == std::string::npos);
}

bool is_in_both_modes(const std::string& path) {
  return path == "torch.is_tensor" || path == "math.prod";
}

/// Functions that torch has in Python (torch/functional.py). Those whose arguments are of one type each also where
/// types are as declared.
std::optional<Object> library_function(const Compilation& compilation, const std::string& space,
                                       const std::string& name) {
  static const std::set<std::string> kTyped = {"stft", "tensordot"};
  if ((space != "torch" && space != "torch.functional") || (!compilation.tracing() && kTyped.count(name) == 0)) {
    return std::nullopt;
  }
  return namespace_member(NamespaceObject{"torch.functional", nullptr}, name);
}

}  // namespace

SugaredValuePtr namespace_value(Compilation& compilation, const NamespaceObject& space) {
  return std::make_shared<NamespaceValue>(compilation, space);
}

SugaredValuePtr sugar_path(Compilation& compilation, const std::string& path, GraphFunction& caller,
                           const SourceRange& where) {
  if (SugaredValuePtr value = special_member(compilation, path, caller, where)) {
    return value;
  }
  if (SugaredValuePtr value = compilation.tracing() || is_in_both_modes(path) ? python_function(path) : nullptr) {
    return value;
  }
  const size_t dot = path.rfind('.');
  const std::string space = dot == std::string::npos ? "" : path.substr(0, dot);
  const std::string name = path.substr(dot + 1);
  if (const auto function = library_function(compilation, space, name)) {
    return sugar(compilation, *function, name, caller, where);
  }
  const auto member = space.empty() ? std::nullopt : namespace_member(NamespaceObject{space, {}}, name);
  if (member && !member->as<BuiltinObject>()) {
    return sugar(compilation, *member, name, caller, where);
  }
  if (SugaredValuePtr value = operator_member(path)) {
    return value;
  }
  if (is_namespace(path) || is_operator_space(path)) {
    return namespace_value(compilation, {path, {}});
  }
  throw(ErrorReport(where) << (space.empty() ? "'" + path + "'" : "'" + name + "' of '" + space + "'")
                           << " is nothing that TorchScript can use");
}

}  // namespace bertjit
