// Pairs of checkpoints, each made to differ for one reason, and the reason that is named first. Pairs of TorchScript
// archives are in tools/bertjit/diff_test.cpp.
#include "diff/diff.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "container/npz.h"
#include "container/safetensors.h"
#include "diff/elements.h"
#include "support/error.h"
#include "testing/error_of.h"
#include "testing/testing.h"

using namespace bertjit;
using testing::error_of;
using testing::read_bytes;
using testing::TempDir;
using testing::testdata;
using testing::write_bytes;

namespace fs = std::filesystem;

namespace {

/// Tensors that can be changed, of testdata/tiny-bert.
class Model {
 public:
  Model() {
    for (const TensorView& tensor : read_safetensors(testdata("tiny-bert/model.safetensors")).tensors) {
      arrays_.push_back({tensor.name, tensor.dtype, tensor.shape, {tensor.bytes.begin(), tensor.bytes.end()}});
    }
  }

  Array& at(const std::string& name) {
    return *std::ranges::find(arrays_, name, &Array::name);
  }
  std::vector<Array>& all() {
    return arrays_;
  }
  /// Element by element, of every tensor whose name ends so.
  void change(const std::string& end, const std::function<float(float, size_t)>& to) {
    for (Array& array : arrays_) {
      for (size_t i = 0; array.name.ends_with(end) && i < array.bytes.size() / 4; ++i) {
        float value;
        std::memcpy(&value, array.bytes.data() + i * 4, 4);
        value = to(value, i);
        std::memcpy(array.bytes.data() + i * 4, &value, 4);
      }
    }
  }
  void remove(const std::string& begin) {
    std::erase_if(arrays_, [&](const Array& array) { return array.name.starts_with(begin); });
  }
  void save(const fs::path& path, const std::map<std::string, std::string>& metadata = {}) {
    std::vector<TensorView> views;
    for (Array& array : arrays_) {
      views.push_back({array.name, array.dtype, array.shape, array.bytes});
    }
    write_safetensors(path, views, metadata);
  }

