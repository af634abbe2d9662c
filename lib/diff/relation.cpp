#include "diff/relation.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <unordered_map>
#include <vector>

#include "container/tensors.h"

namespace bertjit {

namespace {

constexpr int64_t kBlock = 4096;
constexpr size_t kMaxSearched = 1u << 28;  ///< bytes of a tensor in which permutations are looked for

int64_t element_count(const LoadedTensor& tensor) {
  return static_cast<int64_t>(tensor.bytes.size() / std::max<size_t>(tensor.tensor.element_size, 1));
}

using PairTest = std::function<bool(double a, double b)>;

/// Whether every pair passes; stops at the first that does not.
bool all_pairs(const LoadedTensor& a, const LoadedTensor& b, const PairTest& test) {
  std::array<double, kBlock> values_a;
  std::array<double, kBlock> values_b;
  const int64_t count = element_count(a);
  for (int64_t first = 0; first < count; first += kBlock) {
    const auto length = static_cast<size_t>(std::min(kBlock, count - first));
    a.reader.read(a.bytes, first, std::span(values_a).first(length));
    b.reader.read(b.bytes, first, std::span(values_b).first(length));
    for (size_t i = 0; i < length; ++i) {
      if (!test(values_a[i], values_b[i])) {
        return false;
      }
    }
  }
  return true;
}

bool same(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

double round_to(ElementForm kind, double value) {
  switch (kind) {
    case ElementForm::kFloat16:
      return round_to_float16(static_cast<float>(value));
    case ElementForm::kBFloat16:
      return round_to_bfloat16(static_cast<float>(value));
    case ElementForm::kFloat32:
      return static_cast<float>(value);
    default:
      return value;
  }
}

bool set(DiffTensor& tensor, const char* id, std::string text) {
  tensor.relation = id;
  tensor.relation_text = std::move(text);
  return true;
}

/// One is the other rounded to its dtype.
bool find_cast(const LoadedTensor& a, const LoadedTensor& b, DiffTensor& tensor) {
  const ElementForm kind_a = a.reader.kind;
  const ElementForm kind_b = b.reader.kind;
  if (tensor.dtype_a == tensor.dtype_b) {
    return false;
  }
  const std::string change = tensor.dtype_a + " to " + tensor.dtype_b;
  if (tensor.differing == 0) {
    return set(tensor, "same-values", "the same values, " + change);
  }
  if (!is_floating(kind_a) || !is_floating(kind_b)) {
    return false;
  }
  if (all_pairs(a, b, [&](double x, double y) { return same(round_to(kind_b, x), y); })) {
    return set(tensor, "cast", "cast from " + change + ": every value is A's, rounded");
  }
  if (all_pairs(a, b, [&](double x, double y) { return same(round_to(kind_a, y), x); })) {
    return set(tensor, "cast-back", change + ": every value of A is B's, rounded");
  }
  return false;
}

bool is_one_number(const LoadedTensor& tensor) {
  std::array<double, 1> first;
  tensor.reader.read(tensor.bytes, 0, first);
  return all_pairs(tensor, tensor, [&](double x, double) { return x == first[0]; });
}

/// One dtype, but one of the two went through a narrower one.
bool find_detour(const LoadedTensor& a, const LoadedTensor& b, DiffTensor& tensor) {
  // One number everywhere, as a LayerNorm starts, is the rounding of anything near it.
  if (tensor.dtype_a != tensor.dtype_b || a.reader.size < 4 || !is_floating(a.reader.kind) || is_one_number(a) ||
      is_one_number(b)) {
    return false;
  }
  for (const auto& [kind, name] : {std::pair{ElementForm::kFloat16, "float16"},
                                   {ElementForm::kBFloat16, "bfloat16"},
                                   {ElementForm::kFloat32, "float32"}}) {
    const ElementForm narrow = kind;
    const std::string id = std::string("through-") + name;
    if (all_pairs(a, b, [&](double x, double y) { return same(round_to(narrow, x), y); })) {
      return set(tensor, id.c_str(), "B went through " + std::string(name) + ": every value is A's, rounded to it");
    }
    if (all_pairs(a, b, [&](double x, double y) { return same(round_to(narrow, y), x); })) {
      return set(tensor, id.c_str(), "A went through " + std::string(name) + ": every value is B's, rounded to it");
    }
  }
  return false;
}

/// The greatest step of a quantized tensor.
double greatest_scale(const LoadedTensor& tensor) {
  const auto* quantization = tensor.reader.quantization;
  return quantization == nullptr ? 0 : *std::ranges::max_element(quantization->scales);
}

bool find_quantized(const LoadedTensor& a, const LoadedTensor& b, DiffTensor& tensor) {
  const double scale_a = greatest_scale(a);
  const double scale_b = greatest_scale(b);
  const double scale = std::max(scale_a, scale_b);
  if (scale == 0 || !(tensor.mean_abs <= scale / 2)) {
    return false;
  }
  if (scale_a > 0 && scale_b > 0) {
    return tensor.dtype_a != tensor.dtype_b && set(tensor, "requantized", "both quantized, with other scales");
  }
  const LoadedTensor& quantized = scale_b > 0 ? b : a;
  return set(tensor, "quantized",
             std::string(scale_b > 0 ? "B is A" : "A is B") + " quantized to " + quantized.tensor.dtype + ", " +
                 quantized.reader.quantization->scheme);
}

/// A relative difference that rounding one product may leave.
double rounding(ElementForm kind) {
  switch (kind) {
    case ElementForm::kFloat16:
      return std::ldexp(1, -10);
    case ElementForm::kBFloat16:
      return std::ldexp(1, -7);
    case ElementForm::kFloat32:
      return std::ldexp(1, -22);
    default:
      return std::ldexp(1, -50);
  }
}

std::string number_text(double value) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

/// B is one number times A, or A plus one number, or one number everywhere.
bool find_linear(const LoadedTensor& a, const LoadedTensor& b, DiffTensor& tensor) {
  if (!is_floating(a.reader.kind) || a.reader.kind != b.reader.kind || tensor.elements < 4) {
    return false;
  }
  if (tensor.zeros_b == tensor.elements || tensor.zeros_a == tensor.elements) {
    return set(tensor, "zeroed",
               std::string("every element of ") + (tensor.zeros_b == tensor.elements ? "B" : "A") + " is 0");
  }
  if (is_one_number(b)) {
    return set(tensor, "filled", "every element of B is " + number_text(tensor.first.b));
  }
  // The position of the greatest difference is where a factor or a term shows best.
  const double factor = tensor.max_abs_at.b / tensor.max_abs_at.a;
  const double slack = rounding(b.reader.kind);
  if (std::isfinite(factor) && tensor.differing + tensor.zeros_a >= tensor.elements &&
      all_pairs(a, b, [&](double x, double y) { return std::fabs(y - factor * x) <= slack * std::fabs(factor * x); })) {
    return factor == -1 ? set(tensor, "negated", "B is A with every sign turned")
                        : set(tensor, "scaled", "B is A times " + number_text(factor));
  }
  const double term = tensor.max_abs_at.b - tensor.max_abs_at.a;
  if (std::isfinite(term) && tensor.differing == tensor.elements && all_pairs(a, b, [&](double x, double y) {
        return std::fabs(y - (x + term)) <= slack * (std::fabs(x) + std::fabs(term));
      })) {
    return set(tensor, "shifted", "B is A plus " + number_text(term));
  }
  return false;
}

bool find_transposed(const LoadedTensor& a, const LoadedTensor& b, DiffTensor& tensor) {
  const auto& shape = tensor.shape_a;
  if (tensor.dtype_a != tensor.dtype_b || shape.size() != 2 || a.bytes.size() != b.bytes.size() ||
      tensor.shape_b != std::vector<int64_t>{shape[1], shape[0]}) {
    return false;
  }
  const size_t size = a.tensor.element_size;
  const auto rows = static_cast<size_t>(shape[0]);
  const auto columns = static_cast<size_t>(shape[1]);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) {
      if (std::memcmp(a.bytes.data() + (i * columns + j) * size, b.bytes.data() + (j * rows + i) * size, size) != 0) {
        return false;
      }
    }
  }
  return set(tensor, "transposed", "B is A transposed");
}

/// Runs of `size` bytes as a multiset: how often each occurs in A more than in B.
bool same_runs(std::span<const std::byte> a, std::span<const std::byte> b, size_t size) {
  std::unordered_map<std::string_view, int64_t> surplus;
  const auto run = [size](std::span<const std::byte> bytes, size_t i) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()) + i * size, size);
  };
  const size_t count = a.size() / size;
  for (size_t i = 0; i < count; ++i) {
    ++surplus[run(a, i)];
  }
  for (size_t i = 0; i < count; ++i) {
    const auto found = surplus.find(run(b, i));
    if (found == surplus.end() || found->second-- == 0) {
      return false;
    }
  }
  return true;
}

