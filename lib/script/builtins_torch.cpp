// torch's own names, and what tensors have, as far as they are not operators.
#include <cmath>
#include <limits>
#include <numbers>

#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include "script/builtins.h"
#include "script/evaluator.h"
#include "script/object_values.h"
#include "script/python_error.h"

namespace bertjit {

using torch::jit::SourceRange;

namespace {

using Arguments = CallArguments;

Object tensor_object(const at::Tensor& tensor) {
  return Object{c10::IValue(tensor)};
}

const std::map<std::string, c10::ScalarType>& dtypes() {
  static const std::map<std::string, c10::ScalarType> kTypes = {{"float32", c10::kFloat},
                                                                {"float", c10::kFloat},
                                                                {"float64", c10::kDouble},
                                                                {"double", c10::kDouble},
                                                                {"float16", c10::kHalf},
                                                                {"half", c10::kHalf},
                                                                {"bfloat16", c10::kBFloat16},
                                                                {"int8", c10::kChar},
                                                                {"uint8", c10::kByte},
                                                                {"int16", c10::kShort},
                                                                {"short", c10::kShort},
                                                                {"int32", c10::kInt},
                                                                {"int", c10::kInt},
                                                                {"int64", c10::kLong},
                                                                {"long", c10::kLong},
                                                                {"bool", c10::kBool},
                                                                {"complex64", c10::kComplexFloat},
                                                                {"complex128", c10::kComplexDouble},
                                                                {"qint8", c10::kQInt8},
                                                                {"quint8", c10::kQUInt8}};
  return kTypes;
}

// The numbers of a nested list, in order, with the shape they make and the dtype that Python would take.
struct Collected {
  std::vector<int64_t> shape;
  std::vector<double> floats;
  std::vector<int64_t> integers;
  std::vector<at::Tensor> tensors;
  bool any_float = false;
  bool all_bool = true;
};

const std::vector<Object>* items_of(const Object& object) {
  if (const auto list = object.as<ListObject>()) {
    return &list->items;
  }
  const auto tuple = object.as<TupleObject>();
  return tuple ? &tuple->items : nullptr;
}

void collect(const Object& object, size_t depth, Collected& into, const SourceRange& where) {
  if (const auto* items = items_of(object)) {
    const auto size = static_cast<int64_t>(items->size());
    if (depth == into.shape.size()) {
      into.shape.push_back(size);
    } else if (into.shape[depth] != size) {
      refuse(where, "ValueError: expected sequence of length " + std::to_string(into.shape[depth]) + " at dim " +
                        std::to_string(depth) + " (got " + std::to_string(size) + ")");
    }
    for (const auto& item : *items) {
      collect(item, depth + 1, into, where);
    }
    return;
  }
  Object scalar = object;
  if (const auto* tensor = tensor_of(object)) {
    scalar = Object{c10::IValue(tensor->item())};
  }
  const auto value = number_of(scalar);
  if (!value || depth != into.shape.size()) {
    refuse(where, "TypeError: a tensor cannot be made of " + python_type_name(object) + " here");
  }
  const auto& data = *scalar.get<c10::IValue>();
  into.any_float = into.any_float || data.isDouble();
  into.all_bool = into.all_bool && data.isBool();
  into.floats.push_back(*value);
  into.integers.push_back(data.isDouble() ? 0 : *integer_of(scalar));
}

at::Tensor tensor_from(const Object& data, std::optional<c10::ScalarType> dtype, const SourceRange& where) {
  if (const auto* tensor = tensor_of(data)) {
    const at::Tensor copy = tensor->detach().clone();
    return dtype ? copy.to(*dtype) : copy;
  }
  Collected collected;
  collect(data, 0, collected, where);
  const bool floating = collected.any_float || collected.floats.empty();
  const auto found = floating             ? c10::typeMetaToScalarType(at::get_default_dtype())
                     : collected.all_bool ? c10::kBool
                                          : c10::kLong;
  const auto wide = floating ? at::tensor(collected.floats, at::kDouble) : at::tensor(collected.integers, at::kLong);
  // A copy, since what reshape gives counts as a view.
  return wide.to(dtype.value_or(found)).reshape(collected.shape).clone();
}

Object make_tensor(const Arguments& arguments, const SourceRange& where) {
  const auto dtype = argument(arguments, 99, "dtype");
  const auto wanted = dtype && dtype->get<c10::ScalarType>() != nullptr
                          ? std::make_optional(*dtype->get<c10::ScalarType>())
                          : std::nullopt;
  at::Tensor tensor = tensor_from(required(arguments, 0, "data", "tensor", where), wanted, where);
  const auto requires_grad = argument(arguments, 99, "requires_grad");
  tensor.requires_grad_(requires_grad && is_true(*requires_grad, where));
  return tensor_object(tensor);
}

Object typed_tensor(const std::string& name, c10::ScalarType dtype) {
  return builtin_object("torch." + name, [name, dtype](const Arguments& arguments, const SourceRange& where) {
    const bool sizes = arguments.positional.size() != 1 || integer_of(arguments.positional[0]);
    if (sizes && !arguments.positional.empty()) {
      refuse(where, "torch." + name + "(sizes) holds whatever was in memory: use torch.zeros or torch.empty");
    }
    return tensor_object(arguments.positional.empty() ? at::empty({0}, dtype)
                                                      : tensor_from(arguments.positional[0], dtype, where));
  });
}

Object parameter(const Arguments& arguments, const SourceRange& where) {
  const auto data = argument(arguments, 0, "data");
  const auto requires_grad = argument(arguments, 1, "requires_grad");
  if (data && tensor_of(*data) == nullptr) {
    refuse(where, "TypeError: torch.nn.Parameter takes a Tensor, not " + python_type_name(*data));
  }
  const at::Tensor tensor = data ? tensor_of(*data)->detach() : at::empty({0});
  const bool wanted = !requires_grad || is_true(*requires_grad, where);
  if (wanted && !at::isFloatingType(tensor.scalar_type()) && !at::isComplexType(tensor.scalar_type())) {
    refuse(where, "RuntimeError: Only Tensors of floating point and complex dtype can require gradients");
  }
  tensor.requires_grad_(wanted);
  Object result = tensor_object(tensor);
  result.is_parameter = true;
  return result;
}

Object seed(const Arguments& arguments, const SourceRange& where) {
  const auto value = integer_of(required(arguments, 0, "seed", "manual_seed", where));
  if (!value) {
    refuse(where, "TypeError: manual_seed(): the seed must be an int");
  }
  at::Generator(at::detail::getDefaultCPUGenerator()).set_current_seed(static_cast<uint64_t>(*value));
  return none_object();
}

Object device(const Arguments& arguments, const SourceRange& where) {
  const Object type = required(arguments, 0, "type", "device", where);
  const auto* value = type.get<c10::IValue>();
  if (value != nullptr && value->isDevice()) {
    return type;
  }
  const auto index = argument(arguments, 1, "index");
  return Object{c10::IValue(c10::Device(text_of(type) + (index ? ":" + text_of(*index) : "")))};
}

// A copy of everything below an object. Objects that are met twice stay one.
using Memo = std::map<const void*, Object>;
Object deep_copy(const Object& object, Memo& memo);

template <typename T>
std::optional<Object> remembered(const Memo& memo, const std::shared_ptr<T>& pointer) {
  const auto found = memo.find(pointer.get());
  return found == memo.end() ? std::nullopt : std::make_optional(found->second);
}

Object copy_instance(const std::shared_ptr<InstanceObject>& instance, Memo& memo) {
  if (const auto known = remembered(memo, instance)) {
    return *known;
  }
  const auto copy = std::make_shared<InstanceObject>(*instance);
  memo[instance.get()] = Object{copy};
  for (auto& attribute : copy->attributes) {
    attribute.value = deep_copy(attribute.value, memo);
  }
  return Object{copy};
}

Object deep_copy(const Object& object, Memo& memo) {
  if (const auto instance = object.as<InstanceObject>()) {
    return copy_instance(instance, memo);
  }
  if (const auto* tensor = tensor_of(object)) {
    auto& known = memo[tensor->unsafeGetTensorImpl()];
    if (tensor_of(known) == nullptr) {
      known = tensor_object(tensor->detach().clone().requires_grad_(tensor->requires_grad()));
      known.is_parameter = object.is_parameter;
    }
    return known;
  }
  if (const auto* items = items_of(object)) {
    std::vector<Object> copies;
    for (const auto& item : *items) {
      copies.push_back(deep_copy(item, memo));
    }
    return object.as<ListObject>() ? list_object(std::move(copies)) : tuple_object(std::move(copies));
  }
  if (const auto dict = object.as<DictObject>()) {
    auto copy = std::make_shared<DictObject>();
    for (const auto& [key, value] : dict->items) {
      copy->items.emplace_back(deep_copy(key, memo), deep_copy(value, memo));
    }
    return Object{copy};
  }
  return object;
}

// torch.no_grad() and torch.enable_grad(): the object remembers what it sets by its name.
Object context(const std::string& name) {
  return builtin_object("torch." + name, [name](const Arguments& arguments, const SourceRange& where) {
    const auto mode = argument(arguments, 0, "mode");
    const bool on = !mode || is_true(*mode, where);
    const std::string state = name == "set_grad_enabled" ? (on ? "enable_grad" : "no_grad") : name;
    return builtin_object("with torch." + (state == "inference_mode" && !on ? "enable_grad" : state),
                          [](const Arguments&, const SourceRange& range) -> Object {
                            refuse(range,
                                   "a context manager cannot be called: use it in a with statement or as decorator");
                          });
  });
}

std::optional<Object> constant(const std::string& name) {
  static const std::map<std::string, double> kNumbers = {{"pi", std::numbers::pi},
                                                         {"e", std::numbers::e},
                                                         {"inf", std::numeric_limits<double>::infinity()},
                                                         {"nan", std::numeric_limits<double>::quiet_NaN()}};
  static const std::map<std::string, c10::MemoryFormat> kFormats = {
      {"contiguous_format", c10::MemoryFormat::Contiguous},
      {"preserve_format", c10::MemoryFormat::Preserve},
      {"channels_last", c10::MemoryFormat::ChannelsLast}};
  if (const auto found = dtypes().find(name); found != dtypes().end()) {
    return Object{found->second};
  }
  if (const auto found = kNumbers.find(name); found != kNumbers.end()) {
    return Object{c10::IValue(found->second)};
  }
  if (const auto found = kFormats.find(name); found != kFormats.end()) {
    return Object{c10::IValue(static_cast<int64_t>(found->second))};
  }
  if (name == "strided") {
    return Object{c10::IValue(static_cast<int64_t>(c10::kStrided))};
  }
  return name == "newaxis" ? std::make_optional(none_object()) : std::nullopt;
}

Object size_tuple(at::IntArrayRef sizes) {
  std::vector<Object> items;
  for (const int64_t size : sizes) {
    items.push_back(Object{c10::IValue(size)});
  }
  return tuple_object(std::move(items));
}

Object nested_list(const at::Tensor& tensor) {
  if (tensor.dim() == 0) {
    const auto scalar = tensor.item();
    return Object{scalar.isBoolean() ? c10::IValue(scalar.toBool()) : c10::IValue(scalar)};
  }
  std::vector<Object> items;
  for (const auto& row : tensor.unbind()) {
    items.push_back(nested_list(row));
  }
  return list_object(std::move(items));
}

std::optional<Object> tensor_property(const at::Tensor& tensor, const std::string& name) {
  if (name == "shape") {
    return size_tuple(tensor.sizes());
  }
  if (name == "dtype") {
    return Object{tensor.scalar_type()};
  }
  if (name == "device") {
    return Object{c10::IValue(tensor.device())};
  }
  if (name == "data") {
    return tensor_object(tensor.variable_data());
  }
  if (name == "requires_grad") {
    return Object{c10::IValue(tensor.requires_grad())};
  }
  if (name == "grad") {
    return tensor.grad().defined() ? tensor_object(tensor.grad()) : none_object();
  }
  if (name == "ndim") {
    return Object{c10::IValue(tensor.dim())};
  }
  if (name == "T") {
    return tensor_object(tensor.numpy_T());
  }
  if (name == "mT") {
    return tensor_object(tensor.mT());
  }
  if (name == "is_leaf") {
    return Object{c10::IValue(tensor.is_leaf())};
  }
  if (name == "is_cuda") {
    return Object{c10::IValue(tensor.is_cuda())};
  }
  return std::nullopt;
}

std::optional<Object> tensor_method(const at::Tensor& tensor, const std::string& name) {
  const std::string full = "Tensor." + name;
  static const std::map<std::string, c10::ScalarType> kCasts = {
      {"float", c10::kFloat}, {"double", c10::kDouble}, {"half", c10::kHalf},   {"bfloat16", c10::kBFloat16},
      {"int", c10::kInt},     {"long", c10::kLong},     {"short", c10::kShort}, {"char", c10::kChar},
      {"byte", c10::kByte},   {"bool", c10::kBool}};
  if (const auto cast = kCasts.find(name); cast != kCasts.end()) {
    return builtin_object(full, [tensor, to = cast->second](const Arguments&, const SourceRange&) {
      return tensor_object(tensor.to(to));
    });
  }
  if (name == "cpu") {
    return builtin_object(full, [tensor](const Arguments&, const SourceRange&) { return tensor_object(tensor); });
  }
  if (name == "cuda" || name == "numpy") {
    return builtin_object(full, [name](const Arguments&, const SourceRange& where) -> Object {
      refuse(where, name == "cuda" ? "bertjit runs on the CPU: leave .cuda() out" : "numpy is outside the subset");
    });
  }
  if (name == "item" || name == "tolist") {
    return builtin_object(full, [tensor, name](const Arguments&, const SourceRange&) {
      return nested_list(name == "item" ? tensor.squeeze() : tensor);
    });
  }
  if (name == "size" || name == "numel" || name == "dim") {
    return builtin_object(full, [tensor, name](const Arguments& arguments, const SourceRange&) {
      const auto dim = argument(arguments, 0, "dim");
      if (name == "size" && !dim) {
        return size_tuple(tensor.sizes());
      }
      return Object{c10::IValue(name == "numel" ? tensor.numel()
                                : name == "dim" ? tensor.dim()
                                                : tensor.size(integer_of(*dim).value_or(0)))};
    });
  }
  if (name == "requires_grad_") {
    return builtin_object(full, [tensor](const Arguments& arguments, const SourceRange& where) {
      const auto wanted = argument(arguments, 0, "requires_grad");
      return tensor_object(tensor.requires_grad_(!wanted || is_true(*wanted, where)));
    });
  }
  return std::nullopt;
}

}  // namespace

std::optional<Object> torch_member(const std::string& name) {
  static const std::map<std::string, c10::ScalarType> kTensorTypes = {
      {"Tensor", c10::kFloat},    {"FloatTensor", c10::kFloat}, {"DoubleTensor", c10::kDouble},
      {"LongTensor", c10::kLong}, {"IntTensor", c10::kInt},     {"BoolTensor", c10::kBool},
      {"ByteTensor", c10::kByte}};
  static const std::map<std::string, Object (*)(const Arguments&, const SourceRange&)> kFunctions = {
      {"tensor", make_tensor}, {"as_tensor", make_tensor}, {"manual_seed", seed}, {"device", device}};
  if (auto found = constant(name)) {
    return found;
  }
  if (const auto found = kTensorTypes.find(name); found != kTensorTypes.end()) {
    return typed_tensor(name, found->second);
  }
  if (const auto found = kFunctions.find(name); found != kFunctions.end()) {
    return builtin_object("torch." + name, found->second);
  }
  if (name == "nn.Parameter") {
    return builtin_object("torch.nn.Parameter", parameter);
  }
  if (name == "no_grad" || name == "enable_grad" || name == "inference_mode" || name == "set_grad_enabled") {
    return context(name);
  }
  if (name == "copy.deepcopy") {
    return builtin_object(name, [](const Arguments& arguments, const SourceRange& where) {
      Memo memo;
      return deep_copy(required(arguments, 0, "x", "deepcopy", where), memo);
    });
  }
  if (name == "is_tensor") {
    return builtin_object("torch.is_tensor", [](const Arguments& arguments, const SourceRange& where) {
      return Object{c10::IValue(tensor_of(required(arguments, 0, "obj", "is_tensor", where)) != nullptr)};
    });
  }
  if (name == "is_grad_enabled") {
    return builtin_object("torch.is_grad_enabled", [](const Arguments&, const SourceRange&) {
      return Object{c10::IValue(c10::GradMode::is_enabled())};
    });
  }
  if (name == "get_default_dtype") {
    return builtin_object("torch.get_default_dtype", [](const Arguments&, const SourceRange&) {
      return Object{c10::typeMetaToScalarType(at::get_default_dtype())};
    });
  }
  if (name == "Size") {
    return builtin_object("torch.Size", [](const Arguments& arguments, const SourceRange& where) {
      return tuple_object(iterate(required(arguments, 0, "sizes", "Size", where), where));
    });
  }
  if (name == "dtype" || name == "Generator" || name == "load" || name == "save" || name == "compile" ||
      name == "set_default_dtype" || name == "set_default_device") {
    return builtin_object("torch." + name, [name](const Arguments&, const SourceRange& where) -> Object {
      refuse(where, "torch." + name + " is outside the subset");
    });
  }
  return std::nullopt;
}

std::optional<Object> tensor_attribute(const Object& object, const std::string& name, const SourceRange&) {
  const at::Tensor tensor = *tensor_of(object);
  if (auto property = tensor_property(tensor, name)) {
    return property;
  }
  if (auto method = tensor_method(tensor, name)) {
    return method;
  }
  if (!has_operator(name)) {
    return std::nullopt;
  }
  return builtin_object("Tensor." + name, [object, name](const Arguments& arguments, const SourceRange& where) {
    return call_operator(name, object, arguments, where);
  });
}

void set_tensor_attribute(const Object& object, const std::string& name, const Object& value,
                          const SourceRange& where) {
  const at::Tensor tensor = *tensor_of(object);
  if (name == "requires_grad") {
    tensor.set_requires_grad(is_true(value, where));
  } else if (name == "data" && tensor_of(value) != nullptr) {
    tensor.set_data(*tensor_of(value));
  } else if (name == "grad" && is_none(value)) {
    tensor.mutable_grad() = at::Tensor();
  } else {
    refuse(where, "AttributeError: attribute '" + name + "' of a tensor cannot be set here");
  }
}

bool is_context(const Object& object) {
  const auto builtin = object.as<BuiltinObject>();
  return builtin && builtin->name.compare(0, 5, "with ") == 0;
}

std::shared_ptr<void> enter_context(const Object& object, const SourceRange& where) {
  const auto builtin = object.as<BuiltinObject>();
  const std::string name = builtin ? builtin->name : "";
  if (name == "with torch.no_grad" || name == "with torch.enable_grad") {
    return std::make_shared<c10::AutoGradMode>(name == "with torch.enable_grad");
  }
  if (name == "with torch.inference_mode") {
    return std::make_shared<c10::InferenceMode>(true);
  }
  refuse(where,
         "only torch.no_grad(), torch.enable_grad(), torch.set_grad_enabled() and torch.inference_mode() can be "
         "used in a with statement");
}

}  // namespace bertjit