 private:
  std::vector<Array> arrays_;
};

constexpr const char* kWeight = "encoder.layer.1.attention.self.query.weight";  // [32, 32]
constexpr const char* kBias = "pooler.dense.bias";                              // [32]

/// -1 to 1, another number for each place and seed.
float random_number(size_t i, uint64_t seed) {
  uint64_t state = (i + 1) * 0x9e3779b97f4a7c15u + seed * 0xbf58476d1ce4e5b9u;
  state ^= state >> 31;
  state *= 0x94d049bb133111ebu;
  state ^= state >> 29;
  return static_cast<float>(state >> 40) / 8388608.f - 1.f;
}

void permute_rows(Array& array) {
  const size_t row = array.bytes.size() / static_cast<size_t>(array.shape[0]);
  std::rotate(array.bytes.begin(), array.bytes.begin() + static_cast<std::ptrdiff_t>(row), array.bytes.end());
}

void transpose(Array& array) {
  const auto rows = static_cast<size_t>(array.shape[0]);
  const auto columns = static_cast<size_t>(array.shape[1]);
  std::vector<std::byte> turned(array.bytes.size());
  for (size_t i = 0; i < rows * columns; ++i) {
    std::memcpy(turned.data() + (i % columns * rows + i / columns) * 4, array.bytes.data() + i * 4, 4);
  }
  array.bytes = turned;
  std::swap(array.shape[0], array.shape[1]);
}

void swap_bytes(Array& array) {
  for (size_t i = 0; i < array.bytes.size(); i += 4) {
    std::reverse(array.bytes.begin() + static_cast<std::ptrdiff_t>(i),
                 array.bytes.begin() + static_cast<std::ptrdiff_t>(i) + 4);
  }
}

void exchange_layers(Model& model) {
  for (Array& array : model.all()) {
    if (array.name.starts_with("encoder.layer.0.")) {
      std::swap(array.bytes, model.at("encoder.layer.1." + array.name.substr(16)).bytes);
    }
  }
}

struct Pair {
  const char* cause;  ///< id
  const char* words;  ///< that its text holds
  std::function<void(Model&)> change;
};

const std::vector<Pair> kPairs{
    {"one-weight", "bit 30 flipped",
     [](Model& model) { model.at(kWeight).bytes[4 * (3 * 32 + 17) + 3] ^= std::byte{0x40}; }},
    {"one-weight", "pooler.dense.bias [5]",
     [](Model& model) { model.change(kBias, [](float x, size_t i) { return i == 5 ? 7.f : x; }); }},
    {"changed-tensor", "only row 9",
     [](Model& model) {
       model.change(kWeight, [](float x, size_t i) { return i / 32 == 9 ? x + random_number(i, 1) : x; });
     }},
    {"changed-tensors", "all of them in pooler",
     [](Model& model) {
       model.change("pooler.dense.weight", [](float x, size_t i) { return x + random_number(i, 1); });
       model.change(kBias, [](float x, size_t i) { return x + random_number(i, 2); });
     }},
    {"exchanged", "encoder.layer.0 and encoder.layer.1 (32 tensors)", exchange_layers},
    {"transposed", kWeight, [](Model& model) { transpose(model.at(kWeight)); }},
    {"transposed", "intermediate.dense.weight",
     [](Model& model) { transpose(model.at("encoder.layer.0.intermediate.dense.weight")); }},
    {"permuted", "rows in another order", [](Model& model) { permute_rows(model.at(kWeight)); }},
    {"permuted", "columns in another order",
     [](Model& model) {
       transpose(model.at(kWeight));
       permute_rows(model.at(kWeight));
       transpose(model.at(kWeight));
     }},
    {"reshaped", "another shape",
     [](Model& model) {
       model.at(kWeight).shape = {64, 16};
     }},
    {"resized", "more rows",
     [](Model& model) {
       Array& table = model.at("embeddings.word_embeddings.weight");
       table.shape[0] += 2;
       table.bytes.resize(table.bytes.size() + 2 * 32 * 4);
     }},
    {"byte-order", "big-endian", [](Model& model) { swap_bytes(model.at(kWeight)); }},
    {"scaled", "B is A times 0.125",
     [](Model& model) { model.change(kWeight, [](float x, size_t) { return x / 8; }); }},
    {"scaled", "every sign turned", [](Model& model) { model.change(kWeight, [](float x, size_t) { return -x; }); }},
    {"scaled", "plus 0.5", [](Model& model) { model.change(kBias, [](float x, size_t) { return x + 0.5f; }); }},
    {"zeroed", "is 0", [](Model& model) { model.change(kBias, [](float, size_t) { return 0.f; }); }},
    {"zeroed", "is 3", [](Model& model) { model.change(kBias, [](float, size_t) { return 3.f; }); }},
    {"non-finite", "none in A, 2 NaN in B",
     [](Model& model) { model.change(kWeight, [](float x, size_t i) { return i == 1 || i == 40 ? NAN : x; }); }},
    {"rounded", "B went through bfloat16",
     [](Model& model) { model.change("", [](float x, size_t) { return round_to_bfloat16(x); }); }},
    {"rounded", "B went through float16",
     [](Model& model) { model.change("", [](float x, size_t) { return round_to_float16(x); }); }},
    {"another-checkpoint", "39 of 39 tensors",
     [](Model& model) { model.change("", [](float, size_t i) { return random_number(i, 3); }); }},
    {"trained-on", "nearby weights",
     [](Model& model) { model.change("", [](float x, size_t i) { return x + 0.001f * random_number(i, 4); }); }},
    {"removed-tensors", "B lacks 2 tensors: pooler.dense.bias and pooler.dense.weight",
     [](Model& model) { model.remove("pooler."); }},
    {"added-tensors", "B adds 1 tensor: classifier.weight",
     [](Model& model) {
       Array head = model.at(kWeight);
       head.name = "classifier.weight";
       head.bytes[0] ^= std::byte{1};
       model.all().push_back(head);
     }},
    {"tied", "cls.predictions.decoder.weight holds what embeddings.word_embeddings.weight does",
     [](Model& model) {
       Array decoder = model.at("embeddings.word_embeddings.weight");
       decoder.name = "cls.predictions.decoder.weight";
       model.all().push_back(decoder);
     }},
    {"renamed-tensors", "embeddings.LayerNorm.weight is embeddings.LayerNorm.gamma",
     [](Model& model) { model.at("embeddings.LayerNorm.weight").name = "embeddings.LayerNorm.gamma"; }},
    {"renamed-prefix", "begin with 'bert.'",
     [](Model& model) {
       for (Array& array : model.all()) {
         array.name = "bert." + array.name;
       }
     }},
    {"another-model", "no tensor",
     [](Model& model) {
       for (Array& array : model.all()) {
         array.name = "x" + array.name;
         array.bytes[0] ^= std::byte{1};
       }
     }},
    {"dtype", "float32 to float64, the same values",
     [](Model& model) {
       for (Array& array : model.all()) {
         std::vector<std::byte> wide(array.bytes.size() * 2);
         for (size_t i = 0; i < array.bytes.size() / 4; ++i) {
           float value;
           std::memcpy(&value, array.bytes.data() + i * 4, 4);
           const double number = value;
           std::memcpy(wide.data() + i * 8, &number, 8);
         }
         array.bytes = wide;
         array.dtype = DType::kFloat64;
       }
     }},
};

DiffResult diff(const fs::path& a, const fs::path& b, DiffLevel level = DiffLevel::kContent) {
  return diff_models({.a = a.string(), .b = b.string(), .level = level});
}

const DiffFact* find_fact(const DiffResult& result, const std::string& name) {
  const auto found = std::ranges::find(result.facts, name, &DiffFact::name);
  return found == result.facts.end() ? nullptr : &*found;
}

void copy_model(const fs::path& to) {
  fs::copy(testdata("tiny-bert"), to, fs::copy_options::recursive);
}

}  // namespace