std::vector<std::byte> transpose(std::span<const std::byte> bytes, size_t rows, size_t columns, size_t size) {
  std::vector<std::byte> result(bytes.size());
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) {
      std::memcpy(result.data() + (j * rows + i) * size, bytes.data() + (i * columns + j) * size, size);
    }
  }
  return result;
}

bool find_permuted(const LoadedTensor& a, const LoadedTensor& b, DiffTensor& tensor) {
  const auto& shape = tensor.shape_a;
  if (tensor.dtype_a != tensor.dtype_b || shape != tensor.shape_b || shape.empty() || shape[0] < 2 || a.bytes.empty() ||
      a.bytes.size() > kMaxSearched) {
    return false;
  }
  const auto rows = static_cast<size_t>(shape[0]);
  if (same_runs(a.bytes, b.bytes, a.bytes.size() / rows)) {
    return set(tensor, "rows-permuted",
               shape.size() == 1 ? "the same elements in another order" : "the same rows in another order");
  }
  if (shape.size() == 2 && shape[1] > 1) {
    const auto columns = static_cast<size_t>(shape[1]);
    const size_t size = a.tensor.element_size;
    const auto turned_a = transpose(a.bytes, rows, columns, size);
    const auto turned_b = transpose(b.bytes, rows, columns, size);
    if (same_runs(turned_a, turned_b, rows * size)) {
      return set(tensor, "columns-permuted", "the same columns in another order");
    }
  }
  return false;
}

