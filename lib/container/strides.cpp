#include "container/strides.h"

#include <algorithm>
#include <cstring>

namespace bertjit {

namespace {

constexpr size_t kBufferBytes = 256u << 10;

size_t count_elements(const std::vector<int64_t>& shape) {
  size_t count = 1;
  for (const int64_t size : shape) {
    count *= static_cast<size_t>(size);
  }
  return count;
}

}  // namespace

std::vector<int64_t> row_major_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t next = 1;
  for (size_t d = shape.size(); d-- > 0; next *= std::max<int64_t>(shape[d], 1)) {
    strides[d] = next;
  }
  return strides;
}

std::vector<int64_t> column_major_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t next = 1;
  for (size_t d = 0; d < shape.size(); next *= std::max<int64_t>(shape[d], 1), ++d) {
    strides[d] = next;
  }
  return strides;
}

bool is_row_major(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  if (std::ranges::find(shape, 0) != shape.end()) {
    return true;
  }
  const auto expected = row_major_strides(shape);
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] != 1 && strides[d] != expected[d]) {
      return false;
    }
  }
  return true;
}

std::optional<int64_t> strided_extent(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  int64_t last = 0;
  for (size_t d = 0; d < shape.size(); ++d) {
    int64_t span;
    if (strides[d] < 0 || __builtin_mul_overflow(std::max<int64_t>(shape[d] - 1, 0), strides[d], &span) ||
        __builtin_add_overflow(last, span, &last)) {
      return std::nullopt;
    }
  }
  if (std::ranges::find(shape, 0) != shape.end()) {
    return 0;
  }
  if (__builtin_add_overflow(last, 1, &last)) {
    return std::nullopt;
  }
  return last;
}

void walk_row_major(std::span<const std::byte> bytes, size_t element_size, const std::vector<int64_t>& shape,
                    const std::vector<int64_t>& strides, const std::function<void(std::span<const std::byte>)>& sink) {
  const size_t count = count_elements(shape);
  std::vector<std::byte> buffer(std::min(kBufferBytes / element_size, count) * element_size);
  std::vector<int64_t> index(shape.size(), 0);
  size_t filled = 0;
  int64_t source = 0;
  for (size_t left = count; left > 0; --left) {
    std::memcpy(buffer.data() + filled, bytes.data() + static_cast<size_t>(source) * element_size, element_size);
    filled += element_size;
    if (filled == buffer.size()) {
      sink(buffer);
      filled = 0;
    }
    // The odometer: step the last index; where it wraps, go back to 0 and carry.
    for (size_t d = shape.size(); d-- > 0;) {
      if (shape[d] == 1) {
        continue;  // its stride means nothing, and may be any number
      }
      source += strides[d];
      if (++index[d] < shape[d]) {
        break;
      }
      source -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
  sink(std::span(buffer).first(filled));
}

std::vector<std::byte> copy_row_major(std::span<const std::byte> bytes, size_t element_size,
                                      const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  std::vector<std::byte> copy;
  copy.reserve(count_elements(shape) * element_size);
  walk_row_major(bytes, element_size, shape, strides,
                 [&](std::span<const std::byte> piece) { copy.insert(copy.end(), piece.begin(), piece.end()); });
  return copy;
}

}  // namespace bertjit
