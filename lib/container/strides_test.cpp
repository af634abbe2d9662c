#include "container/strides.h"

#include <limits>

#include <numeric>

#include "container/container_testing.h"

namespace bertjit {

namespace {

std::vector<std::byte> counted(size_t size) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>(i);
  }
  return bytes;
}

std::vector<int> as_ints(const std::vector<std::byte>& bytes) {
  std::vector<int> result;
  for (const std::byte b : bytes) {
    result.push_back(static_cast<int>(b));
  }
  return result;
}

}  // namespace

TEST_CASE("container: strides that already are row-major are recognised") {
  CHECK(is_row_major({2, 3}, {3, 1}));
  CHECK_FALSE(is_row_major({2, 3}, {1, 2}));
  CHECK(is_row_major({1, 3}, {999, 1}));
  CHECK(is_row_major({2, 1, 3}, {3, 0, 1}));
  CHECK_FALSE(is_row_major({3}, {0}));
  CHECK(is_row_major({0, 3}, {7, 7}));
  CHECK(is_row_major({}, {}));
}

TEST_CASE("container: the extent of a strided tensor is the last element it touches, plus one") {
  CHECK(strided_extent({2, 3}, {3, 1}) == 6);
  CHECK(strided_extent({2, 3}, {1, 2}) == 6);
  CHECK(strided_extent({2, 3}, {10, 0}) == 11);
  CHECK(strided_extent({}, {}) == 1);
  CHECK(strided_extent({0, 3}, {1, 1}) == 0);
  CHECK(strided_extent({2}, {-1}) == std::nullopt);
  CHECK(strided_extent({3}, {INT64_MAX}) == std::nullopt);
  CHECK(strided_extent({2, 2}, {INT64_MAX, INT64_MAX}) == std::nullopt);
  CHECK(strided_extent({2}, {INT64_MAX}) == std::nullopt);
}

// Expected by numpy.lib.stride_tricks.as_strided(arange(…), shape, strides).ravel().
TEST_CASE("container: strided elements are copied in row-major order") {
  CHECK(as_ints(copy_row_major(counted(6), 1, {3, 2}, {1, 3})) == std::vector<int>{0, 3, 1, 4, 2, 5});
  CHECK(as_ints(copy_row_major(counted(3), 1, {3, 2}, {1, 0})) == std::vector<int>{0, 0, 1, 1, 2, 2});
  CHECK(as_ints(copy_row_major(counted(8), 2, {2, 2}, {1, 2})) == std::vector<int>{0, 1, 4, 5, 2, 3, 6, 7});
  CHECK(as_ints(copy_row_major(counted(24), 1, {2, 3, 4}, column_major_strides({2, 3, 4}))) ==
        std::vector<int>{0, 6, 12, 18, 2, 8, 14, 20, 4, 10, 16, 22, 1, 7, 13, 19, 3, 9, 15, 21, 5, 11, 17, 23});
}

TEST_CASE("container: copying with row-major strides changes nothing") {
  const auto bytes = counted(24);
  CHECK(copy_row_major(bytes, 1, {2, 3, 4}, row_major_strides({2, 3, 4})) == bytes);
}

TEST_CASE("strides: the stride of a dimension of size 1 is never used, however large") {
  const std::vector<std::byte> bytes{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  const int64_t huge = std::numeric_limits<int64_t>::max();
  CHECK(copy_row_major(bytes, 1, {2, 1, 2}, {1, huge, 2}) ==
        std::vector<std::byte>{std::byte{1}, std::byte{3}, std::byte{2}, std::byte{4}});
}

}  // namespace bertjit
