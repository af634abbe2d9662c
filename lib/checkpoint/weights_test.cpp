#include "checkpoint/weights.h"

#include <cstring>

#include "testing/error_of.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using testing::error_of;

namespace {

/// A file of tensors in memory.
class Builder {
 public:
  Builder& add(const std::string& name, const at::Tensor& tensor) {
    arrays_->push_back(array_from_tensor(name, tensor));
    return *this;
  }
  TensorFile build() const {
    TensorFile file;
    file.path = "model.safetensors";
    for (Array& array : *arrays_) {
      file.tensors.push_back({array.name, array.dtype, array.shape, array.bytes, arrays_});
    }
    sort_by_name(file);
    return file;
  }
  CheckpointWeights weights(at::ScalarType dtype = at::kFloat) const {
    return CheckpointWeights(build(), "bert.", dtype);
  }

 private:
  std::shared_ptr<std::vector<Array>> arrays_ = std::make_shared<std::vector<Array>>();
};

uint32_t bits(const at::Tensor& tensor, int64_t index) {
  const float value = tensor.flatten()[index].item<float>();
  uint32_t word;
  std::memcpy(&word, &value, sizeof word);
  return word;
}

}  // namespace

TEST_CASE("weights: missing, wrongly shaped, wrongly typed and unused tensors are listed at once") {
  auto weights = Builder()
                     .add("a.weight", at::ones({2, 3}))
                     .add("b.weight", at::ones({4}))
                     .add("ids", at::ones({2}, at::kLong))
                     .add("zz.extra", at::ones({1}))
                     .add("left.over", at::ones({1}))
                     .weights();
  CHECK(weights.take("a.weight", {2, 3}, Init::kNormal).sizes() == at::IntArrayRef({2, 3}));
  // What is wrong has no memory but the right shape, so that the network can go on asking.
  const at::Tensor wrong = weights.take("b.weight", {5}, Init::kNormal);
  CHECK(wrong.is_meta());
  CHECK(wrong.sizes() == at::IntArrayRef({5}));
  CHECK(weights.take("c.weight", {7, 8}, Init::kNormal).is_meta());
  CHECK(weights.take("d.bias", {9}, Init::kZeros).is_meta());
  CHECK(weights.take("ids", {2}, Init::kNormal).is_meta());
  const Error error = error_of([&] { weights.finish(); });
  CHECK(error.kind() == ErrorKind::kCorrupt);
  CHECK_THAT(error.what(), Equals("model.safetensors: does not hold the weights that config.json describes\n"
                                  "  missing (2):\n"
                                  "    c.weight [7, 8]\n"
                                  "    d.bias [9]\n"
                                  "  wrong shape or dtype (2):\n"
                                  "    b.weight is [4], config.json says [5]\n"
                                  "    ids is int64, expected a floating dtype\n"
                                  "  in the file but not used (2):\n"
                                  "    left.over\n"
                                  "    zz.extra"));
}

TEST_CASE("weights: unused tensors alone are no error, and are listed") {
  auto weights = Builder().add("a", at::ones({1})).add("b", at::ones({1})).weights();
  weights.take("a", {1}, Init::kNormal);
  weights.finish();
  CHECK(weights.unused() == std::vector<std::string>{"b"});
}

TEST_CASE("weights: names behind another prefix are missing, and the prefix is named with the way out") {
  const auto message = [](const std::string& prefix) {
    auto weights = Builder()
                       .add(prefix + "bert.a.weight", at::ones({1}))
                       .add(prefix + "bert.LayerNorm.gamma", at::ones({1}))
                       .weights();
    weights.take("a.weight", {1}, Init::kNormal);
    weights.take("LayerNorm.weight", {1}, Init::kOnes);
    return std::string(error_of([&] { weights.finish(); }).what());
  };
  CHECK_THAT(message("module."), Contains("\n  its names begin with 'module.', which DataParallel adds: save "
                                          "model.module.state_dict()\n  missing (2):"));
  CHECK_THAT(message("_orig_mod."), Contains("its names begin with '_orig_mod.', which torch.compile adds"));
  CHECK_THAT(message("net.part."), Contains("its names begin with 'net.part.': save the state_dict() of that part"));
  auto weights = Builder().add("module.a", at::ones({1})).weights();
  for (const char* name : {"a", "b", "c"}) {
    weights.take(name, {1}, Init::kNormal);
  }
  CHECK_THAT(error_of([&] { weights.finish(); }).what(), !Contains("begin with"));  // one of three proves nothing
}

