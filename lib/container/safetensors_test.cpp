#include "container/safetensors.h"

#include "container/bytes.h"
#include "container/container_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::error_of;
using testing::TempDir;
using testing::values;

namespace {

std::string make_file(const std::string& header, size_t data_bytes) {
  std::string bytes;
  append_le<uint64_t>(bytes, header.size());
  return bytes + header + std::string(data_bytes, '\1');
}

Error error_in(const std::string& bytes) {
  const TempDir dir;
  testing::write_bytes(dir / "x.safetensors", bytes);
  return error_of([&] { read_safetensors(dir / "x.safetensors"); });
}

/// The file holds one tensor 'x' described so, and that many bytes.
Error error_in_tensor(const std::string& description, size_t data_bytes) {
  return error_in(make_file("{\"x\":" + description + "}", data_bytes));
}

}  // namespace

// Values from testdata/container/make.py (safetensors 0.8.0).
TEST_CASE("safetensors: every dtype of a file of the reference library is read, without a copy") {
  const auto file = read_safetensors(testing::testdata("container/arrays.safetensors"));
  CHECK(testing::names(file) ==
        std::vector<std::string>{"double", "empty", "grid", "half", "i16", "i32", "i8", "ids", "mask", "u8"});
  CHECK(file.metadata == std::map<std::string, std::string>{{"format", "pt"}});
  CHECK(values<int64_t>(file, "ids") == std::vector<int64_t>{101, 7592, 102, 101, -5, 0});
  CHECK(file.find("ids")->shape == std::vector<int64_t>{2, 3});
  CHECK(values<float>(file, "grid") == std::vector<float>{0, 0.25, 0.5, 0.75, 1, 1.25});
  CHECK(values<double>(file, "double") == std::vector<double>{0.1});
  CHECK(file.find("double")->shape.empty());
  CHECK(values<uint16_t>(file, "half") == std::vector<uint16_t>{0x3e00, 0xc000});
  CHECK(file.find("half")->dtype == DType::kFloat16);
  CHECK(values<int32_t>(file, "i32") == std::vector<int32_t>{7});
  CHECK(values<int16_t>(file, "i16") == std::vector<int16_t>{-7});
  CHECK(values<int8_t>(file, "i8") == std::vector<int8_t>{-1});
  CHECK(values<uint8_t>(file, "u8") == std::vector<uint8_t>{255});
  CHECK(values<uint8_t>(file, "mask") == std::vector<uint8_t>{1, 0});
  CHECK(file.find("mask")->dtype == DType::kBool);
  CHECK(file.find("empty")->shape == std::vector<int64_t>{0, 4});
  CHECK(file.find("empty")->bytes.empty());
}

TEST_CASE("safetensors: rewriting a file of the reference library gives its bytes") {
  const TempDir dir;
  const auto path = testing::testdata("container/arrays.safetensors");
  auto file = read_safetensors(path);
  write_safetensors(dir / "again.safetensors", file.tensors, file.metadata);
  CHECK(testing::read_bytes(dir / "again.safetensors") == testing::read_bytes(path));

  std::ranges::reverse(file.tensors);
  write_safetensors(dir / "reversed.safetensors", file.tensors, file.metadata);
  CHECK(testing::read_bytes(dir / "reversed.safetensors") == testing::read_bytes(path));
}

TEST_CASE("safetensors: names are escaped, bfloat16 is BF16, and the header is padded to 8 bytes") {
  const TempDir dir;
  std::vector<std::byte> one{std::byte{0x80}, std::byte{0x3f}};
  write_safetensors(dir / "x.safetensors", std::vector<TensorView>{{"a\"\n", DType::kBFloat16, {1}, one}});
  const std::string header = R"({"a\"\n":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}})";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  std::string expected;
  append_le<uint64_t>(expected, header.size() + padding.size());
  CHECK(testing::read_bytes(dir / "x.safetensors") == expected + header + padding + "\x80\x3f");
}

TEST_CASE("safetensors: no tensors at all is a valid file") {
  const TempDir dir;
  write_safetensors(dir / "x.safetensors", {});
  CHECK(read_safetensors(dir / "x.safetensors").tensors.empty());
}

TEST_CASE("safetensors: what cannot be written is refused, and no file is left") {
  const TempDir dir;
  std::vector<std::byte> bytes(4);
  const auto kind_of = [&](const std::vector<TensorView>& tensors) {
    return error_of([&] { write_safetensors(dir / "x.safetensors", tensors); }).kind();
  };
  CHECK(kind_of({{"a", DType::kFloat32, {1}, bytes}, {"a", DType::kFloat32, {1}, bytes}}) ==
        ErrorKind::kInvalidArgument);
  CHECK(kind_of({{"__metadata__", DType::kFloat32, {1}, bytes}}) == ErrorKind::kInvalidArgument);
  CHECK(kind_of({{"a", DType::kFloat32, {2}, bytes}}) == ErrorKind::kInvalidArgument);
  CHECK(kind_of({{"\xff", DType::kFloat32, {1}, bytes}}) == ErrorKind::kInvalidArgument);
  CHECK(std::filesystem::is_empty(dir.path()));
}

