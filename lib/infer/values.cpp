#include "infer/values.h"

#include <charconv>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include <ATen/core/function_schema.h>
#include <c10/util/Exception.h>

namespace bertjit {

namespace {

// --- Python's text ---

/// repr(value): the shortest digits that mean it, with an exponent below 1e-4 and from 1e16 on.
std::string float_text(double value) {
  if (!std::isfinite(value)) {
    return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  }
  char buffer[64];
  const auto text = [&](std::chars_format format) {
    return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, value, format).ptr);
  };
  const std::string scientific = text(std::chars_format::scientific);
  const int exponent = std::stoi(scientific.substr(scientific.find('e') + 1));
  if (exponent < -4 || exponent >= 16) {
    return scientific;
  }
  const std::string fixed = text(std::chars_format::fixed);
  return fixed.find('.') == std::string::npos ? fixed + ".0" : fixed;
}

std::string complex_text(c10::complex<double> value) {
  const auto part = [](double number) {
    const std::string text = float_text(number);
    return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
  };
  if (value.real() == 0 && !std::signbit(value.real())) {
    return part(value.imag()) + "j";
  }
  const std::string imaginary = part(value.imag());
  std::string text = "(";
  return text.append(part(value.real())).append(imaginary.starts_with("-") ? "" : "+").append(imaginary).append("j)");
}

/// repr(text). Bytes beyond ASCII are taken for the letters of UTF-8.
std::string string_text(const std::string& text) {
  const bool has_single = text.find('\'') != std::string::npos;
  const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
  std::string result(1, quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n' || c == '\t' || c == '\r') {
      result += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else if (byte < 0x20 || byte == 0x7f) {
      constexpr const char* kDigits = "0123456789abcdef";
      result += "\\x";
      result += kDigits[byte >> 4];
      result += kDigits[byte & 15];
    } else {
      result += c;
    }
  }
  return result + quote;
}

// --- Fitting a value to a type ---

using Fitted = std::optional<c10::IValue>;

/// The number in a tensor without dimensions, as the kind of number that its dtype is.
c10::IValue number_of(const c10::IValue& value) {
  if (!value.isTensor() || value.toTensor().dim() != 0 || value.toTensor().is_complex()) {
    return value;
  }
  const at::Tensor tensor = value.toTensor();
  if (tensor.scalar_type() == at::kBool) {
    return tensor.item<bool>();
  }
  if (tensor.is_floating_point()) {
    return tensor.item<double>();
  }
  return tensor.item<int64_t>();
}

Fitted conform_number(const c10::IValue& value, c10::TypeKind kind) {
  const c10::IValue number = number_of(value);
  const bool fits = kind == c10::TypeKind::IntType     ? number.isInt()
                    : kind == c10::TypeKind::FloatType ? number.isDouble() || number.isInt()
                    : kind == c10::TypeKind::BoolType  ? number.isBool()
                                                      : number.isDouble() || number.isInt() || number.isComplexDouble();
  if (!fits) {
    return std::nullopt;
  }
  if (kind == c10::TypeKind::FloatType && number.isInt()) {
    return static_cast<double>(number.toInt());
  }
  return number;
}

std::vector<c10::IValue> elements_of(const c10::IValue& value) {
  if (value.isTuple()) {
    return value.toTupleRef().elements().vec();
  }
  return value.toListRef().vec();
}

Fitted conform_list(const c10::IValue& value, const c10::TypePtr& element_type) {
  if (!value.isList() && !value.isTuple()) {
    return std::nullopt;
  }
  c10::impl::GenericList list(element_type);
  for (const auto& element : elements_of(value)) {
    const Fitted fitted = conform(element, element_type);
    if (!fitted) {
      return std::nullopt;
    }
    list.push_back(*fitted);
  }
  return c10::IValue(std::move(list));
}

