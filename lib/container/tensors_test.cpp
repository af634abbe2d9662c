#include "container/tensors.h"

#include "container/bytes.h"
#include "container/container_testing.h"

namespace bertjit {

using testing::error_of;

TEST_CASE("container: a dtype has PyTorch's name and size") {
  CHECK(std::string(dtype_name(DType::kBFloat16)) == "bfloat16");
  CHECK(dtype_size(DType::kBFloat16) == 2);
  CHECK(std::string(dtype_name(DType::kBool)) == "bool");
  CHECK(dtype_size(DType::kBool) == 1);
  CHECK(std::string(dtype_name(DType::kInt64)) == "int64");
  CHECK(dtype_size(DType::kInt64) == 8);
  CHECK(dtype_size(DType::kFloat32) == 4);
}

TEST_CASE("container: a tensor's size never overflows") {
  CHECK(tensor_size_bytes(DType::kFloat32, {}) == 4);
  CHECK(tensor_size_bytes(DType::kFloat32, {2, 3}) == 24);
  CHECK(tensor_size_bytes(DType::kFloat32, {2, 0, 3}) == 0);
  CHECK(tensor_size_bytes(DType::kUInt8, {INT64_MAX}) == static_cast<uint64_t>(INT64_MAX));
  CHECK(tensor_size_bytes(DType::kInt16, {INT64_MAX}) == std::nullopt);
  CHECK(tensor_size_bytes(DType::kUInt8, {int64_t{1} << 32, int64_t{1} << 32}) == std::nullopt);
  CHECK(tensor_size_bytes(DType::kUInt8, {0, int64_t{1} << 32, int64_t{1} << 32}) == std::nullopt);
  CHECK(tensor_size_bytes(DType::kUInt8, {-1}) == std::nullopt);
}

TEST_CASE("container: tensors are found by name, and none by another") {
  TensorFile file;
  file.path = "x.npz";
  file.tensors = {{"b", DType::kInt8, {}, {}}, {"a", DType::kInt16, {}, {}}, {"a.b", DType::kInt32, {}, {}}};
  sort_by_name(file);
  CHECK(testing::names(file) == std::vector<std::string>{"a", "a.b", "b"});
  REQUIRE(file.find("a.b") != nullptr);
  CHECK(file.find("a.b")->dtype == DType::kInt32);
  CHECK(file.find("") == nullptr);
  CHECK(file.find("a.c") == nullptr);
  CHECK(file.find("z") == nullptr);

  file.tensors.push_back({"a", DType::kInt8, {}, {}});
  CHECK(std::string(error_of([&] { sort_by_name(file); }).what()) == "x.npz: tensor 'a' occurs twice");
}

TEST_CASE("container: a name out of a file cannot write to the terminal") {
  CHECK(in_quotes("a\x1b[2J\n\x7f") == "'a\\x1b[2J\\x0a\\x7f'");
  CHECK(in_quotes("größe") == "'größe'");
  CHECK(in_quotes(std::string(1000, 'x')) == "'" + std::string(200, 'x') + "…'");
}

}  // namespace bertjit
