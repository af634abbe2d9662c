#include "container/shards.h"

#include "container/read_tensors.h"

#include "container/container_testing.h"
#include "container/pytorch_bin.h"
#include "container/safetensors.h"

namespace bertjit {

namespace fs = std::filesystem;

using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using testing::error_of;
using testing::TempDir;
using testing::testdata;
using testing::values;

namespace {

constexpr const char* kIndex = "model.safetensors.index.json";

/// A safetensors file of float32 tensors, each of one element.
void write_shard(const fs::path& path, const std::map<std::string, float>& tensors) {
  std::vector<Array> arrays;
  for (const auto& [name, value] : tensors) {
    std::vector<std::byte> bytes(sizeof value);
    std::memcpy(bytes.data(), &value, sizeof value);
    arrays.push_back({name, DType::kFloat32, {1}, bytes});
  }
  std::vector<TensorView> views;
  for (Array& array : arrays) {
    views.push_back({array.name, array.dtype, array.shape, array.bytes});
  }
  write_safetensors(path, views);
}

/// Two shards, and an index with this weight_map.
Error error_with_map(const std::string& map) {
  const TempDir dir;
  write_shard(dir / "one.safetensors", {{"a", 1}, {"b", 2}});
  write_shard(dir / "two.safetensors", {{"c", 3}});
  testing::write_bytes(dir / kIndex, "{\"weight_map\": " + map + "}");
  return error_of([&] { read_shards(dir / kIndex); });
}

}  // namespace

// The shards were written by transformers 4.57.6's save_pretrained from broken/intact (testdata/README.md).
TEST_CASE("shards: safetensors and .bin shards hold the tensors of the whole file, bit for bit") {
  const TensorFile whole = read_safetensors(testdata("broken/intact/model.safetensors"));
  for (const char* index :
       {"stored/sharded/model.safetensors.index.json", "stored/sharded-bin/pytorch_model.bin.index.json"}) {
    INFO(index);
    const TensorFile sharded = read_shards(testdata(index));
    CHECK(sharded.path == testdata(index));
    CHECK(sharded.notes.empty());
    CHECK(testing::names(sharded) == testing::names(whole));
    for (const TensorView& tensor : whole.tensors) {
      CHECK(values<float>(sharded, tensor.name) == values<float>(tensor));
    }
  }
}

TEST_CASE("shards: float16 and bfloat16 shards hold what the single file of that dtype holds") {
  for (const auto& [whole_path, index, dtype] :
       {std::tuple("stored/float16-bin/pytorch_model.bin", "stored/float16-sharded-bin/pytorch_model.bin.index.json",
                   DType::kFloat16),
        {"stored/bfloat16-old-bin/pytorch_model.bin", "stored/bfloat16-sharded/model.safetensors.index.json",
         DType::kBFloat16}}) {
    const TensorFile whole = read_pytorch_bin(testdata(whole_path));
    const TensorFile sharded = read_shards(testdata(index));
    CHECK(testing::names(sharded) == testing::names(whole));
    for (const TensorView& tensor : whole.tensors) {
      CHECK(sharded.find(tensor.name)->dtype == dtype);
      CHECK(values<uint16_t>(sharded, tensor.name) == values<uint16_t>(tensor));
    }
  }
}

TEST_CASE("shards: each tensor keeps its own shard alive") {
  TensorView kept;
  {
    const TensorFile file = read_shards(testdata("stored/sharded/model.safetensors.index.json"));
    const TensorView* first = file.find("embeddings.LayerNorm.bias");
    const TensorView* second = file.find("pooler.dense.bias");
    REQUIRE(first != nullptr);
    REQUIRE(second != nullptr);
    CHECK(first->storage != second->storage);
    kept = *second;
  }
  CHECK(values<float>(kept).size() == 8);
}

TEST_CASE("shards: what a shard holds beside the index is passed over, and said") {
  const TempDir dir;
  write_shard(dir / "one.safetensors", {{"a", 1}, {"b", 2}, {"extra", 9}});
  testing::write_bytes(dir / kIndex, R"({"weight_map": {"a": "one.safetensors", "b": "one.safetensors"}})");
  const TensorFile file = read_shards(dir / kIndex);
  CHECK(testing::names(file) == std::vector<std::string>{"a", "b"});
  CHECK(file.notes == std::vector<std::string>{(dir / "one.safetensors").string() +
                                               ": passed over what the index does not list: 'extra'"});
}

TEST_CASE("shards: total_size is not used, as in transformers") {
  const TempDir dir;
  write_shard(dir / "one.safetensors", {{"a", 1}});
  testing::write_bytes(dir / kIndex, R"({"metadata": {"total_size": 7}, "weight_map": {"a": "one.safetensors"}})");
  CHECK(values<float>(read_shards(dir / kIndex), "a") == std::vector<float>{1});
}

TEST_CASE("shards: a shard must be a plain name in the index's own folder") {
  const std::string names[] = {
      "../one.safetensors",       "/etc/passwd",        "sub/one.safetensors", "..", ".", "", R"(sub\\one.safetensors)",
      R"(one.safetensors\u0000)", std::string(256, 'a')};
  for (const std::string& name : names) {
    INFO(name);
    const Error error = error_with_map("{\"a\": \"" + name + "\"}");
    CHECK(error.kind() == ErrorKind::kUnsafe);
    CHECK_THAT(error.what(), EndsWith(", which is not a plain file name in its own folder"));
  }
  CHECK_THAT(error_with_map(R"({"a": "../one.safetensors"})").what(), Contains("lists shard '../one.safetensors'"));
}

TEST_CASE("shards: an index that disagrees with its shards is refused, naming tensor and shard") {
  const auto expect = [](const std::string& map, ErrorKind kind, const std::string& message) {
    const Error error = error_with_map(map);
    INFO(error.what());
    CHECK(error.kind() == kind);
    CHECK_THAT(error.what(), EndsWith(kIndex + std::string(": ") + message));
  };
  expect(R"({"a": "one.safetensors", "c": "gone.safetensors", "d": "gone.safetensors"})", ErrorKind::kNotFound,
         "shard 'gone.safetensors' is missing; 2 tensors are in it");
  expect(R"({"a": "one.safetensors", "d": "two.safetensors"})", ErrorKind::kCorrupt,
         "lists tensor 'd' in 'two.safetensors', which does not hold it");
  expect(R"({"a": "one.safetensors", "a": "two.safetensors"})", ErrorKind::kCorrupt, "holds 'a' twice");
  expect(R"({"a": 1})", ErrorKind::kCorrupt, "weight_map entry 'a' is 1, expected a file name");
  expect(R"({})", ErrorKind::kCorrupt, "lists no tensors");
  expect(R"([])", ErrorKind::kCorrupt, "has no weight_map, an object of tensor names and the files that hold them");
  expect(std::string(100, '[') + std::string(100, ']'), ErrorKind::kCorrupt, "is nested too deeply");
  CHECK_THAT(error_with_map("{").what(), EndsWith("json:1:18: is not valid JSON"));
}

TEST_CASE("shards: a tensor that lies in two shards is refused, whichever the index lists") {
  for (const char* listed : {"one", "two"}) {
    const TempDir dir;
    write_shard(dir / "one.safetensors", {{"a", 1}, {"b", 2}});
    write_shard(dir / "two.safetensors", {{"b", 3}, {"c", 4}});
    testing::write_bytes(dir / kIndex, R"({"weight_map": {"a": "one.safetensors", "c": "two.safetensors", "b": ")" +
                                           std::string(listed) + ".safetensors\"}}");
    const Error error = error_of([&] { read_shards(dir / kIndex); });
    CHECK(error.kind() == ErrorKind::kCorrupt);
    CHECK_THAT(error.what(), Contains("lists tensor 'b' in '" + std::string(listed) + ".safetensors', and '"));
    CHECK_THAT(error.what(), EndsWith("holds one of that name too"));
  }
}

