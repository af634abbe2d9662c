#include "diff/elements.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

namespace bertjit {

namespace {

constexpr std::pair<std::string_view, ElementForm> kKinds[] = {
    {"bool", ElementForm::kBool},       {"uint8", ElementForm::kUInt8},       {"int8", ElementForm::kInt8},
    {"uint16", ElementForm::kUInt16},   {"int16", ElementForm::kInt16},       {"uint32", ElementForm::kUInt32},
    {"int32", ElementForm::kInt32},     {"uint64", ElementForm::kUInt64},     {"int64", ElementForm::kInt64},
    {"float16", ElementForm::kFloat16}, {"bfloat16", ElementForm::kBFloat16}, {"float32", ElementForm::kFloat32},
    {"float64", ElementForm::kFloat64}, {"quint8", ElementForm::kUInt8},      {"qint8", ElementForm::kInt8},
    {"qint32", ElementForm::kInt32},
};

/// IEEE 754 binary16.
double float16_value(uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1f;
  const int fraction = bits & 0x3ff;
  double magnitude = 0;
  if (exponent == 0x1f) {
    magnitude = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, -24);
  } else {
    magnitude = std::ldexp(fraction + 0x400, exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

float bfloat16_value(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

/// `convert` makes a double of each stored T.
template <typename T, typename Convert>
void read_all(const std::byte* from, std::span<double> out, const Convert& convert) {
  for (size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, from + i * sizeof value, sizeof value);
    out[i] = convert(value);
  }
}

template <typename T>
void read_numbers(const std::byte* from, std::span<double> out) {
  read_all<T>(from, out, [](T value) { return static_cast<double>(value); });
}

void read_kind(ElementForm kind, const std::byte* from, std::span<double> out) {
  switch (kind) {
    case ElementForm::kBool:
      return read_all<uint8_t>(from, out, [](uint8_t value) { return value != 0 ? 1. : 0.; });
    case ElementForm::kUInt8:
      return read_numbers<uint8_t>(from, out);
    case ElementForm::kInt8:
      return read_numbers<int8_t>(from, out);
    case ElementForm::kUInt16:
      return read_numbers<uint16_t>(from, out);
    case ElementForm::kInt16:
      return read_numbers<int16_t>(from, out);
    case ElementForm::kUInt32:
      return read_numbers<uint32_t>(from, out);
    case ElementForm::kInt32:
      return read_numbers<int32_t>(from, out);
    case ElementForm::kUInt64:
      return read_numbers<uint64_t>(from, out);
    case ElementForm::kInt64:
      return read_numbers<int64_t>(from, out);
    case ElementForm::kFloat16:
      return read_all<uint16_t>(from, out, float16_value);
    case ElementForm::kBFloat16:
      return read_all<uint16_t>(from, out, [](uint16_t bits) { return static_cast<double>(bfloat16_value(bits)); });
    case ElementForm::kFloat32:
      return read_numbers<float>(from, out);
    case ElementForm::kFloat64:
      return read_numbers<double>(from, out);
    case ElementForm::kOpaque:
      break;
  }
}

}  // namespace

ElementForm element_kind(const std::string& dtype) {
  for (const auto& [name, kind] : kKinds) {
    if (name == dtype) {
      return kind;
    }
  }
  return ElementForm::kOpaque;
}

bool is_floating(ElementForm kind) {
  return kind == ElementForm::kFloat16 || kind == ElementForm::kBFloat16 || kind == ElementForm::kFloat32 ||
         kind == ElementForm::kFloat64;
}

void ElementReader::read(std::span<const std::byte> bytes, int64_t first, std::span<double> out) const {
  read_kind(kind, bytes.data() + static_cast<size_t>(first) * size, out);
  if (quantization == nullptr) {
    return;
  }
  const auto channels = static_cast<int64_t>(quantization->scales.size());
  for (size_t i = 0; i < out.size(); ++i) {
    const auto channel = static_cast<size_t>((first + static_cast<int64_t>(i)) / channel_stride % channels);
    out[i] = (out[i] - quantization->zero_points[channel]) * quantization->scales[channel];
  }
}

ElementReader make_element_reader(const std::string& dtype, size_t element_size, const std::vector<int64_t>& shape,
                                  const ScriptQuantization* quantization) {
  ElementReader reader{element_kind(dtype), element_size};
  if (quantization == nullptr || quantization->scales.empty() ||
      quantization->scales.size() != quantization->zero_points.size()) {
    return reader;
  }
  // With float parameters a channel is q * scale + zero_point, which the formula here does not say.
  if (quantization->scheme.ends_with("float_qparams")) {
    return reader;
  }
  reader.quantization = quantization;
  for (auto i = static_cast<size_t>(quantization->axis) + 1; i < shape.size(); ++i) {
    reader.channel_stride *= std::max<int64_t>(shape[i], 1);
  }
  return reader;
}

float round_to_float16(float value) {
  const float magnitude = std::fabs(value);
  if (!(magnitude < 65520.f)) {  // NaN stays; from here on the nearest is infinity
    return std::isnan(value) ? value : std::copysign(std::numeric_limits<float>::infinity(), value);
  }
  // The spacing of float16 around the value: 2^-24 for the smallest, else 2^(exponent - 10).
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  const int spacing = std::max(exponent - 11, -24);
  return std::copysign(std::ldexp(std::nearbyint(std::ldexp(magnitude, -spacing)), spacing), value);
}

float round_to_bfloat16(float value) {
  if (std::isnan(value)) {
    return value;
  }
  const auto bits = std::bit_cast<uint32_t>(value);
  return std::bit_cast<float>((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u);
}

std::vector<int64_t> index_at(int64_t position, const std::vector<int64_t>& shape) {
  std::vector<int64_t> index(shape.size());
  for (size_t i = shape.size(); i-- > 0;) {
    index[i] = position % shape[i];
    position /= shape[i];
  }
  return index;
}

}  // namespace bertjit
