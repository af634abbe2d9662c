#include "locate/tape.h"

#include <algorithm>
#include <set>

#include "compare/named_outputs.h"
#include "infer/values.h"

namespace bertjit {

namespace {

/// "aten::add_" -> "add".
std::string plain_name(const std::string& op) {
  const size_t colons = op.rfind(':');
  std::string name = colons == std::string::npos ? op : op.substr(colons + 1);
  while (name.starts_with('_')) {
    name.erase(0, 1);
  }
  while (name.ends_with('_')) {
    name.pop_back();
  }
  return name;
}

const Step::Constant* constant_of(const Step& step, const std::string& name) {
  const auto found = std::ranges::find(step.constants, name, &Step::Constant::name);
  return found == step.constants.end() ? nullptr : &*found;
}

/// Steps whose output is their first input.
bool is_identity(const Step& step) {
  static const std::set<std::string> kNames = {"contiguous", "detach", "alias", "clone", "lift_fresh"};
  const std::string name = plain_name(step.op);
  if (name == "dropout" || name == "feature_dropout") {
    const auto* train = constant_of(step, "train");
    return train != nullptr && train->text == "False";
  }
  return kNames.contains(name);
}

/// Arguments that say how something is done, not what: they do not change a number.
bool changes_nothing(const std::string& argument) {
  static const std::set<std::string> kNames = {
      "padding_idx", "scale_grad_by_freq", "sparse",    "cudnn_enable", "non_blocking", "copy", "layout",
      "device",      "memory_format",      "pin_memory"};
  return kNames.contains(argument);
}

bool is_text_constant(const c10::IValue& value) {
  return value.isInt() || value.isDouble() || value.isBool() || value.isString() || value.isNone();
}

/// A number's text, also of a tensor without dimensions, which is how Python's tracer writes one.
std::string constant_text(const c10::IValue& value) {
  if (value.isTensor()) {
    return short_number(value.toTensor().item().toDouble());
  }
  return value.isDouble() ? short_number(value.toDouble()) : python_text(value);
}

bool is_constant_tensor(const c10::IValue& value) {
  return value.isTensor() && value.toTensor().defined() && value.toTensor().dim() == 0 &&
         !value.toTensor().is_quantized();
}

}  // namespace

int64_t Tape::origin(int64_t id) const {
  while (id != 0 && is_identity(at(id)) && !at(id).inputs.empty()) {
    id = at(id).inputs[0];
  }
  return id;
}

std::string step_family(const Step& step) {
  static const std::set<std::string> kLinear = {
      "linear", "linear_dynamic", "addmm", "linear_dynamic_fp16", "linear_relu_dynamic", "mm"};
  const std::string name = plain_name(step.op);
  const bool has_weight = std::ranges::any_of(step.weights, [](const std::string& weight) { return !weight.empty(); });
  if (kLinear.contains(name) || (name == "matmul" && has_weight)) {
    return "linear";
  }
  return name == "native_layer_norm" ? "layer_norm" : name == "bmm" ? "matmul" : name;
}

bool is_plumbing(const Step& step) {
  static const std::set<std::string> kNames = {
      "view",   "reshape",    "transpose",      "permute",     "unflatten",     "flatten",
      "t",      "size",       "slice",          "select",      "narrow",        "split",
      "chunk",  "unbind",     "unsqueeze",      "squeeze",     "expand",        "expand_as",
      "to",     "type_as",    "contiguous",     "detach",      "alias",         "clone",
      "Int",    "Float",      "Bool",           "dim",         "len",           "getitem",
      "append", "item",       "ScalarImplicit", "IntImplicit", "FloatImplicit", "zeros",
      "ones",   "zeros_like", "ones_like",      "arange",      "full",          "tensor",
      "copy",   "view_as",    "floor_divide",   "lift_fresh"};
  return step.op.starts_with("prim::") || is_identity(step) || kNames.contains(plain_name(step.op));
}

bool same_constants(const Step& a, const Step& b) {
  return std::ranges::all_of(a.constants, [&b](const Step::Constant& constant) {
    const auto* other = constant_of(b, constant.name);
    return other == nullptr || other->text == constant.text;
  });
}

std::string step_text(const Step& step, const Step* other) {
  const bool comparable = other != nullptr && other->op == step.op;
  std::string arguments;
  for (const auto& constant : step.constants) {
    const auto* theirs = comparable ? constant_of(*other, constant.name) : nullptr;
    const bool tells = comparable ? theirs == nullptr || theirs->text != constant.text : !constant.is_default;
    if (tells) {
      arguments += (arguments.empty() ? "" : ", ") + constant.name + "=" + constant.text;
    }
  }
  return arguments.empty() ? step.op : step.op + "(" + arguments + ")";
}

std::vector<Step::Constant> step_constants(const torch::jit::Node& node, const Slots& inputs) {
  std::vector<Step::Constant> constants;
  const auto* schema = node.maybeSchema();
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto& [value, symbol] = inputs[i];
    const bool is_argument = schema != nullptr && i < schema->arguments().size();
    if (symbol != 0 || !is_argument || !(is_text_constant(value) || is_constant_tensor(value))) {
      continue;
    }
    const auto& argument = schema->arguments()[i];
    if (changes_nothing(argument.name())) {
      continue;
    }
    const std::string text = constant_text(value);
    const auto& otherwise = argument.default_value();
    constants.push_back(
        {argument.name(), text, otherwise && is_text_constant(*otherwise) && constant_text(*otherwise) == text});
  }
  return constants;
}

}  // namespace bertjit