TEST_CASE("shards: a broken shard and a Git LFS pointer are named by their own path") {
  const TempDir dir;
  testing::write_bytes(dir / kIndex, R"({"weight_map": {"a": "one.safetensors"}})");
  testing::write_bytes(dir / "one.safetensors", "junk");
  CHECK_THAT(error_of([&] { read_shards(dir / kIndex); }).what(), Contains("one.safetensors: safetensors file ends"));

  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n";
  for (const char* name : {"one.safetensors", kIndex}) {
    testing::write_bytes(dir / name, pointer);
    const Error error = error_of([&] { read_shards(dir / kIndex); });
    CHECK(error.kind() == ErrorKind::kNotFound);
    CHECK_THAT(error.what(), EndsWith(name + std::string(": is a Git LFS pointer, not the weights themselves; fetch "
                                                         "them with 'git lfs pull'")));
  }
}

TEST_CASE("shards: every prefix of an index is refused") {
  const std::string whole = testing::read_bytes(testdata("stored/sharded/model.safetensors.index.json"));
  const TempDir dir;
  for (size_t size = 0; size + 2 < whole.size(); size += 7) {
    testing::write_bytes(dir / kIndex, whole.substr(0, size));
    CHECK(error_of([&] { read_shards(dir / kIndex); }).kind() == ErrorKind::kCorrupt);
  }
}

TEST_CASE("shards: their paths are listed beside the index, and read_tensors takes an index") {
  const auto index = testdata("stored/sharded/model.safetensors.index.json");
  const auto shards = list_shards(index);
  REQUIRE(shards.size() > 1);
  for (const auto& shard : shards) {
    CHECK(shard.parent_path() == index.parent_path());
    CHECK(std::filesystem::exists(shard));
  }
  CHECK(read_tensors(index).tensors.size() == read_shards(index).tensors.size());
}

}  // namespace bertjit