TEST_CASE("diff: every constructed pair of checkpoints is told by its cause, in both directions") {
  const TempDir folder;
  Model().save(folder / "a.safetensors");
  for (const Pair& pair : kPairs) {
    Model changed;
    pair.change(changed);
    changed.save(folder / "b.safetensors");
    const DiffResult result = diff(folder / "a.safetensors", folder / "b.safetensors");
    INFO(pair.cause << " / " << pair.words);
    REQUIRE_FALSE(result.causes.empty());
    INFO(result.causes[0].text);
    CHECK(result.verdict == DiffVerdict::kDifferent);
    CHECK(result.causes[0].id == pair.cause);
    CHECK(result.causes[0].text.find(pair.words) != std::string::npos);
    const DiffResult back = diff(folder / "b.safetensors", folder / "a.safetensors");
    CHECK(back.verdict == DiffVerdict::kDifferent);
    CHECK(back.tensors.size() == result.tensors.size());
    CHECK(back.only_in_a.size() == result.only_in_b.size());
  }
  CHECK(kPairs.size() >= 12);
}

TEST_CASE("diff: one changed weight is located, with the values before and after") {
  const TempDir folder;
  Model model;
  model.save(folder / "a.safetensors");
  model.change(kWeight, [](float x, size_t i) { return i == 3 * 32 + 17 ? 2.5f : x; });
  model.save(folder / "b.safetensors");
  const DiffResult result = diff(folder / "a.safetensors", folder / "b.safetensors");
  CHECK(result.tensors_compared == 39);
  CHECK(result.elements_compared == 25536);
  REQUIRE(result.tensors.size() == 1);
  const DiffTensor& tensor = result.tensors[0];
  CHECK(tensor.name == kWeight);
  CHECK(tensor.differing == 1);
  CHECK(tensor.first.index == std::vector<int64_t>{3, 17});
  CHECK(tensor.first.b == 2.5);
  CHECK(tensor.max_abs == std::fabs(2.5 - tensor.first.a));
}

