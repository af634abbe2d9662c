#include "infer/input_spec.h"

#include <array>
#include <charconv>
#include <functional>
#include <optional>

#include <ATen/CPUGeneratorImpl.h>
#include <nlohmann/json.hpp>

#include "support/error.h"

namespace bertjit {

namespace {

// A typed shape should not be able to ask for all memory: 2^31 elements are 16 GiB of int64.
constexpr int64_t kMaxElements = int64_t{1} << 31;

constexpr std::array<std::pair<const char*, at::ScalarType>, 10> kDTypes = {{{"bool", at::kBool},
                                                                             {"uint8", at::kByte},
                                                                             {"int8", at::kChar},
                                                                             {"int16", at::kShort},
                                                                             {"int32", at::kInt},
                                                                             {"int64", at::kLong},
                                                                             {"float16", at::kHalf},
                                                                             {"bfloat16", at::kBFloat16},
                                                                             {"float32", at::kFloat},
                                                                             {"float64", at::kDouble}}};

[[noreturn]] void refuse(const std::string& what, const std::string& why) {
  throw Error(ErrorKind::kInvalidArgument, "input '" + what + "': " + why);
}

std::optional<at::ScalarType> find_dtype(const std::string& name) {
  for (const auto& [known, type] : kDTypes) {
    if (name == known) {
      return type;
    }
  }
  return std::nullopt;
}

std::optional<int64_t> parse_int(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(value)
                                                                                   : std::nullopt;
}

void collect(const nlohmann::json& node, size_t depth, std::vector<int64_t>& shape, std::vector<double>& values,
             bool& integers, const std::string& name) {
  if (!node.is_array()) {
    if (depth != shape.size() || !(node.is_number() || node.is_boolean())) {
      refuse(name, depth != shape.size() ? "its lists are not all of one length" : "holds something that is no number");
    }
    integers = integers && !node.is_number_float();
    values.push_back(node.is_boolean() ? static_cast<double>(node.get<bool>()) : node.get<double>());
    return;
  }
  if (depth >= shape.size() || static_cast<int64_t>(node.size()) != shape[depth]) {
    refuse(name, "its lists are not all of one length");
  }
  for (const auto& item : node) {
    collect(item, depth + 1, shape, values, integers, name);
  }
}

at::Tensor made(const std::string& kind, const std::vector<int64_t>& shape, uint64_t seed, const std::string& text) {
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  if (kind == "rand") {
    return at::rand(shape, generator);
  }
  if (kind == "randn") {
    return at::randn(shape, generator);
  }
  if (kind == "ones" || kind == "zeros") {
    return at::full(shape, kind == "ones" ? 1 : 0, at::kLong);
  }
  if (kind.starts_with("randint(") && kind.ends_with(")")) {
    const std::string range = kind.substr(8, kind.size() - 9);
    const size_t comma = range.find(',');
    const auto low = parse_int(range.substr(0, comma));
    const auto high = comma == std::string::npos ? std::nullopt : parse_int(range.substr(comma + 1));
    if (!low || !high || *low >= *high) {
      refuse(text, "expected randint(LOW,HIGH) with LOW below HIGH");
    }
    return at::randint(*low, *high, shape, generator, at::kLong);
  }
  refuse(text, "'" + kind + "' is not known (known: rand, randn, ones, zeros, randint(LOW,HIGH), or a JSON list)");
}

}  // namespace

at::Tensor tensor_from_json(const std::string& json, const std::string& name) {
  const nlohmann::json root = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) {
    refuse(name, "is not valid JSON");
  }
  std::vector<int64_t> shape;
  for (const auto* node = &root; node->is_array(); node = &node->front()) {
    shape.push_back(static_cast<int64_t>(node->size()));
    if (node->empty() || shape.size() > 16) {
      refuse(name, node->empty() ? "holds an empty list" : "is nested more than 16 deep");
    }
  }
  std::vector<double> values;
  bool integers = true;
  collect(root, 0, shape, values, integers, name);
  // Doubles hold every integer below 2^53, far beyond any id.
  return at::tensor(values, at::kDouble).reshape(shape).to(integers ? at::kLong : at::kFloat);
}

std::vector<int64_t> parse_shape(const std::string& text) {
  std::vector<int64_t> shape;
  int64_t elements = 1;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('x', begin), text.size());
    const auto size = parse_int(std::string_view(text).substr(begin, end - begin));
    if (!size || *size < 1 || *size > kMaxElements || (elements *= *size) > kMaxElements) {
      refuse(text, "expected a shape such as 8x128");
    }
    shape.push_back(*size);
    begin = end + 1;
  }
  return shape;
}

NamedTensor parse_input_spec(const std::string& text, uint64_t seed) {
  const size_t equals = text.find('=');
  const bool named = equals != std::string::npos && text.find_first_of("[:(") > equals;
  const std::string name = named ? text.substr(0, equals) : "";
  std::string spec = named ? text.substr(equals + 1) : text;
  std::optional<at::ScalarType> dtype;
  if (const size_t colon = spec.rfind(':'); colon != std::string::npos) {
    dtype = find_dtype(spec.substr(colon + 1));
    if (dtype) {
      spec.resize(colon);
    }
  }
  at::Tensor tensor;
  const size_t colon = spec.find(':');
  if (spec.starts_with("[") || parse_int(spec)) {
    tensor = tensor_from_json(spec, text);
  } else if (colon != std::string::npos) {
    tensor = made(spec.substr(0, colon), parse_shape(spec.substr(colon + 1)), seed, text);
  } else {
    refuse(text, "expected a JSON list or KIND:SHAPE, e.g. [[101, 102]] or ones:1x7");
  }
  return {name, dtype ? tensor.to(*dtype) : tensor};
}

}  // namespace bertjit
