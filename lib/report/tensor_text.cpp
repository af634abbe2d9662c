#include "report/tensor_text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "support/error.h"

namespace bertjit {
namespace {

constexpr int64_t kThreshold = 1000;
constexpr int64_t kEdgeItems = 3;
constexpr size_t kLineWidth = 80;
constexpr char kPrefix[] = "tensor(";
constexpr size_t kIndent = sizeof(kPrefix) - 1;

bool is_floating(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBFloat16 || dtype == DType::kFloat32 || dtype == DType::kFloat64;
}

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

double widen_half(uint16_t bits) {
  const double sign = bits & 0x8000 ? -1 : 1;
  const int exponent = bits >> 10 & 0x1f;
  const int fraction = bits & 0x3ff;
  if (exponent == 0x1f) {
    return fraction ? NAN : sign * INFINITY;
  }
  return sign * (exponent ? std::ldexp(fraction + 0x400, exponent - 25) : std::ldexp(fraction, -24));
}

double widen_bfloat16(uint16_t bits) {
  const uint32_t wide = uint32_t{bits} << 16;
  return load<float>(reinterpret_cast<const std::byte*>(&wide));
}

double load_floating(DType dtype, const std::byte* from) {
  switch (dtype) {
    case DType::kFloat16:
      return widen_half(load<uint16_t>(from));
    case DType::kBFloat16:
      return widen_bfloat16(load<uint16_t>(from));
    case DType::kFloat32:
      return load<float>(from);
    default:
      return load<double>(from);
  }
}

std::string integer_text(DType dtype, const std::byte* from) {
  switch (dtype) {
    case DType::kBool:
      return load<uint8_t>(from) ? "True" : "False";
    case DType::kUInt8:
      return std::to_string(load<uint8_t>(from));
    case DType::kInt8:
      return std::to_string(load<int8_t>(from));
    case DType::kInt16:
      return std::to_string(load<int16_t>(from));
    case DType::kInt32:
      return std::to_string(load<int32_t>(from));
    default:
      return std::to_string(load<int64_t>(from));
  }
}

std::string format_number(const char* format, double value) {
  if (std::isnan(value)) {
    return "nan";  // printf would show the sign of a NaN; Python does not
  }
  char text[400];  // the longest is DBL_MAX as %.4f: 309 digits
  return {text, static_cast<size_t>(std::snprintf(text, sizeof text, format, value))};
}

int64_t element_count(const PrintedTensor& tensor) {
  int64_t count = 1;
  bool sound = true;
  for (const int64_t size : tensor.shape) {
    sound = sound && size >= 0 && !__builtin_mul_overflow(count, size, &count);
  }
  size_t expected_bytes = 0;
  sound = sound && !__builtin_mul_overflow(static_cast<size_t>(count), dtype_size(tensor.dtype), &expected_bytes);
  if (!sound || expected_bytes != tensor.bytes.size()) {
    throw Error(ErrorKind::kInvalidArgument, "tensor to print has " + std::to_string(tensor.bytes.size()) +
                                                 " bytes, which is not what its shape and dtype need");
  }
  return count;
}

/// Prints the elements of one tensor that has some.
class Printer {
 public:
  Printer(const PrintedTensor& tensor, int64_t count)
      : tensor_(tensor), summarize_(count > kThreshold), element_size_(dtype_size(tensor.dtype)) {
    strides_.resize(tensor.shape.size());
    int64_t stride = 1;
    for (size_t dim = strides_.size(); dim-- > 0; stride *= tensor.shape[dim]) {
      strides_[dim] = stride;
    }
    if (is_floating(tensor.dtype)) {
      choose_float_format();
    } else {
      for_each_visible(0, 0, [&](int64_t offset) { widen(integer_text(tensor_.dtype, at(offset)).size()); });
    }
  }

  std::string text() const {
    return tensor_.shape.empty() ? element_text(0) : slice_text(0, 0);
  }

 private:
  const std::byte* at(int64_t offset) const {
    return tensor_.bytes.data() + static_cast<size_t>(offset) * element_size_;
  }

  void widen(size_t width) {
    width_ = std::max(width_, width);
  }

  bool is_cut(size_t dim) const {
    return summarize_ && tensor_.shape[dim] > 2 * kEdgeItems;
  }

  /// Calls `visit` with each index of `dim` that is shown, and `gap` where "..." stands for the others.
  template <class Visit, class Gap>
  void for_each_index(size_t dim, Visit visit, Gap gap) const {
    const int64_t size = tensor_.shape[dim];
    const bool cut = is_cut(dim);
    for (int64_t i = 0; i < (cut ? kEdgeItems : size); ++i) {
      visit(i);
    }
    if (cut) {
      gap();
      for (int64_t i = size - kEdgeItems; i < size; ++i) {
        visit(i);
      }
    }
  }

  template <class Visit>
  void for_each_visible(size_t dim, int64_t offset, const Visit& visit) const {
    if (dim == tensor_.shape.size()) {
      visit(offset);
      return;
    }
    for_each_index(
        dim, [&](int64_t i) { for_each_visible(dim + 1, offset + i * strides_[dim], visit); }, [] {});
  }

  /// One format serves the whole tensor; torch chooses it from the finite values other than zero.
  void choose_float_format() {
    std::vector<double> values;
    for_each_visible(0, 0, [&](int64_t offset) {
      const double value = load_floating(tensor_.dtype, at(offset));
      if (std::isfinite(value) && value != 0) {
        values.push_back(value);
      }
    });
    if (values.empty()) {
      return;
    }
    double smallest = INFINITY;
    double largest = 0;
    for (const double value : values) {
      smallest = std::min(smallest, std::fabs(value));
      largest = std::max(largest, std::fabs(value));
      whole_ = whole_ && value == std::ceil(value);
    }
    scientific_ = largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4;
    for (const double value : values) {
      widen(float_text(value).size());
    }
  }