/// The fields of a NamedTuple that a dict gives by their names.
std::optional<std::vector<c10::IValue>> fields_of(const c10::IValue& value, const c10::TupleType& type) {
  const auto dict = value.toGenericDict();
  if (!type.schema() || dict.size() != type.elements().size()) {
    return std::nullopt;
  }
  std::vector<c10::IValue> fields;
  for (const auto& field : type.schema()->arguments()) {
    const auto it = dict.find(field.name());
    if (it == dict.end()) {
      return std::nullopt;
    }
    fields.push_back(it->value());
  }
  return fields;
}

Fitted conform_tuple(const c10::IValue& value, const c10::TypePtr& type) {
  const auto tuple_type = type->expect<c10::TupleType>();
  std::vector<c10::IValue> elements;
  if (value.isGenericDict()) {
    auto fields = fields_of(value, *tuple_type);
    if (!fields) {
      return std::nullopt;
    }
    elements = std::move(*fields);
  } else if (value.isList() || value.isTuple()) {
    elements = elements_of(value);
  } else {
    return std::nullopt;
  }
  if (elements.size() != tuple_type->elements().size()) {
    return std::nullopt;
  }
  for (size_t i = 0; i < elements.size(); ++i) {
    const Fitted fitted = conform(elements[i], tuple_type->elements()[i]);
    if (!fitted) {
      return std::nullopt;
    }
    elements[i] = *fitted;
  }
  return tuple_type->schema() ? c10::ivalue::Tuple::createNamed(std::move(elements), tuple_type)
                              : c10::ivalue::Tuple::create(std::move(elements));
}

Fitted conform_dict(const c10::IValue& value, const c10::DictType& type) {
  if (!value.isGenericDict()) {
    return std::nullopt;
  }
  c10::impl::GenericDict dict(type.getKeyType(), type.getValueType());
  for (const auto& item : value.toGenericDict()) {
    const Fitted key = conform(item.key(), type.getKeyType());
    const Fitted element = conform(item.value(), type.getValueType());
    if (!key || !element) {
      return std::nullopt;
    }
    dict.insert(*key, *element);
  }
  return c10::IValue(std::move(dict));
}

Fitted conform_union(const c10::IValue& value, const c10::UnionType& type) {
  for (const auto& member : type.containedTypes()) {
    if (value.type()->isSubtypeOf(*member)) {
      return value;
    }
  }
  for (const auto& member : type.containedTypes()) {
    if (Fitted fitted = conform(value, member)) {
      return fitted;
    }
  }
  return std::nullopt;
}

Fitted conform_device(const c10::IValue& value) {
  if (value.isDevice() || !value.isString()) {
    return value.isDevice() ? Fitted(value) : std::nullopt;
  }
  try {
    return c10::IValue(c10::Device(value.toStringRef()));
  } catch (const c10::Error&) {
    return std::nullopt;
  }
}

// --- Copies ---

using Copies = std::map<const void*, at::Tensor>;

at::Tensor copy_tensor(const at::Tensor& tensor, Copies& copies) {
  if (!tensor.defined()) {
    return tensor;
  }
  at::Tensor& copy = copies[tensor.unsafeGetTensorImpl()];
  if (!copy.defined()) {
    copy = tensor.detach().clone();
    copy.set_requires_grad(tensor.requires_grad());
  }
  return copy;
}

c10::IValue copy_nested(const c10::IValue& value, Copies& copies) {
  if (value.isTensor()) {
    return copy_tensor(value.toTensor(), copies);
  }
  if (value.isTuple()) {
    std::vector<c10::IValue> elements;
    for (const auto& element : value.toTupleRef().elements()) {
      elements.push_back(copy_nested(element, copies));
    }
    const auto type = value.toTupleRef().type();
    return type->schema() ? c10::ivalue::Tuple::createNamed(std::move(elements), type)
                          : c10::ivalue::Tuple::create(std::move(elements));
  }
  if (value.isList()) {
    c10::impl::GenericList list(value.toList().elementType());
    for (const auto& element : value.toListRef()) {
      list.push_back(copy_nested(element, copies));
    }
    return c10::IValue(std::move(list));
  }
  if (value.isGenericDict()) {
    const auto source = value.toGenericDict();
    c10::impl::GenericDict dict(source.keyType(), source.valueType());
    for (const auto& item : source) {
      dict.insert(item.key(), copy_nested(item.value(), copies));
    }
    return c10::IValue(std::move(dict));
  }
  return value;
}