TEST_CASE("diff: a copy is identical, whatever it holds") {
  const TempDir folder;
  write_bytes(folder / "a", "any bytes");
  write_bytes(folder / "b", "any bytes");
  CHECK(diff(folder / "a", folder / "b").verdict == DiffVerdict::kIdentical);
  copy_model(folder / "m");
  CHECK(diff(testdata("tiny-bert"), folder / "m").verdict == DiffVerdict::kIdentical);
}

TEST_CASE("diff: the bytes of what is no model can be compared, and only these") {
  const TempDir folder;
  write_bytes(folder / "a", "any bytes");
  write_bytes(folder / "b", "other bytes");
  CHECK(diff(folder / "a", folder / "b", DiffLevel::kBytes).verdict == DiffVerdict::kDifferent);
  CHECK(error_of([&] { diff(folder / "a", folder / "b"); }).kind() == ErrorKind::kUnsupported);
}

TEST_CASE("diff: other metadata is another description, which counts") {
  const TempDir folder;
  Model().save(folder / "a.safetensors", {{"format", "pt"}});
  Model().save(folder / "b.safetensors", {{"format", "np"}});
  const DiffResult result = diff(folder / "a.safetensors", folder / "b.safetensors");
  CHECK(result.verdict == DiffVerdict::kDifferent);
  CHECK(result.effect == DiffEffect::kDescription);
  CHECK(result.causes[0].id == "metadata");
  CHECK(diff(folder / "a.safetensors", folder / "b.safetensors", DiffLevel::kWeights).verdict == DiffVerdict::kSame);
  CHECK(diff(folder / "a.safetensors", folder / "b.safetensors", DiffLevel::kBytes).verdict == DiffVerdict::kDifferent);
}

// testdata/README.md: stored/ holds the model of broken/intact, stored in every way a checkpoint is.
TEST_CASE("diff: one model stored in several ways is the same, or cast") {
  const fs::path intact = testdata("broken/intact");
  for (const char* name : {"sharded", "sharded-bin", "first-release", "training"}) {
    INFO(name);
    CHECK(diff(intact, testdata("stored/" + std::string(name)), DiffLevel::kWeights).verdict == DiffVerdict::kSame);
  }
  for (const char* name : {"float16", "bfloat16", "float64", "float16-bin", "bfloat16-old-bin"}) {
    INFO(name);
    const DiffResult result = diff(intact, testdata("stored/" + std::string(name)), DiffLevel::kWeights);
    CHECK(result.verdict == DiffVerdict::kDifferent);
    CHECK(result.causes[0].id == "dtype");
  }
}

TEST_CASE("diff: files of unlike kinds are compared by their tensors, and told so") {
  const TempDir folder;
  Model model;
  std::vector<TensorView> views;
  for (Array& array : model.all()) {
    views.push_back({array.name, array.dtype, array.shape, array.bytes});
  }
  write_npz(folder / "a.npz", views);
  const DiffResult same = diff(testdata("tiny-bert"), folder / "a.npz");
  CHECK(same.verdict == DiffVerdict::kSame);
  CHECK(same.only_tensors);
  model.change(kBias, [](float x, size_t i) { return i == 0 ? x + 1 : x; });
  write_npz(folder / "a.npz", views);
  CHECK(diff(testdata("tiny-bert"), folder / "a.npz").causes[0].id == "one-weight");
}