  std::string float_text(double value) const {
    if (scientific_) {
      return format_number("%.4e", value);
    }
    if (whole_) {
      return format_number("%.0f", value) + (std::isfinite(value) ? "." : "");
    }
    return format_number("%.4f", value);
  }

  std::string element_text(int64_t offset) const {
    const std::string text = is_floating(tensor_.dtype) ? float_text(load_floating(tensor_.dtype, at(offset)))
                                                        : integer_text(tensor_.dtype, at(offset));
    return std::string(width_ - std::min(width_, text.size()), ' ') + text;
  }

  std::string slice_text(size_t dim, int64_t offset) const {
    return dim + 1 == tensor_.shape.size() ? row_text(dim, offset) : block_text(dim, offset);
  }

  std::string block_text(size_t dim, int64_t offset) const {
    const size_t inner_dims = tensor_.shape.size() - dim - 1;
    const std::string separator = "," + std::string(inner_dims, '\n') + std::string(kIndent + dim + 1, ' ');
    std::string text = "[";
    const auto append = [&](const std::string& slice) { text += (text.size() > 1 ? separator : "") + slice; };
    for_each_index(
        dim, [&](int64_t i) { append(slice_text(dim + 1, offset + i * strides_[dim])); }, [&] { append("..."); });
    return text + "]";
  }

  std::string row_text(size_t dim, int64_t offset) const {
    const size_t indent = kIndent + dim;
    const size_t room = kLineWidth - std::min(indent, kLineWidth);
    const size_t items_per_line = std::max<size_t>(1, room / (width_ + 2));
    const std::string line_break = ",\n" + std::string(indent + 1, ' ');
    std::string text = "[";
    size_t items = 0;
    const auto append = [&](const std::string& item) {
      if (items > 0) {
        text += items % items_per_line == 0 ? line_break : ", ";
      }
      text += item;
      ++items;
    };
    for_each_index(
        dim, [&](int64_t i) { append(element_text(offset + i)); }, [&] { append(" ..."); });
    return text + "]";
  }

  const PrintedTensor& tensor_;
  bool summarize_;
  size_t element_size_;
  std::vector<int64_t> strides_;
  size_t width_ = 1;
  bool whole_ = true;
  bool scientific_ = false;
};

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "(";
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    text += (dim ? ", " : "") + std::to_string(shape[dim]);
  }
  return text + ")";
}

/// What follows the elements. Python can tell float32, and unless there are no elements int64 and bool, without a word.
std::vector<std::string> suffixes(const PrintedTensor& tensor, bool empty) {
  std::vector<std::string> result;
  if (empty && tensor.shape.size() != 1) {
    result.push_back("size=" + shape_text(tensor.shape));
  }
  const bool evident =
      tensor.dtype == DType::kFloat32 || (!empty && (tensor.dtype == DType::kInt64 || tensor.dtype == DType::kBool));
  if (!evident) {
    result.push_back(std::string("dtype=torch.") + dtype_name(tensor.dtype));
  }
  if (!tensor.grad_fn.empty()) {
    result.push_back("grad_fn=<" + tensor.grad_fn + ">");
  } else if (tensor.requires_grad) {
    result.push_back("requires_grad=True");
  }
  return result;
}

template <class Items, class ItemText>
std::string join(const Items& items, ItemText item_text) {
  std::string text;
  for (size_t i = 0; i < items.size(); ++i) {
    text += (i ? ", " : "") + item_text(items[i]);
  }
  return text;
}

struct ValueText {
  std::string operator()(const PrintedTensor& tensor) const {
    return tensor_text(tensor);
  }
  std::string operator()(const std::string& text) const {
    return text;
  }
  std::string operator()(const PrintedTuple& tuple) const {
    return "(" + join(tuple.items, value_text) + (tuple.items.size() == 1 ? ",)" : ")");
  }
  std::string operator()(const PrintedList& list) const {
    return "[" + join(list.items, value_text) + "]";
  }
  std::string operator()(const PrintedNamedTuple& tuple) const {
    return tuple.name + "(" +
           join(tuple.fields, [](const auto& field) { return field.first + "=" + value_text(field.second); }) + ")";
  }
  std::string operator()(const PrintedDict& dict) const {
    return "{" + join(dict.items, [](const auto& item) { return item.first + ": " + value_text(item.second); }) + "}";
  }
};

}  // namespace

std::string tensor_text(const PrintedTensor& tensor) {
  const int64_t count = element_count(tensor);
  std::string text = kPrefix + (count == 0 ? "[]" : Printer(tensor, count).text());
  const size_t last_break = text.rfind('\n');
  size_t line_length = last_break == std::string::npos ? text.size() + 2 : text.size() - last_break + 1;
  for (const std::string& suffix : suffixes(tensor, count == 0)) {
    if (line_length + suffix.size() + 2 > kLineWidth) {
      text += ",\n" + std::string(kIndent, ' ') + suffix;
      line_length = kIndent + suffix.size();
    } else {
      text += ", " + suffix;
      line_length += suffix.size() + 2;
    }
  }
  return text + ")";
}

std::string value_text(const PrintedValue& value) {
  return std::visit(ValueText{}, value.value);
}

}  // namespace bertjit
