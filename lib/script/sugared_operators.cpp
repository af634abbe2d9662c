// Python's operators and its builtins over sequences.
#include <functional>
#include <set>

#include <torch/csrc/jit/frontend/error_report.h>
#include <torch/csrc/jit/frontend/schema_matching.h>
#include <torch/csrc/jit/ir/constants.h>

#include "script/sugared.h"
#include "script/sugared_python.h"

namespace bertjit {

using c10::TypeKind;
using torch::jit::ErrorReport;
using torch::jit::NamedValue;
using torch::jit::Node;
using torch::jit::Value;

namespace {

const c10::Symbol kNumber = c10::Symbol::fromQualString("bertjit::number");

TypeKind kind_of(const Value* value) {
  return value->type()->kind();
}

/// A truth value as a tensor. It is made by an operator: a file would give a constant back as a bool, which no operator
/// takes (torch.jit.trace's fails so).
Value* truth_tensor(const Emission& emission, Value* truth) {
  torch::jit::Graph& graph = emission.graph();
  const NamedValue sizes(graph.insertNode(graph.createList(c10::IntType::get(), {}))->output());
  const NamedValue number(emission.call(c10::aten::Int, {truth}));
  const NamedValue dtype(emission.where, "dtype", emission.constant(static_cast<int64_t>(c10::kBool)));
  return torch::jit::emitBuiltinCall(emission.where, graph, c10::aten::full, {sizes, number}, {dtype});
}

/// A number as the tensor that it is to torch's operators: it widens no tensor's type.
Value* wrapped(const Emission& emission, Value* number) {
  if (kind_of(number) == TypeKind::BoolType) {
    return truth_tensor(emission, number);
  }
  if (kind_of(number) == TypeKind::IntType) {
    return emission.graph().insertNode(emission.graph().createNumToTensor(number))->output();
  }
  Value* exact = kind_of(number) == TypeKind::NumberType ? emission.call(c10::aten::Float, {number}) : number;
  return emission.call(kNumber, {exact});
}

/// `number op tensor`: Python asks the tensor.
Value* reflected(const Emission& emission, const std::string& op, Value* number, Value* tensor) {
  static const std::map<std::string, std::string> kMirrored = {{"lt", "gt"}, {"gt", "lt"}, {"le", "ge"},
                                                               {"ge", "le"}, {"eq", "eq"}, {"ne", "ne"}};
  static const std::set<std::string> kCommutative = {"add", "mul", "__and__", "__or__", "__xor__"};
  const bool is_bool = kind_of(number) == TypeKind::BoolType;
  Value* operand = is_bool ? wrapped(emission, number) : number;
  if (kCommutative.count(op) == 1) {
    return emission.call(c10::Symbol::aten(op), {tensor, operand});
  }
  if (const auto mirrored = kMirrored.find(op); mirrored != kMirrored.end()) {
    return emission.call(c10::Symbol::aten(mirrored->second), {tensor, operand});
  }
  if (op == "sub") {
    return emission.call(c10::aten::rsub, {tensor, operand});
  }
  if (op == "div") {
    return emission.call(c10::aten::mul, {emission.call(c10::aten::reciprocal, {tensor}), operand});
  }
  if (op == "floordiv") {
    return emission.call(c10::aten::floor_divide, {wrapped(emission, number), tensor});
  }
  if (op == "__lshift__" || op == "__rshift__") {
    const char* name = op == "__lshift__" ? "bitwise_left_shift" : "bitwise_right_shift";
    return emission.call(c10::Symbol::aten(name), {number, tensor});
  }
  return emission.call(c10::Symbol::aten(op), {is_bool ? emission.call(c10::aten::Int, {number}) : number, tensor});
}

Value* joined_tuples(const Emission& emission, Value* left, Value* right) {
  std::vector<Value*> items;
  for (Value* tuple : {left, right}) {
    const auto unpacked = torch::jit::createTupleUnpack(tuple);
    items.insert(items.end(), unpacked.begin(), unpacked.end());
  }
  return emission.graph().insertNode(emission.graph().createTuple(items))->output();
}

/// A whole power of a whole number is whole in Python, for powers that are not negative. TorchScript's is a float.
bool is_whole_power(Value* left, Value* right) {
  const auto power = constant_of(right);
  return kind_of(left) == TypeKind::IntType && power && power->isInt() && power->toInt() >= 0;
}

/// `init` taken through `step` with each item of `list` from `first` on.
Value* fold(const Emission& emission, Value* list, int64_t first, Value* init,
            const std::function<Value*(Value*, Value*)>& step) {
  torch::jit::Graph& graph = emission.graph();
  Value* length = emission.call(c10::aten::len, {list});
  Value* turns = first == 0 ? length : emission.call(c10::aten::sub, {length, emission.constant(first)});
  Value* go_on = emission.constant(true);
  // In the form that the compiler's later passes expect: the condition is a block of its own.
  Node* loop = graph.insertNode(graph.create(c10::prim::Loop, {turns, init}, 1));
  loop->setSourceRange(emission.where);
  torch::jit::Block* body = loop->addBlock();
  loop->addBlock()->registerOutput(go_on);
  Value* turn = body->addInput()->setType(c10::IntType::get());
  Value* carried = body->addInput()->setType(init->type());
  {
    const torch::jit::WithInsertPoint guard(body);
    Value* index = first == 0 ? turn : emission.call(c10::aten::add, {turn, emission.constant(first)});
    Value* next = step(carried, emission.call(c10::aten::__getitem__, {list, index}));
    body->registerOutput(next);
  }
  return loop->output()->setType(init->type());
}

Value* first_of(const Emission& emission, Value* list) {
  return emission.call(c10::aten::__getitem__, {list, emission.constant(int64_t{0})});
}

std::vector<Value*> items_of_tuple(Value* tuple) {
  const auto items = torch::jit::createTupleUnpack(tuple);
  return {items.begin(), items.end()};
}

/// `if item > best: best = item`
Value* better(const Emission& emission, const std::string& name, Value* best, Value* item) {
  if (!is_tensor_type(best) && !is_tensor_type(item)) {
    return emission.call(c10::Symbol::prim(name), {best, item});
  }
  torch::jit::Graph& graph = emission.graph();
  Value* wins = emit_binary(emission, name == "max" ? "gt" : "lt", item, best);
  Node* choice = graph.insertNode(graph.create(c10::prim::If, {emission.call(c10::aten::Bool, {wins})}, 1));
  choice->setSourceRange(emission.where);
  choice->addBlock()->registerOutput(item);
  choice->addBlock()->registerOutput(best);
  if (!is_tensor_type(best) || !is_tensor_type(item)) {
    throw(ErrorReport(emission.where) << name << "() of a number and a tensor is outside the subset: use torch.clamp");
  }
  return choice->output()->setType(c10::TensorType::get());
}

}  // namespace

Value* Emission::constant(const c10::IValue& value) const {
  return torch::jit::insertConstant(graph(), value, where);
}

Value* Emission::call(c10::Symbol symbol, const std::vector<Value*>& arguments) const {
  const std::vector<NamedValue> named(arguments.begin(), arguments.end());
  return torch::jit::emitBuiltinCall(where, graph(), symbol, named, {});
}

bool is_tensor_type(const Value* value) {
  return value->type()->isSubtypeOf(*c10::TensorType::get());
}

bool is_number_type(const Value* value) {
  return kind_of(value) == TypeKind::BoolType || value->type()->isSubtypeOf(*c10::NumberType::get());
}

c10::TypePtr element_type(const Value* value) {
  const auto list = value->type()->cast<c10::ListType>();
  return list ? list->getElementType() : nullptr;
}

Value* emit_present(const Emission& emission, Value* value) {
  const bool optional = kind_of(value) == TypeKind::OptionalType;
  return optional ? emission.call(c10::aten::_unwrap_optional, {value}) : value;
}

Value* emit_binary(const Emission& emission, const std::string& op, Value* left, Value* right) {
  left = emit_present(emission, left);
  right = emit_present(emission, right);
  if (is_number_type(left) && is_tensor_type(right)) {
    return reflected(emission, op, left, right);
  }
  if (is_tensor_type(left) && kind_of(right) == TypeKind::BoolType) {
    return emission.call(op == "floordiv" ? c10::aten::floor_divide : c10::Symbol::aten(op),
                         {left, wrapped(emission, right)});
  }
  if (op == "add" && kind_of(left) == TypeKind::TupleType && kind_of(right) == TypeKind::TupleType) {
    return joined_tuples(emission, left, right);
  }
  if (op == "pow" && is_whole_power(left, right)) {
    return emission.call(c10::Symbol::fromQualString("bertjit::pow"), {left, right});
  }
  if (op == "remainder" && kind_of(left) == TypeKind::StringType) {
    return emission.call(c10::aten::percentFormat, {left, right});
  }
  return emission.call(c10::Symbol::aten(op), {left, right});
}

Value* emit_augmented(const Emission& emission, const std::string& op, Value* left, Value* right) {
  static const std::set<std::string> kPlain = {"add", "sub", "mul", "div"};
  const bool in_place =
      (is_tensor_type(left) && kPlain.count(op) == 1) || (kind_of(left) == TypeKind::ListType && op == "add");
  if (!in_place) {
    return emit_binary(emission, op, left, right);
  }
  Value* operand = kind_of(right) == TypeKind::BoolType ? wrapped(emission, right) : right;
  return emission.call(c10::Symbol::aten(op + "_"), {left, operand});
}

Value* emit_truth(const Emission& emission, Value* value) {
  if (const auto known = constant_of(value)) {
    if (known->isNone() || known->isString()) {
      return emission.constant(known->isString() && !known->toStringRef().empty());
    }
    return known->isBool() ? value : emission.constant(known->toScalar().toDouble() != 0);
  }
  switch (kind_of(value)) {
    case TypeKind::NoneType:
      return emission.constant(false);
    case TypeKind::TupleType:
      return emission.constant(!value->type()->expectRef<c10::TupleType>().elements().empty());
    case TypeKind::ListType:
    case TypeKind::DictType:
    case TypeKind::StringType:
      return emission.call(c10::aten::ne, {emission.call(c10::aten::len, {value}), emission.constant(int64_t{0})});
    case TypeKind::ClassType:
      return value->type()->expectRef<c10::ClassType>().is_module() ? emission.constant(true) : value;
    case TypeKind::BoolType:
      return value;
    default:
      return is_tensor_type(value) || is_number_type(value) ? emission.call(c10::aten::Bool, {value}) : value;
  }
}

Value* emit_iterable(const Emission& emission, Value* value) {
  return is_tensor_type(value) ? emission.call(c10::aten::unbind, {value, emission.constant(int64_t{0})}) : value;
}

Value* emit_sum(const Emission& emission, const std::vector<Value*>& values) {
  Value* items = emit_iterable(emission, values[0]);
  Value* total = values.size() > 1 ? values[1] : emission.constant(int64_t{0});
  const auto add = [&](Value* a, Value* b) { return emit_binary(emission, "add", a, b); };
  if (kind_of(items) == TypeKind::TupleType) {
    for (Value* item : items_of_tuple(items)) {
      total = add(total, item);
    }
    return total;
  }
  const c10::TypePtr type = element_type(items);
  if (type == nullptr) {
    throw(ErrorReport(emission.where) << "sum() takes a tensor, a list or a tuple, not " << items->type()->repr_str());
  }
  if (type->isSubtypeOf(*c10::TensorType::get())) {
    return fold(emission, items, 1, add(total, first_of(emission, items)), add);
  }
  if (type->kind() == TypeKind::BoolType) {
    return fold(emission, items, 0, total,
                [&](Value* a, Value* b) { return add(a, emission.call(c10::aten::Int, {b})); });
  }
  const bool fractional = type->kind() == TypeKind::FloatType;
  return fold(emission, items, 0, fractional ? as_type(emission, total, TypeKind::FloatType) : total, add);
}

Value* emit_extreme(const Emission& emission, const std::string& name, const std::vector<Value*>& values) {
  std::vector<Value*> items = values;
  if (values.size() == 1) {
    Value* iterable = emit_iterable(emission, values[0]);
    if (element_type(iterable) != nullptr) {
      return fold(emission, iterable, 1, first_of(emission, iterable),
                  [&](Value* best, Value* item) { return better(emission, name, best, item); });
    }
    if (kind_of(iterable) != TypeKind::TupleType) {
      throw(ErrorReport(emission.where) << "'" << iterable->type()->repr_str() << "' object is not iterable");
    }
    items = items_of_tuple(iterable);
  }
  if (items.empty()) {
    throw(ErrorReport(emission.where) << name << "() arg is an empty sequence");
  }
  Value* best = items[0];
  for (size_t i = 1; i < items.size(); ++i) {
    best = better(emission, name, best, items[i]);
  }
  return best;
}

Value* emit_any_all(const Emission& emission, const std::string& name, Value* values) {
  Value* items = emit_iterable(emission, values);
  const auto join = [&](Value* a, Value* b) {
    Value* truth = emit_truth(emission, b);
    return emission.call(name == "any" ? c10::aten::__or__ : c10::aten::__and__, {a, truth});
  };
  Value* start = emission.constant(name == "all");
  if (kind_of(items) == TypeKind::TupleType) {
    for (Value* item : items_of_tuple(items)) {
      start = join(start, item);
    }
    return start;
  }
  if (element_type(items) == nullptr) {
    throw(ErrorReport(emission.where) << "'" << items->type()->repr_str() << "' object is not iterable");
  }
  return fold(emission, items, 0, start, join);
}

Value* emit_product(const Emission& emission, Value* values) {
  const auto multiply = [&](Value* a, Value* b) { return emit_binary(emission, "mul", a, b); };
  if (kind_of(values) == TypeKind::TupleType) {
    Value* product = emission.constant(int64_t{1});
    for (Value* item : items_of_tuple(values)) {
      product = multiply(product, item);
    }
    return product;
  }
  const c10::TypePtr type = element_type(values);
  if (type == nullptr) {
    throw(ErrorReport(emission.where) << "the product of " << values->type()->repr_str() << " is not known");
  }
  const bool fractional = type->kind() == TypeKind::FloatType;
  Value* one = fractional ? emission.constant(1.0) : emission.constant(int64_t{1});
  return fold(emission, values, 0, one, multiply);
}

}  // namespace bertjit
