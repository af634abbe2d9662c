#include "container/npz.h"

#include "container/container_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::error_of;
using testing::TempDir;
using testing::values;

// Values from testdata/container/make.py (numpy 2.4.6).
TEST_CASE("npz: stored and deflated archives of every dtype are read") {
  for (const char* name : {"container/arrays.npz", "container/arrays_compressed.npz"}) {
    INFO(name);
    const auto file = read_npz(testing::testdata(name));
    CHECK(testing::names(file) == std::vector<std::string>{"double", "empty", "fortran", "grid", "half", "i16", "i32",
                                                           "i8", "ids", "mask", "u8"});
    CHECK(values<int64_t>(file, "ids") == std::vector<int64_t>{101, 7592, 102, 101, -5, 0});
    CHECK(values<float>(file, "grid") == std::vector<float>{0, 0.25, 0.5, 0.75, 1, 1.25});
    CHECK(values<float>(file, "fortran") == values<float>(file, "grid"));
    CHECK(file.find("fortran")->shape == std::vector<int64_t>{2, 3});
    CHECK(values<double>(file, "double") == std::vector<double>{0.1});
    CHECK(values<uint16_t>(file, "half") == std::vector<uint16_t>{0x3e00, 0xc000});
    CHECK(values<int32_t>(file, "i32") == std::vector<int32_t>{7});
    CHECK(values<int16_t>(file, "i16") == std::vector<int16_t>{-7});
    CHECK(values<int8_t>(file, "i8") == std::vector<int8_t>{-1});
    CHECK(values<uint8_t>(file, "u8") == std::vector<uint8_t>{255});
    CHECK(file.find("mask")->dtype == DType::kBool);
    CHECK(values<uint8_t>(file, "mask") == std::vector<uint8_t>{1, 0});
    CHECK(file.find("empty")->shape == std::vector<int64_t>{0, 4});
  }
}

TEST_CASE("npz: what is written is read back, and the same tensors give the same bytes") {
  const TempDir dir;
  const auto file = read_npz(testing::testdata("container/arrays.npz"));
  write_npz(dir / "a.npz", file.tensors);
  write_npz(dir / "b.npz", file.tensors);
  CHECK(testing::read_bytes(dir / "a.npz") == testing::read_bytes(dir / "b.npz"));
  const auto again = read_npz(dir / "a.npz");
  REQUIRE(testing::names(again) == testing::names(file));
  for (const TensorView& tensor : file.tensors) {
    const TensorView* copy = again.find(tensor.name);
    CHECK(copy->dtype == tensor.dtype);
    CHECK(copy->shape == tensor.shape);
    CHECK(values<char>(*copy) == values<char>(tensor));
  }
}

TEST_CASE("npz: what cannot be written is refused, and no file is left") {
  const TempDir dir;
  std::vector<std::byte> bytes(4);
  const auto kind_of = [&](const std::vector<TensorView>& tensors) {
    return error_of([&] { write_npz(dir / "x.npz", tensors); }).kind();
  };
  CHECK(kind_of({{"a", DType::kFloat32, {1}, bytes}, {"a", DType::kFloat32, {1}, bytes}}) ==
        ErrorKind::kInvalidArgument);
  CHECK(kind_of({{"a", DType::kFloat32, {3}, bytes}}) == ErrorKind::kInvalidArgument);
  CHECK(kind_of({{"a", DType::kBFloat16, {2}, bytes}}) == ErrorKind::kUnsupported);
  CHECK(std::filesystem::is_empty(dir.path()));
}

TEST_CASE("npz: a record that is no array is refused, and so is one that is broken") {
  const TempDir dir;
  testing::write_bytes(dir / "x.npz", testing::make_zip({{"readme.txt", "hello"}}));
  CHECK_THAT(error_of([&] { read_npz(dir / "x.npz"); }).what(),
             Contains("x.npz: record 'readme.txt' is not a .npy array"));
  testing::write_bytes(dir / "x.npz", testing::make_zip({{"ids.npy", "hello world"}}));
  CHECK_THAT(error_of([&] { read_npz(dir / "x.npz"); }).what(), Contains("x.npz: array 'ids' is not in .npy format"));
}

TEST_CASE("npz: one changed value is found") {
  const TempDir dir;
  std::string bytes = testing::read_bytes(testing::testdata("container/arrays.npz"));
  bytes[bytes.find("\xa8\x1d")] ^= 1;  // 7592, little-endian
  testing::write_bytes(dir / "x.npz", bytes);
  CHECK_THAT(error_of([&] { read_npz(dir / "x.npz"); }).what(), Contains("record 'ids.npy' has CRC-32"));
}

}  // namespace bertjit
