#include "container/npy.h"

#include "container/bytes.h"
#include "container/container_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::error_of;
using testing::TempDir;
using testing::values;

namespace {

std::string make_file(const std::string& dict, size_t data_bytes) {
  std::string bytes("\x93NUMPY\1\0", 8);
  append_le<uint16_t>(bytes, static_cast<uint16_t>(dict.size()));
  return bytes + dict + std::string(data_bytes, '\1');
}

Error error_in(const std::string& bytes) {
  const TempDir dir;
  testing::write_bytes(dir / "x.npy", bytes);
  return error_of([&] { read_npy(dir / "x.npy"); });
}

}  // namespace

// Values from testdata/container/make.py (numpy 2.4.6).
TEST_CASE("npy: Fortran order is turned into row-major order; versions 2.0 and 3.0 are read") {
  for (const std::string name : {"fortran", "version2", "version3"}) {
    const auto file = read_npy(testing::testdata("container/" + name + ".npy"));
    REQUIRE(file.tensors.size() == 1);
    CHECK(file.tensors[0].name == name);
    CHECK(file.tensors[0].dtype == DType::kFloat32);
    CHECK(file.tensors[0].shape == std::vector<int64_t>{2, 3});
    CHECK(values<float>(file.tensors[0]) == std::vector<float>{0, 0.25, 0.5, 0.75, 1, 1.25});
  }
}

TEST_CASE("npy: an array of Python objects is refused as unsafe, by name") {
  const Error error = error_of([] { read_npy(testing::testdata("container/objects.npy")); });
  CHECK(error.kind() == ErrorKind::kUnsafe);
  CHECK_THAT(error.what(), Contains("objects.npy: array holds Python objects (dtype '|O')"));
}

TEST_CASE("npy: big-endian and structured dtypes are unsupported") {
  const Error big_endian = error_of([] { read_npy(testing::testdata("container/big_endian.npy")); });
  CHECK(big_endian.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(big_endian.what(), Contains("has dtype '>f4', which bertjit does not read"));
  const Error structured = error_of([] { read_npy(testing::testdata("container/structured.npy")); });
  CHECK(structured.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(structured.what(), Contains("structured dtype"));
}

// header bytes of numpy 2.4.6: numpy.lib.format.header_data_from_array_1_0, padded to 64
TEST_CASE("npy: the header is numpy's, for scalars, vectors and matrices") {
  const auto dict = [](const std::vector<int64_t>& shape) {
    const std::string header = make_npy_header({"x", DType::kFloat32, shape, {}});
    CHECK(header.size() % 64 == 0);
    CHECK(header.back() == '\n');
    CHECK(load_le<uint16_t>(std::as_bytes(std::span(header)), 8) == header.size() - 10);
    return header.substr(10, header.find('}') - 9);
  };
  CHECK(dict({}) == "{'descr': '<f4', 'fortran_order': False, 'shape': (), }");
  CHECK(dict({3}) == "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }");
  CHECK(dict({2, 3}) == "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
}

TEST_CASE("npy: bfloat16 cannot be written, and neither can thousands of dimensions") {
  const Error error = error_of([] { make_npy_header({"x", DType::kBFloat16, {1}, {}}); });
  CHECK(error.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(error.what(), Contains("tensor 'x' is bfloat16"));
  CHECK(error_of([] {
          make_npy_header({"x", DType::kInt8, std::vector<int64_t>(50000, 1), {}});
        }).kind() == ErrorKind::kUnsupported);
}

TEST_CASE("npy: data that do not match the header are refused with both numbers") {
  const std::string dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
  CHECK_THAT(error_in(make_file(dict, 20)).what(),
             Contains("array has 20 bytes of data; shape [2, 3] of float32 needs 24"));
  CHECK(error_in(make_file(dict, 25)).kind() == ErrorKind::kCorrupt);
  CHECK_THAT(
      error_in(make_file("{'descr': '<f4', 'fortran_order': True, 'shape': (4294967296, 4294967296)}", 4)).what(),
      Contains("more than fit in 63 bits"));
}

TEST_CASE("npy: headers written in other ways are read") {
  const TempDir dir;
  testing::write_bytes(dir / "x.npy", make_file(R"({"shape":(2,3),"fortran_order":False,"descr":"|i1"})", 6));
  CHECK(read_npy(dir / "x.npy").tensors[0].shape == std::vector<int64_t>{2, 3});
}

TEST_CASE("npy: a header that is not a dict of the three keys is refused") {
  for (const std::string dict : {
           "",
           "{}",
           "{'descr': '<f4'}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}",
           "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
           "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': 1}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
           "{'descr': '<f4, 'fortran_order': False, 'shape': (1,)}",
       }) {
    INFO(dict);
    const Error error = error_in(make_file(dict, 4));
    CHECK(error.kind() == ErrorKind::kCorrupt);
    CHECK_THAT(error.what(), Contains("not a dict of descr, fortran_order and shape"));
  }
}

TEST_CASE("npy: another format or version is refused") {
  CHECK_THAT(error_in("not numpy at all").what(), Contains("is not in .npy format"));
  CHECK(error_in(std::string("\x93NUMPY\4\0", 8) + std::string(10, ' ')).kind() == ErrorKind::kUnsupported);
  CHECK(error_in(std::string("\x93NUMPY\1\0\xff\xff", 10)).kind() == ErrorKind::kCorrupt);
}

// numpy 2.4.6: numpy.dtype(descr).itemsize
TEST_CASE("npy: arrays that only numpy reads are whole if their bytes are as many as their dtype needs") {
  const auto check = [](const std::string& description, size_t data_bytes) {
    const std::string bytes =
        make_file("{'descr': " + description + ", 'fortran_order': False, 'shape': (2, 3), }", data_bytes);
    check_npy(std::as_bytes(std::span(bytes)), bytes.size(), "array");
  };
  for (const auto& [description, item_bytes] : {std::pair<std::string, size_t>{"'<U1'", 4},
                                                {"'|S5'", 5},
                                                {"'>f4'", 4},
                                                {"'<c16'", 16},
                                                {"'<u2'", 2},
                                                {"'|V3'", 3},
                                                {"'<f4'", 4},
                                                {"'<U0'", 0}}) {
    INFO(description);
    CHECK_NOTHROW(check(description, 6 * item_bytes));
    CHECK(error_of([&, &text = description, &size = item_bytes] { check(text, 6 * size + 1); }).kind() ==
          ErrorKind::kCorrupt);
  }
  for (const std::string description : {"'|O'", "'object'", "'|O8'"}) {
    CHECK(error_of([&] { check(description, 48); }).kind() == ErrorKind::kUnsafe);
  }
  for (const std::string description : {"[('a', '|O')]", "'<x4'", "'f4'", "'<f'", "'<f4x'", "'<f99999999999'", "''"}) {
    INFO(description);
    CHECK(error_of([&] { check(description, 24); }).kind() == ErrorKind::kUnsupported);
  }
}

TEST_CASE("npy: of an array that is checked only the beginning need be there") {
  const std::string bytes = make_file("{'descr': '<f4', 'fortran_order': True, 'shape': (1000, 1000), }", 10);
  CHECK_NOTHROW(check_npy(std::as_bytes(std::span(bytes)), bytes.size() - 10 + 4'000'000, "array"));
  CHECK(error_of([&] { check_npy(std::as_bytes(std::span(bytes)), bytes.size(), "array"); }).kind() ==
        ErrorKind::kCorrupt);
}

}  // namespace bertjit