TEST_CASE("safetensors: a header longer than the file, or than 100 MB, is refused") {
  std::string bytes;
  append_le<uint64_t>(bytes, 1000);
  CHECK_THAT(error_in(bytes + "{}").what(), Contains("declares a header of 1000 bytes; 2 follow"));
  const TempDir dir;
  bytes.clear();
  append_le<uint64_t>(bytes, 100'000'001);
  testing::write_bytes(dir / "x.safetensors", bytes + "{}");
  std::filesystem::resize_file(dir / "x.safetensors", 200'000'000);
  CHECK_THAT(error_of([&] { read_safetensors(dir / "x.safetensors"); }).what(),
             Contains("declares a header of 100000001 bytes; 199999992 follow, and at most 100000000 are allowed"));
  CHECK(error_in(std::string(8, '\xff') + "{}").kind() == ErrorKind::kCorrupt);
  CHECK(error_in("").kind() == ErrorKind::kCorrupt);
}

TEST_CASE("safetensors: a header that is not the JSON it should be is refused") {
  CHECK_THAT(error_in(make_file(" {}", 0)).what(), Contains("header does not begin with '{'"));
  CHECK_THAT(error_in(make_file("{\"x\":", 0)).what(), Contains("header is not valid JSON at its byte"));
  CHECK_THAT(error_in(make_file("{}x", 0)).what(), Contains("header is not valid JSON"));
  CHECK_THAT(error_in(make_file("{\"\xff\":{}}", 0)).what(), Contains("header is not valid JSON"));
  CHECK_THAT(error_in(make_file("{\"x\":9e999}", 0)).what(), Contains("a number beyond the range of a double"));
  CHECK_THAT(error_in(make_file("{\"__metadata__\":{\"a\":1}}", 0)).what(), Contains("entry 'a' is not a string"));
  CHECK_THAT(error_in(make_file("{\"__metadata__\":[]}", 0)).what(), Contains("__metadata__ is not an object"));
  CHECK_THAT(error_in(make_file("{\"x\":{\"y\":{\"z\":{\"w\":{}}}}}", 0)).what(), Contains("nested too deeply"));
  CHECK_THAT(error_in_tensor("[]", 0).what(), Contains("tensor 'x' is not described by an object"));
  CHECK_THAT(error_in_tensor(R"({"shape":[],"data_offsets":[0,4]})", 4).what(), Contains("tensor 'x' has no dtype"));
  CHECK_THAT(error_in_tensor(R"({"dtype":"F32","data_offsets":[0,4]})", 4).what(), Contains("has no shape"));
  CHECK_THAT(error_in_tensor(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})", 4).what(),
             Contains("has no shape of whole numbers"));
  CHECK_THAT(error_in_tensor(R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})", 4).what(),
             Contains("has no shape of whole numbers"));
  CHECK_THAT(error_in_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":4})", 4).what(),
             Contains("has no data_offsets"));
}

TEST_CASE("safetensors: a key that occurs twice is refused, at every level") {
  const std::string x = R"("x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  CHECK_THAT(error_in(make_file("{" + x + "," + x + "}", 1)).what(), Contains("header holds 'x' twice"));
  CHECK_THAT(error_in_tensor(R"({"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]})", 1).what(),
             Contains("header holds 'dtype' twice"));
  CHECK_THAT(error_in(make_file(R"({"__metadata__":{"a":"1","a":"2"}})", 0)).what(),
             Contains("header holds 'a' twice"));
}

TEST_CASE("safetensors: bytes that do not match the shape are refused with both numbers") {
  CHECK_THAT(error_in_tensor(R"({"dtype":"F32","shape":[10,10],"data_offsets":[0,396]})", 396).what(),
             Contains("x.safetensors: tensor 'x' has data_offsets [0, 396], 396 bytes; shape [10, 10] of float32 needs "
                      "400"));
  CHECK_THAT(error_in_tensor(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]})", 4).what(),
             Contains("needs more than fit in 63 bits"));
  CHECK_THAT(error_in_tensor(R"({"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,4]})", 4).what(),
             Contains("has a dimension of 18446744073709551615"));
}

TEST_CASE("safetensors: offsets outside the file, or backwards, are refused") {
  CHECK_THAT(error_in_tensor(R"({"dtype":"U8","shape":[5],"data_offsets":[0,5]})", 4).what(),
             Contains("tensor 'x' has data_offsets [0,5], not two ascending ones within the file's 4 bytes of data"));
  CHECK(error_in_tensor(R"({"dtype":"U8","shape":[1],"data_offsets":[2,1]})", 4).kind() == ErrorKind::kCorrupt);
  CHECK(error_in_tensor(R"({"dtype":"U8","shape":[1],"data_offsets":[18446744073709551615,0]})", 4).kind() ==
        ErrorKind::kCorrupt);
}

TEST_CASE("safetensors: tensors that overlap, or leave bytes over, are refused") {
  const std::string a = R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]})";
  CHECK_THAT(error_in(make_file("{" + a + R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", 3)).what(),
             Contains("tensors 'a' and 'b' overlap"));
  CHECK_THAT(error_in(make_file("{" + a + R"(,"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}})", 4)).what(),
             Contains("bytes 2 to 3 of its data belong to no tensor"));
  CHECK_THAT(error_in(make_file("{" + a + "}", 5)).what(), Contains("bytes 2 to 5 of its data belong to no tensor"));
}

TEST_CASE("safetensors: a dtype that bertjit lacks is unsupported, and named") {
  const Error error = error_in_tensor(R"({"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]})", 1);
  CHECK(error.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(error.what(), Contains("tensor 'x' has dtype 'F8_E4M3', which bertjit does not read"));
}

}  // namespace bertjit
