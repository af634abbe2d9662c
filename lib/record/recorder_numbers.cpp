// What a program does with numbers, while it is recorded.
//
// A number that comes from a size is computed twice: as the number it is on the example, and, with the operators that
// Python records for the same text, as a tensor in the trace. What Python's tracer turns into a constant although there
// is an operator for it (int, float, min, max, len, math.sqrt) stays symbolic here.
#include <cmath>
#include <map>
#include <set>

#include <ATen/ScalarOps.h>

#include "record/recorder.h"
#include "record/trace_session.h"

namespace bertjit {

namespace jit = torch::jit;
namespace tracer = torch::jit::tracer;

namespace {

bool is_number(const c10::IValue& value) {
  return value.isInt() || value.isDouble() || value.isBool();
}

std::string name_of(const jit::Node& node) {
  return node.kind().toQualString();
}

/// A number in arithmetic: a tensor of the trace, or a constant.
struct Operand {
  at::Tensor tensor;  ///< undefined: a constant
  at::Scalar number;

  bool is_symbol() const {
    return tensor.defined();
  }
  at::Tensor as_tensor() const {
    return is_symbol() ? tensor : at::native::wrapped_scalar_tensor(number);
  }
};

at::Tensor add(const Operand& a, const Operand& b) {
  return a.is_symbol() ? at::add(a.tensor, b.as_tensor()) : at::add(b.tensor, a.as_tensor());
}

at::Tensor subtract(const Operand& a, const Operand& b) {
  return a.is_symbol() ? at::sub(a.tensor, b.as_tensor()) : at::rsub(b.tensor, a.number);
}

at::Tensor multiply(const Operand& a, const Operand& b) {
  return a.is_symbol() ? at::mul(a.tensor, b.as_tensor()) : at::mul(b.tensor, a.as_tensor());
}

at::Tensor divide(const Operand& a, const Operand& b) {
  return a.is_symbol() ? at::div(a.tensor, b.as_tensor()) : at::mul(at::reciprocal(b.tensor), a.as_tensor());
}

at::Tensor remainder(const Operand& a, const Operand& b) {
  return b.is_symbol() ? at::remainder(a.as_tensor(), b.tensor) : at::remainder(a.tensor, b.number);
}

at::Tensor power(const Operand& a, const Operand& b) {
  return !b.is_symbol() ? at::pow(a.tensor, b.number) : at::pow(a.as_tensor(), b.tensor);
}

using Binary = at::Tensor (*)(const Operand&, const Operand&);
using Unary = at::Tensor (*)(const at::Tensor&);

Binary find_binary(const std::string& name) {
  static const std::map<std::string, Binary> table = {
      {"aten::add", add},
      {"aten::sub", subtract},
      {"aten::mul", multiply},
      {"aten::div", divide},
      {"aten::remainder", remainder},
      {"aten::pow", power},
      {"bertjit::pow", power},  // of whole numbers (script/python_operators.h)
      {"aten::floordiv",
       [](const Operand& a, const Operand& b) { return at::floor_divide(a.as_tensor(), b.as_tensor()); }},
      {"prim::min", [](const Operand& a, const Operand& b) { return at::minimum(a.as_tensor(), b.as_tensor()); }},
      {"prim::max", [](const Operand& a, const Operand& b) { return at::maximum(a.as_tensor(), b.as_tensor()); }},
  };
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

Unary find_unary(const std::string& name) {
  const Unary same = [](const at::Tensor& x) { return x; };
  static const std::map<std::string, Unary> table = {
      {"aten::Int", same},
      {"aten::Float", same},
      {"aten::neg", [](const at::Tensor& x) { return at::neg(x); }},
      {"prim::abs", [](const at::Tensor& x) { return at::abs(x); }},
      {"aten::sqrt", [](const at::Tensor& x) { return at::sqrt(x); }},
      {"aten::log", [](const at::Tensor& x) { return at::log(x); }},
      {"aten::exp", [](const at::Tensor& x) { return at::exp(x); }},
      {"aten::floor", [](const at::Tensor& x) { return at::floor(x); }},
      {"aten::ceil", [](const at::Tensor& x) { return at::ceil(x); }},
      {"aten::_unwrap_optional", same},
  };
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

/// Numbers of these operators are no arithmetic: how often a loop turns is told by the loop, whether something is None
/// does not depend on its value.
bool loses_nothing(const std::string& name) {
  static const std::set<std::string> names = {"aten::__range_length", "aten::__is__", "aten::__isnot__", "aten::len"};
  return names.contains(name);
}

/// Operators that tell a tensor's values.
bool reads_values(const std::string& name) {
  static const std::set<std::string> names = {"aten::Int",
                                              "aten::Float",
                                              "aten::Bool",
                                              "aten::IntImplicit",
                                              "aten::FloatImplicit",
                                              "aten::ScalarImplicit",
                                              "aten::item",
                                              "aten::is_nonzero",
                                              "aten::equal",
                                              "aten::allclose",
                                              "aten::Complex",
                                              "prim::tolist",
                                              "aten::_local_scalar_dense"};
  return names.contains(name);
}

/// Operators that move elements between lists without looking at them.
bool moves_elements(const std::string& name) {
  static const std::set<std::string> names = {"aten::append",    "aten::__getitem__", "aten::slice",  "aten::add",
                                              "aten::add_",      "aten::mul",         "aten::list",   "aten::copy",
                                              "aten::reverse",   "aten::extend",      "aten::insert", "aten::pop",
                                              "aten::_set_item", "aten::Delete",      "aten::clear"};
  return names.contains(name);
}

/// The same number, to rounding.
bool agrees(const at::Tensor& tensor, const c10::IValue& number) {
  const TracingPause pause;
  const at::Scalar value = tensor.detach().item();
  if (number.isInt()) {
    return value.toLong() == number.toInt();
  }
  const double expected = number.toDouble();
  return std::abs(value.toDouble() - expected) <= 1e-6 * std::abs(expected) || expected == value.toDouble();
}

at::Tensor as_type_of(const at::Tensor& tensor, const c10::IValue& number) {
  if (number.isInt() && tensor.is_floating_point()) {
    return tensor.to(at::kLong);
  }
  return number.isDouble() && !tensor.is_floating_point() ? tensor.to(at::kDouble) : tensor;
}

}  // namespace

Slot Recorder::symbol(const at::Tensor& tensor, c10::IValue number, bool depends) {
  return {std::move(number), symbols_.add(tensor, depends)};
}

std::optional<Slots> Recorder::apply_size(const jit::Node& node, const Slots& inputs) {
  const std::string name = name_of(node);
  const bool is_size = name == "aten::size" || name == "aten::len" || name == "aten::numel" ||
                       name == "aten::sym_size" || name == "aten::sym_numel";
  if (!is_size || inputs.empty() || !inputs[0].value.isTensor() || options_.shapes != Shapes::kDynamic ||
      !tracer::getTracingState()->hasValue(inputs[0].value)) {
    return std::nullopt;
  }
  const at::Tensor& tensor = inputs[0].value.toTensor();
  const bool depends = dependence_.depends(tensor);
  const auto size = [&](int64_t dimension) {
    return symbol(tracer::getSizeOf(tensor, dimension), tensor.size(dimension), depends);
  };
  if (name.ends_with("numel")) {
    return Slots{symbol(tracer::getNumelOf(tensor), tensor.numel(), depends)};
  }
  if (name == "aten::len" || inputs.size() > 1) {
    return Slots{size(name == "aten::len" ? 0 : inputs[1].value.toInt())};
  }
  c10::List<int64_t> sizes;
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    const Slot one = size(i);
    sizes.push_back(one.value.toInt());
    ids.push_back(one.symbol);
  }
  symbols_.set_elements(sizes, ids);
  return Slots{{sizes}};
}

std::optional<Slots> Recorder::apply_conversion(const jit::Node& node, const Slots& inputs) {
  if (node.kind() == c10::prim::NumToTensor && symbols_.has_tensor(inputs[0])) {
    return Slots{{symbols_.at(inputs[0].symbol).tensor}};
  }
  if (node.kind() == c10::prim::NumToTensor) {
    return apply_new_tensor(node, inputs);
  }
  if (!reads_values(name_of(node)) || inputs.empty() || !inputs[0].value.isTensor()) {
    return std::nullopt;
  }
  Slots outputs;
  {
    const TracingPause pause;
    outputs = run_operator(node, inputs);
  }
  outputs[0] = number_of_tensor(node, inputs[0], std::move(outputs[0].value));
  if (inputs.size() > 1 && outputs[0].symbol == 0 && any_depends(inputs)) {
    outputs[0].symbol = symbols_.lost();  // equal(x, y)
  }
  return outputs;
}

Slot Recorder::number_of_tensor(const jit::Node& node, const Slot& input, c10::IValue number) {
  const at::Tensor& tensor = input.value.toTensor();
  const int64_t id = symbols_.of(tensor);
  const bool depends = id != 0 ? symbols_.at(id).depends : dependence_.depends(tensor);
  if (id != 0 && (number.isInt() || number.isDouble())) {
    return symbol(as_type_of(tensor, number), std::move(number), depends);
  }
  if (!depends) {
    return {std::move(number)};
  }
  // Of a condition the branch tells.
  if (!number.isBool()) {
    find(FindingKind::kValueConstant, name_of(node));
  }
  if (number.isList()) {
    symbols_.set_elements(number, std::vector<int64_t>(number.toListRef().size(), symbols_.lost()));
  }
  return {std::move(number), symbols_.lost()};
}

std::optional<Slots> Recorder::apply_container(const jit::Node& node, const Slots& inputs) {
  Slots outputs;
  if (!run_structural(node, inputs, outputs)) {
    return std::nullopt;
  }
  const auto kind = node.kind();
  std::vector<int64_t> ids;
  for (const auto& input : inputs) {
    ids.push_back(input.symbol);
  }
  if (kind == c10::prim::ListConstruct || kind == c10::prim::TupleConstruct) {
    symbols_.set_elements(outputs[0].value, ids);
  } else if (kind == c10::prim::DictConstruct) {
    for (const auto& input : inputs) {
      if (symbols_.has_tensor(input) && symbols_.depends(input)) {
        find(FindingKind::kSizeConstant, "in a dict");
      }
    }
  } else if (kind != c10::prim::unchecked_cast && !inputs.empty()) {
    const auto elements = symbols_.elements(inputs[0].value);
    if (elements.empty()) {
      return outputs;
    }
    if (kind == c10::prim::TupleIndex) {
      const int64_t index = inputs[1].value.toInt();
      outputs[0].symbol = elements.at(static_cast<size_t>(index < 0 ? index + std::ssize(elements) : index));
    } else if (kind == c10::prim::TupleSlice) {
      symbols_.set_elements(outputs[0].value,
                            {elements.begin() + node.i(c10::attr::beg), elements.begin() + node.i(c10::attr::end)});
    } else if (kind == c10::prim::ListUnpack || kind == c10::prim::TupleUnpack) {
      for (size_t i = 0; i < outputs.size(); ++i) {
        outputs[i].symbol = elements.at(i);
      }
    }
  }
  return outputs;
}

std::optional<Slots> Recorder::apply_list_operator(const jit::Node& node, const Slots& inputs) {
  if (inputs.empty() || !inputs[0].value.isList() || !moves_elements(name_of(node))) {
    return std::nullopt;
  }
  bool any = false;
  for (const auto& input : inputs) {
    any = any || input.symbol != 0 || !symbols_.elements(input.value).empty();
  }
  if (!any) {
    return std::nullopt;
  }
  // The same operator once more, on lists of the elements' symbols.
  const auto& formal = node.schema().arguments();
  jit::Stack shadow;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const bool is_element = formal.at(i).type()->kind() == c10::TypeKind::VarType;
    shadow.push_back(inputs[i].value.isList() ? symbols_.shadow(inputs[i].value)
                     : is_element             ? c10::IValue(inputs[i].symbol)
                                              : inputs[i].value);
  }
  Slots outputs = run_operator(node, inputs);
  node.getOperation()(shadow);
  if (!outputs.empty() && outputs[0].value.isList()) {
    symbols_.set_shadow(outputs[0].value, shadow.at(0));
  } else if (!outputs.empty() && is_number(outputs[0].value)) {
    outputs[0].symbol = shadow.at(0).toInt();
  }
  note_length(node, inputs, outputs);
  return outputs;
}

Slots Recorder::apply_new_tensor(const jit::Node& node, const Slots& inputs) {
  if (any_depends(inputs)) {
    find(FindingKind::kNewTensorConstant, name_of(node));
  }
  const TracingPause pause;
  Slots outputs = run_operator(node, inputs);
  literals_.push_back(outputs[0].value.toTensor());
  return outputs;
}

Slots Recorder::apply_unrecorded(const jit::Node& node, const Slots& inputs) {
  const bool depends = any_depends(inputs);
  bool from_size = false;
  bool from_input = false;
  for (const auto& input : inputs) {
    from_size = from_size || symbols_.has_tensor(input);
    from_input = from_input || symbols_.depends(input) || symbols_.any_element_depends(input.value);
  }
  if (node.kind() == c10::aten::len) {
    // A list of sizes is as long as a tensor has dimensions, whatever they are.
    from_input = symbols_.length_depends(inputs[0].value);
  }
  Slots outputs = run_operator(node, inputs);
  note_outputs(inputs, outputs, depends);
  note_length(node, inputs, outputs);
  if (outputs.size() != 1 || !is_number(outputs[0].value)) {
    return outputs;
  }
  if (from_size) {
    if (const auto tensor = arithmetic(node, inputs, outputs[0].value)) {
      outputs[0].symbol = symbols_.add(*tensor, from_input);
      return outputs;
    }
  }
  const std::string name = name_of(node);
  if (from_input && name != "aten::__is__" && name != "aten::__isnot__") {
    outputs[0].symbol = symbols_.lost();
    if (from_size && !outputs[0].value.isBool() && !loses_nothing(name)) {
      find(FindingKind::kSizeConstant, name);
    }
  }
  return outputs;
}

std::optional<at::Tensor> Recorder::arithmetic(const jit::Node& node, const Slots& inputs, const c10::IValue& result) {
  if (result.isBool()) {
    return std::nullopt;
  }
  std::vector<Operand> operands;
  for (const auto& input : inputs) {
    if (!is_number(input.value)) {
      return std::nullopt;
    }
    Operand operand{symbols_.at(input.symbol).tensor, input.value.toScalar()};
    // Python's own arithmetic on fractions is in double precision.
    if (operand.is_symbol() && result.isDouble()) {
      operand.tensor = as_type_of(operand.tensor, result);
    }
    operands.push_back(std::move(operand));
  }
  const std::string name = name_of(node);
  at::Tensor tensor;
  if (const Binary binary = find_binary(name); binary != nullptr && operands.size() == 2) {
    tensor = binary(operands[0], operands[1]);
  } else if (const Unary unary = find_unary(name); unary != nullptr && operands.size() == 1) {
    tensor = unary(operands[0].tensor);
  } else if (name == "aten::__derive_index" && !operands[2].is_symbol()) {
    // turn, start, step
    tensor = add(operands[1], {{}, operands[0].number.toLong() * operands[2].number.toLong()});
  } else {
    return std::nullopt;
  }
  tensor = as_type_of(tensor, result);
  return agrees(tensor, result) ? std::optional(tensor) : std::nullopt;
}

}  // namespace bertjit