/// Other shapes over bytes that are the same as far as they go.
bool find_reshaped(const LoadedTensor& a, const LoadedTensor& b, DiffTensor& tensor) {
  const auto& from = tensor.shape_a;
  const auto& to = tensor.shape_b;
  if (tensor.dtype_a != tensor.dtype_b || from == to) {
    return false;
  }
  const size_t common = std::min(a.bytes.size(), b.bytes.size());
  const bool same_beginning = common > 0 && std::memcmp(a.bytes.data(), b.bytes.data(), common) == 0;
  if (same_beginning && a.bytes.size() == b.bytes.size()) {
    return set(tensor, "reshaped", "the same elements in another shape");
  }
  const bool same_rows =
      from.size() == to.size() && !from.empty() && std::equal(from.begin() + 1, from.end(), to.begin() + 1);
  if (same_beginning && same_rows) {
    const int64_t rows = to[0] - from[0];
    return set(tensor, "resized",
               "B has " + std::to_string(std::abs(rows)) + (rows > 0 ? " more rows; A's " : " rows less; B's ") +
                   std::to_string(std::min(from[0], to[0])) + " are the same");
  }
  return false;
}

bool find_byte_swap(const LoadedTensor& a, const LoadedTensor& b, DiffTensor& tensor) {
  const size_t size = a.tensor.element_size;
  if (tensor.dtype_a != tensor.dtype_b || a.bytes.size() != b.bytes.size() || size < 2) {
    return false;
  }
  for (size_t i = 0; i < a.bytes.size(); ++i) {
    if (a.bytes[i] != b.bytes[i - i % size + (size - 1 - i % size)]) {
      return false;
    }
  }
  return set(tensor, "byte-swapped", "the same bytes in the opposite order: big-endian");
}

std::vector<int> flipped_bits(const LoadedTensor& a, const LoadedTensor& b) {
  std::vector<int> bits;
  const auto first = std::ranges::mismatch(a.bytes, b.bytes).in1 - a.bytes.begin();
  const size_t begin = static_cast<size_t>(first) / a.tensor.element_size * a.tensor.element_size;
  for (size_t i = 0; i < a.tensor.element_size; ++i) {
    const auto difference = static_cast<unsigned>(a.bytes[begin + i] ^ b.bytes[begin + i]);
    for (int bit = 0; bit < 8; ++bit) {
      if ((difference >> bit & 1) != 0) {
        bits.push_back(static_cast<int>(i) * 8 + bit);
      }
    }
  }
  return bits;
}

std::string place_text(const std::vector<int64_t>& index) {
  return shape_text(index);
}

/// Nothing of the whole; then how little of it differs.
void describe_extent(const LoadedTensor& a, const LoadedTensor& b, DiffTensor& tensor) {
  if (!tensor.measured || tensor.dtype_a != tensor.dtype_b || tensor.differing == 0) {
    return;
  }
  if (tensor.differing == 1) {
    tensor.flipped_bits = flipped_bits(a, b);
    std::string text = "one element, " + place_text(tensor.first.index);
    if (tensor.flipped_bits.size() == 1) {
      text += ": bit " + std::to_string(tensor.flipped_bits[0]) + " flipped";
    }
    set(tensor, "one-element", text);
  } else if (tensor.shape_a.size() > 1 && tensor.shape_a[0] > 2 && tensor.rows_differing == 1) {
    set(tensor, "one-row", "only row " + std::to_string(tensor.first.index[0]));
  }
}

}  // namespace

void describe_relation(const LoadedTensor& a, const LoadedTensor& b, DiffTensor& tensor) {
  const bool found =
      (tensor.measured && (find_cast(a, b, tensor) || find_quantized(a, b, tensor))) ||
      (tensor.measured && tensor.differing > 1 && (find_detour(a, b, tensor) || find_linear(a, b, tensor))) ||
      find_reshaped(a, b, tensor) || find_transposed(a, b, tensor);
  if (!found && tensor.measured && tensor.differing == 1) {
    describe_extent(a, b, tensor);
  } else if (!found && !find_permuted(a, b, tensor) && !find_byte_swap(a, b, tensor)) {
    describe_extent(a, b, tensor);
  }
}

}  // namespace bertjit