TEST_CASE("weights: what the reader passed over stands in the message about what is missing") {
  TensorFile file = Builder().add("a", at::ones({1})).build();
  file.notes = {"model.bin: passed over what is no tensor: 'b'"};
  CheckpointWeights weights(file, "bert.", at::kFloat);
  weights.take("b", {1}, Init::kNormal);
  CHECK_THAT(error_of([&] { weights.finish(); }).what(),
             Contains("\n  model.bin: passed over what is no tensor: 'b'\n"));
}

TEST_CASE("weights: position and segment buffers of older releases are not called unused, other tensors are") {
  auto weights = Builder()
                     .add("a", at::ones({1}))
                     .add("bert.embeddings.position_ids", at::arange(4))
                     .add("embeddings.token_type_ids", at::zeros({1, 4}, at::kLong))
                     .add("embeddings.token_type_ids.float", at::zeros({1}))
                     .add("x.embeddings.position_ids", at::zeros({1}))
                     .build();
  CheckpointWeights taken(weights, "bert.", at::kFloat);
  taken.take("a", {1}, Init::kNormal);
  taken.finish();
  CHECK(taken.unused() == std::vector<std::string>{"embeddings.token_type_ids.float", "x.embeddings.position_ids"});
}

TEST_CASE("weights: names are found with and without the base model's prefix") {
  // Saved from the base model, read by a head; and the other way round.
  auto plain = Builder().add("encoder.weight", at::full({1}, 3.0)).weights();
  CHECK(plain.has("bert.encoder.weight"));
  CHECK(plain.take("bert.encoder.weight", {1}, Init::kNormal).item<float>() == 3);
  auto prefixed = Builder().add("bert.encoder.weight", at::full({1}, 4.0)).weights();
  CHECK(prefixed.has("encoder.weight"));
  CHECK(prefixed.take("encoder.weight", {1}, Init::kNormal).item<float>() == 4);
  prefixed.finish();
  CHECK(prefixed.unused().empty());
  CHECK_FALSE(prefixed.has("decoder.weight"));
}

TEST_CASE("weights: the exact name wins over the one with the prefix") {
  auto both = Builder().add("x", at::full({1}, 1.0)).add("bert.x", at::full({1}, 2.0)).weights();
  CHECK(both.take("x", {1}, Init::kNormal).item<float>() == 1);
  CHECK(both.take("bert.x", {1}, Init::kNormal).item<float>() == 2);
}

TEST_CASE("weights: LayerNorm.gamma and beta of the first BERT release are found") {
  auto weights = Builder()
                     .add("bert.embeddings.LayerNorm.gamma", at::full({2}, 5.0))
                     .add("bert.embeddings.LayerNorm.beta", at::full({2}, 6.0))
                     .weights();
  CHECK(weights.take("embeddings.LayerNorm.weight", {2}, Init::kOnes)[0].item<float>() == 5);
  CHECK(weights.take("bert.embeddings.LayerNorm.bias", {2}, Init::kZeros)[0].item<float>() == 6);
  weights.finish();
  CHECK(weights.unused().empty());
}

TEST_CASE("weights: float16 and bfloat16 are widened to float32 exactly") {
  // 1/3 rounded to 11 and to 8 bits of significand (IEEE 754 binary16; bfloat16 is the upper half of binary32).
  auto weights = Builder()
                     .add("half", at::full({3}, 1.0 / 3, at::kHalf))
                     .add("brain", at::full({3}, 1.0 / 3, at::kBFloat16))
                     .weights();
  const at::Tensor half = weights.take("half", {3}, Init::kNormal);
  const at::Tensor brain = weights.take("brain", {3}, Init::kNormal);
  CHECK(half.scalar_type() == at::kFloat);
  CHECK(brain.scalar_type() == at::kFloat);
  CHECK(half[1].item<float>() == 0.333251953125f);
  CHECK(brain[1].item<float>() == 0.333984375f);
}

TEST_CASE("weights: float32 is used in place, without a copy, and outlives the file object") {
  const at::Tensor source = at::arange(6, at::kFloat).reshape({2, 3});
  at::Tensor taken;
  {
    const TensorFile file = Builder().add("w", source).build();
    CheckpointWeights weights(file, "bert.", at::kFloat);
    taken = weights.take("w", {2, 3}, Init::kNormal);
    CHECK(taken.const_data_ptr() == static_cast<const void*>(file.tensors[0].bytes.data()));
  }
  CHECK(at::equal(taken, source));
}