// --- Leaves ---

void collect_leaves(const c10::IValue& value, const std::string& name, std::vector<InputLeaf>& leaves) {
  if (value.isTuple() && !value.toTupleRef().elements().empty()) {
    const auto type = value.toTupleRef().type();
    const auto& elements = value.toTupleRef().elements();
    for (size_t i = 0; i < elements.size(); ++i) {
      const std::string step = type->schema() ? type->schema()->arguments().at(i).name() : std::to_string(i);
      collect_leaves(elements[i], name + "." + step, leaves);
    }
  } else if (value.isList() && !value.toListRef().empty()) {
    const auto elements = value.toListRef();
    for (size_t i = 0; i < elements.size(); ++i) {
      collect_leaves(elements[i], name + "." + std::to_string(i), leaves);
    }
  } else if (value.isGenericDict() && !value.toGenericDict().empty()) {
    for (const auto& item : value.toGenericDict()) {
      const std::string step = item.key().isString() ? item.key().toStringRef() : python_text(item.key());
      collect_leaves(item.value(), name + "." + step, leaves);
    }
  } else {
    leaves.push_back({name, value});
  }
}

}  // namespace

std::vector<InputLeaf> leaves_of(const c10::IValue& value, const std::string& name) {
  std::vector<InputLeaf> leaves;
  collect_leaves(value, name, leaves);
  return leaves;
}

std::string type_text(const c10::IValue& value) {
  return value.type()->annotation_str();
}

std::string python_text(const c10::IValue& value) {
  if (value.isNone()) {
    return "None";
  }
  if (value.isBool()) {
    return value.toBool() ? "True" : "False";
  }
  if (value.isInt()) {
    return std::to_string(value.toInt());
  }
  if (value.isDouble()) {
    return float_text(value.toDouble());
  }
  if (value.isComplexDouble()) {
    return complex_text(value.toComplexDouble());
  }
  if (value.isString()) {
    return string_text(value.toStringRef());
  }
  if (value.isDevice()) {
    const c10::Device device = value.toDevice();
    std::string text = "device(type='";
    text += c10::DeviceTypeName(device.type(), /*lower_case=*/true) + "'";
    return text + (device.has_index() ? ", index=" + std::to_string(device.index()) : "") + ")";
  }
  return c10::str(value);
}

std::optional<c10::IValue> conform(const c10::IValue& value, const c10::TypePtr& type) {
  if (type == nullptr) {
    return value;
  }
  switch (type->kind()) {
    case c10::TypeKind::OptionalType:
      return value.isNone() ? Fitted(value) : conform(value, type->expectRef<c10::OptionalType>().getElementType());
    case c10::TypeKind::IntType:
    case c10::TypeKind::FloatType:
    case c10::TypeKind::BoolType:
    case c10::TypeKind::NumberType:
      return conform_number(value, type->kind());
    case c10::TypeKind::ListType:
      return conform_list(value, type->expectRef<c10::ListType>().getElementType());
    case c10::TypeKind::TupleType:
      return conform_tuple(value, type);
    case c10::TypeKind::DictType:
      return conform_dict(value, type->expectRef<c10::DictType>());
    case c10::TypeKind::UnionType:
      return conform_union(value, type->expectRef<c10::UnionType>());
    case c10::TypeKind::DeviceObjType:
      return conform_device(value);
    case c10::TypeKind::TensorType:
      return value.isTensor() ? Fitted(value) : std::nullopt;
    default:
      return value.type()->isSubtypeOf(*type) ? Fitted(value) : std::nullopt;
  }
}

c10::IValue copy_value(const c10::IValue& value) {
  Copies copies;
  return copy_nested(value, copies);
}

}  // namespace bertjit