TEST_CASE("diff: a value in config.json is named, with what it was and is") {
  const TempDir folder;
  copy_model(folder / "b");
  std::string config = read_bytes(folder / "b" / "config.json");
  const std::string before = "\"hidden_act\": \"gelu\"";
  REQUIRE(config.find(before) != std::string::npos);
  config.replace(config.find(before), before.size(), "\"hidden_act\": \"relu\"");
  write_bytes(folder / "b" / "config.json", config);
  const DiffResult result = diff(testdata("tiny-bert"), folder / "b");
  CHECK(result.verdict == DiffVerdict::kDifferent);
  CHECK(result.causes[0].id == "config");
  CHECK(result.causes[0].text == "configuration: hidden_act: \"gelu\" and \"relu\"");
}

TEST_CASE("diff: another vocabulary is a difference, another README is none") {
  const TempDir folder;
  copy_model(folder / "b");
  write_bytes(folder / "b" / "README.md", "words");
  CHECK(diff(testdata("tiny-bert"), folder / "b").verdict == DiffVerdict::kSame);
  write_bytes(folder / "b" / "vocab.txt", read_bytes(folder / "b" / "vocab.txt") + "extra\n");
  const DiffResult result = diff(testdata("tiny-bert"), folder / "b");
  CHECK(result.verdict == DiffVerdict::kDifferent);
  CHECK(result.causes[0].id == "files");
  REQUIRE(find_fact(result, "vocab.txt") != nullptr);
  CHECK(find_fact(result, "vocab.txt")->text.find("+extra\n") != std::string::npos);
}

TEST_CASE("diff: the answer does not depend on the number of threads") {
  const TempDir folder;
  Model model;
  model.save(folder / "a.safetensors");
  model.change("", [](float x, size_t i) { return x + 0.01f * random_number(i, 5); });
  model.save(folder / "b.safetensors");
  const auto with = [&](int threads) {
    return diff_models(
        {.a = (folder / "a.safetensors").string(), .b = (folder / "b.safetensors").string(), .threads = threads});
  };
  const DiffResult one = with(1);
  const DiffResult many = with(7);
  REQUIRE(one.tensors.size() == many.tensors.size());
  for (size_t i = 0; i < one.tensors.size(); ++i) {
    CHECK(one.tensors[i].name == many.tensors[i].name);
    CHECK(one.tensors[i].cosine == many.tensors[i].cosine);
    CHECK(one.tensors[i].mean_abs == many.tensors[i].mean_abs);
  }
}

TEST_CASE("diff: a file that is cut short is an error that says of which it is the beginning") {
  const TempDir folder;
  Model().save(folder / "a.safetensors");
  write_bytes(folder / "b.safetensors", read_bytes(folder / "a.safetensors").substr(0, 50000));
  const Error error = error_of([&] { diff(folder / "a.safetensors", folder / "b.safetensors"); });
  CHECK(error.kind() == ErrorKind::kCorrupt);
  CHECK(std::string(error.what()).find("it is the first 50000 of ") != std::string::npos);
}

TEST_CASE("diff: what cannot be opened is an error of its kind") {
  const TempDir folder;
  Model().save(folder / "a.safetensors");
  CHECK(error_of([&] { diff(folder / "a.safetensors", folder / "none"); }).kind() == ErrorKind::kNotFound);
  fs::create_directory(folder / "empty");
  CHECK(error_of([&] { diff(folder / "a.safetensors", folder / "empty"); }).kind() == ErrorKind::kNotFound);
  CHECK(error_of([&] { diff(folder / "a.safetensors", "/dev/null"); }).kind() == ErrorKind::kInvalidArgument);
  CHECK(error_of([&] { diff(folder / "a.safetensors", testdata("broken/unsafe_pickle/pytorch_model.bin")); }).kind() ==
        ErrorKind::kUnsafe);
  CHECK(error_of([&] { diff(folder / "a.safetensors", testdata("tiny-bert"), DiffLevel::kCode); }).kind() ==
        ErrorKind::kUnsupported);
}