TEST_CASE("weights: a view that is not aligned is copied, not misread") {
  auto buffer = std::make_shared<std::vector<std::byte>>(64);
  const float values[] = {1.5f, -2.5f, 3.5f};
  std::memcpy(buffer->data() + 1, values, sizeof values);
  TensorView view{"w", DType::kFloat32, {3}, std::span(*buffer).subspan(1, sizeof values), buffer};
  const at::Tensor tensor = tensor_from_view(view);
  CHECK(reinterpret_cast<uintptr_t>(tensor.const_data_ptr()) % alignof(float) == 0);
  CHECK(at::equal(tensor, at::tensor({1.5f, -2.5f, 3.5f})));
  view.bytes = {};
  view.shape = {0, 3};
  CHECK(tensor_from_view(view).sizes() == at::IntArrayRef({0, 3}));
}

TEST_CASE("weights: every container dtype survives the way to a tensor and back") {
  for (const at::ScalarType type : {at::kBool, at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kHalf,
                                    at::kBFloat16, at::kFloat, at::kDouble}) {
    INFO(at::toString(type));
    const at::Tensor tensor = at::tensor({0, 1, 0, 1, 1, 0}, at::kInt).to(type).reshape({2, 3});
    Array array = array_from_tensor("t", tensor.t());  // strides must not show
    CHECK(array.shape == std::vector<int64_t>{3, 2});
    CHECK(scalar_type(array.dtype) == type);
    const at::Tensor back = tensor_from_view({"t", array.dtype, array.shape, array.bytes});
    CHECK(at::equal(back, tensor.t()));
  }
  const Error error = error_of([] { container_dtype(at::kComplexFloat); });
  CHECK(error.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(error.what(), Contains("ComplexFloat"));
}

TEST_CASE("random weights: the bits of a seed and a name never change") {
  // Computed once by a Python program from the published definitions alone: SplitMix64 (Steele, Lea, Flood 2014;
  // first number of state 0 is e220a8397b1dcdaf), FNV-1a 64 (hash of "a" is af63dc4c8601ec8c), then as weights.h says.
  RandomWeights zero(0, 0.02, at::kFloat);
  const at::Tensor words = zero.take("embeddings.word_embeddings.weight", {2, 2}, Init::kNormal);
  CHECK(bits(words, 0) == 0x3c436876);
  CHECK(bits(words, 1) == 0xbb46ad99);
  CHECK(bits(words, 2) == 0x3bd458a5);
  CHECK(bits(words, 3) == 0x3c014efe);
  RandomWeights other(42, 0.02, at::kFloat);
  const at::Tensor classifier = other.take("classifier.weight", {4}, Init::kNormal);
  CHECK(bits(classifier, 0) == 0x3c4e761c);
  CHECK(bits(classifier, 1) == 0xb8942528);
  CHECK(bits(classifier, 2) == 0xbbf32c50);
  CHECK(bits(classifier, 3) == 0xbcde1d15);
}

TEST_CASE("random weights: a parameter does not depend on which others were taken before") {
  RandomWeights forwards(3, 0.02, at::kFloat);
  const at::Tensor a = forwards.take("a", {8}, Init::kNormal);
  const at::Tensor b = forwards.take("b", {8}, Init::kNormal);
  RandomWeights backwards(3, 0.02, at::kFloat);
  CHECK(at::equal(backwards.take("b", {8}, Init::kNormal), b));
  CHECK(at::equal(backwards.take("a", {8}, Init::kNormal), a));
  CHECK_FALSE(at::equal(a, b));
  CHECK_FALSE(at::equal(RandomWeights(4, 0.02, at::kFloat).take("a", {8}, Init::kNormal), a));
}

TEST_CASE("random weights: mean 0 and standard deviation initializer_range") {
  RandomWeights weights(1, 0.02, at::kFloat);
  const at::Tensor values = weights.take("big", {1000, 1000}, Init::kNormal).to(at::kDouble);
  // Standard errors of a million values: 2e-5 for the mean, 1.4e-5 for the deviation; five of each.
  CHECK(std::abs(values.mean().item<double>()) < 1e-4);
  CHECK(std::abs(values.std().item<double>() - 0.02) < 7e-5);
}

TEST_CASE("random weights: zeros, ones, a zero padding row, and the dtype asked for") {
  RandomWeights weights(1, 0.02, at::kBFloat16);
  CHECK(weights.take("bias", {4}, Init::kZeros).eq(0).all().item<bool>());
  CHECK(weights.take("LayerNorm.weight", {4}, Init::kOnes).eq(1).all().item<bool>());
  const at::Tensor table = weights.take("words", {3, 16}, Init::kNormalRow0Zero);
  CHECK(table[0].eq(0).all().item<bool>());
  CHECK(table[1].ne(0).any().item<bool>());
  CHECK(table.scalar_type() == at::kBFloat16);
  CHECK_FALSE(weights.has("words"));
}

}  // namespace bertjit
