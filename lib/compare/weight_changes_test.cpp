// Weights are made from a fixed seed. What is done to them is torch's own operator (to(kHalf), fake_quantize_…,
// index_select), so that the expected answer is the name of what was done.
#include "compare/weight_changes.h"

#include <cmath>
#include <limits>

#include <ATen/ATen.h>

#include "compare/weight_grid.h"
#include "compare/weight_relation.h"
#include "testing/testing.h"

namespace bertjit {
namespace {

using Actual = std::map<std::string, at::Tensor>;
using Names = std::vector<std::string>;
using Catch::Matchers::Contains;

at::Tensor normal(std::vector<int64_t> shape, uint64_t seed, double size = 0.2) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator, at::kFloat).mul_(size);
}

/// Two layers of a BERT of hidden size 16, in the order of the network.
OrderedWeights two_layers(uint64_t seed = 1) {
  OrderedWeights weights;
  uint64_t next = seed * 1000;
  weights.emplace_back("bert.embeddings.word_embeddings.weight", normal({40, 16}, ++next));
  for (const std::string layer : {"bert.encoder.layer.0.", "bert.encoder.layer.1."}) {
    for (const std::string part :
         {"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"}) {
      weights.emplace_back(layer + part + ".weight", normal({16, 16}, ++next));
      weights.emplace_back(layer + part + ".bias", normal({16}, ++next));
    }
    weights.emplace_back(layer + "intermediate.dense.weight", normal({32, 16}, ++next));
    weights.emplace_back(layer + "output.LayerNorm.weight", normal({16}, ++next).add_(1));
    weights.emplace_back(layer + "output.LayerNorm.bias", at::zeros({16}));
  }
  weights.emplace_back("classifier.weight", normal({2, 16}, ++next));
  return weights;
}

Actual copy_of(const OrderedWeights& weights) {
  Actual copy;
  for (const auto& [name, weight] : weights) {
    copy[name] = weight.clone();
  }
  return copy;
}

constexpr const char* kQuery = "bert.encoder.layer.1.attention.self.query";
const std::string kQueryWeight = std::string(kQuery) + ".weight";

/// What becomes of the query of layer 1 if `change` is done to it.
template <class Change>
WeightFinding finding_of(const Change& change) {
  const OrderedWeights expected = two_layers();
  Actual actual = copy_of(expected);
  actual[kQueryWeight] = change(actual[kQueryWeight]);
  const WeightChanges changes = compare_weights(expected, actual);
  CHECK(changes.different == Names{kQueryWeight});
  CHECK(changes.rows.size() == 1);
  REQUIRE(changes.findings.size() == 1);
  CHECK(changes.findings[0].where == kQuery);
  CHECK(changes.findings[0].tensors == Names{kQueryWeight});
  CHECK_FALSE(changes.findings[0].advice.empty());
  CHECK_THAT(changes.findings[0].summary, Contains(kQueryWeight));
  return changes.findings[0];
}

TEST_CASE("compare_weights: the same weights, in whatever dtype holds them, are no finding") {
  const OrderedWeights expected = two_layers();
  const WeightChanges same = compare_weights(expected, copy_of(expected));
  CHECK(same.findings.empty());
  CHECK(same.compared == static_cast<int64_t>(expected.size()));
  CHECK(same.equal == same.compared);
  CHECK(same.different.empty());
  Actual wide = copy_of(expected);
  for (auto& [name, weight] : wide) {
    weight = weight.to(at::kDouble);
  }
  CHECK(compare_weights(expected, wide).findings.empty());
  // A model in half precision may keep its normalisations in float32.
  OrderedWeights half = expected;
  for (auto& [name, weight] : half) {
    weight = weight.to(at::kHalf);
  }
  CHECK(compare_weights(half, copy_of(half)).findings.empty());
  CHECK(compare_weights(half, copy_of(expected)).findings.empty());
}

TEST_CASE("compare_weights: what was done to one weight is named, with its module") {
  const auto id_of = [](const auto& change) { return finding_of(change).id; };
  CHECK(id_of([](const at::Tensor& w) { return w.mul(normal({16, 16}, 9, 1e-3).add_(1)); }) == "noise");
  CHECK(id_of([](const at::Tensor& w) { return w.add(normal({16, 16}, 9, 1e-6)); }) == "noise");
  CHECK(id_of([](const at::Tensor& w) { return w.t().contiguous(); }) == "transposed");
  CHECK(id_of([](const at::Tensor& w) { return w.neg(); }) == "negated");
  CHECK(id_of([](const at::Tensor& w) { return w.mul(0.35355338); }) == "scaled");
  CHECK(id_of([](const at::Tensor& w) { return w.add(0.01); }) == "shifted");
  CHECK(id_of([](const at::Tensor& w) { return at::zeros_like(w); }) == "zeroed");
  CHECK(id_of([](const at::Tensor& w) { return at::full_like(w, 0.5); }) == "filled");
  CHECK(id_of([](const at::Tensor& w) { return w.clamp(-0.2, 0.2); }) == "clipped");
  CHECK(id_of([](const at::Tensor& w) { return at::where(w.abs() < 0.1, at::zeros_like(w), w); }) == "pruned");
  CHECK(id_of([](const at::Tensor& w) { return w.to(at::kHalf).to(at::kFloat); }) == "rounded");
  CHECK(id_of([](const at::Tensor& w) { return w.to(at::kBFloat16).to(at::kFloat); }) == "rounded");
  CHECK(id_of([](const at::Tensor& w) { return w.to(at::kHalf); }) == "narrower");
  CHECK(id_of([](const at::Tensor& w) { return w.flip(0); }) == "rows-reordered");
  CHECK(id_of([](const at::Tensor& w) { return w.flip(1); }) == "columns-reordered");
  CHECK(id_of([](const at::Tensor& w) { return w.narrow(0, 0, 8); }) == "shape");
  CHECK(id_of([](const at::Tensor&) { return normal({16, 16}, 77); }) == "unrelated");
}

TEST_CASE("compare_weights: the words say how much, and where within the weight") {
  const auto words_of = [](const auto& change) { return finding_of(change).summary; };
  // Relative noise of 1e-3: the root mean square of 256 normal numbers is within a tenth of it.
  const std::string noise = words_of([](const at::Tensor& w) { return w.mul(normal({16, 16}, 9, 1e-3).add_(1)); });
  CHECK_THAT(noise, Contains("noise of 0.00") && Contains("every element"));
  CHECK_THAT(words_of([](at::Tensor w) {
               w[3][5].add_(1e-3);
               return w;
             }),
             Contains("one element, [3, 5], by 0.001"));
  CHECK_THAT(words_of([](at::Tensor w) {
               w[7].add_(normal({16}, 5));
               return w;
             }),
             Contains("differs in row 7"));
  CHECK_THAT(words_of([](at::Tensor w) {
               w.select(1, 2).add_(normal({16}, 5));
               return w;
             }),
             Contains("differs in column 2"));
  CHECK_THAT(words_of([](at::Tensor w) {
               w.narrow(0, 4, 4).zero_();
               return w;
             }),
             Contains("rows 4 to 7 set to 0"));
  CHECK_THAT(words_of([](at::Tensor w) {
               w[9].fill_(std::numeric_limits<float>::quiet_NaN());
               w[9][0] = std::numeric_limits<float>::infinity();
               return w;
             }),
             Contains("15 NaN and 1 infinite") && Contains("row 9"));
  CHECK_THAT(words_of([](const at::Tensor& w) {
               return at::cat({w.narrow(0, 8, 4), w.narrow(0, 4, 4), w.narrow(0, 0, 4), w.narrow(0, 12, 4)});
             }),
             Contains("blocks of 4, as heads are"));
  CHECK_THAT(words_of([](const at::Tensor& w) {
               return w.index_select(0, at::tensor({0, 5, 2, 3, 4, 1, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
             }),
             Contains("1 and 5 exchanged"));
  CHECK_THAT(words_of([](const at::Tensor& w) { return w.to(at::kBFloat16).to(at::kFloat); }),
             Contains("went through bfloat16 and back"));
  CHECK_THAT(words_of([](const at::Tensor& w) { return w.mul(0.25); }), Contains("times 0.25"));
  CHECK_THAT(words_of([](const at::Tensor& w) { return at::where(w.abs() < 0.1, at::zeros_like(w), w); }),
             Contains("the smallest ones"));
}

TEST_CASE("compare_weights: what may leave the function as it is, is told from what cannot") {
  const auto effect_of = [](const auto& change) { return finding_of(change).effect; };
  CHECK(effect_of([](const at::Tensor& w) { return w.mul(0.5); }) == ChangeEffect::kPerhapsNone);
  CHECK(effect_of([](const at::Tensor& w) { return w.flip(0); }) == ChangeEffect::kPerhapsNone);
  CHECK(effect_of([](const at::Tensor& w) { return w.add(w[0].mul(0.1)); }) == ChangeEffect::kPerhapsNone);
  CHECK(effect_of([](const at::Tensor& w) { return w.add(1e-5); }) == ChangeEffect::kChanges);
  // Rows of a table are tokens.
  const OrderedWeights expected = two_layers();
  Actual actual = copy_of(expected);
  actual["bert.embeddings.word_embeddings.weight"] = actual["bert.embeddings.word_embeddings.weight"].flip(0);
  const WeightChanges changes = compare_weights(expected, actual);
  REQUIRE(changes.findings.size() == 1);
  CHECK(changes.findings[0].effect == ChangeEffect::kChanges);
  CHECK(changes.findings[0].where == "bert.embeddings.word_embeddings");
}

TEST_CASE("compare_weights: exchanged layers are one finding, at the first of the two") {
  const OrderedWeights expected = two_layers();
  Actual actual = copy_of(expected);
  for (auto& [name, weight] : actual) {
    const size_t at = name.find("layer.0.");
    if (at != std::string::npos) {
      std::swap(weight, actual.at(std::string(name).replace(at, 8, "layer.1.")));
    }
  }
  const WeightChanges changes = compare_weights(expected, actual);
  REQUIRE(changes.findings.size() == 1);
  CHECK(changes.findings[0].id == "exchanged");
  CHECK(changes.findings[0].where == "bert.encoder.layer.0");
  CHECK_THAT(changes.findings[0].summary, Contains("bert.encoder.layer.0 and bert.encoder.layer.1"));
  // Biases of normalisations are all zero in both.
  CHECK(changes.findings[0].tensors.size() == 20);
  CHECK(changes.different.size() == 20);
}

TEST_CASE("compare_weights: query and key exchanged, and a layer copied over another, are named") {
  const OrderedWeights expected = two_layers();
  Actual actual = copy_of(expected);
  for (const std::string part : {".weight", ".bias"}) {
    std::swap(actual.at("bert.encoder.layer.1.attention.self.query" + part),
              actual.at("bert.encoder.layer.1.attention.self.key" + part));
  }
  const WeightChanges exchanged = compare_weights(expected, actual);
  REQUIRE(exchanged.findings.size() == 1);
  CHECK(exchanged.findings[0].id == "exchanged");
  CHECK(exchanged.findings[0].where == kQuery);

  actual = copy_of(expected);
  for (auto& [name, weight] : actual) {
    const size_t at = name.find("layer.1.");
    if (at != std::string::npos) {
      weight = actual.at(std::string(name).replace(at, 8, "layer.0."));
    }
  }
  const WeightChanges copied = compare_weights(expected, actual);
  REQUIRE(copied.findings.size() == 1);
  CHECK(copied.findings[0].id == "copied");
  CHECK(copied.findings[0].where == "bert.encoder.layer.1");
}

TEST_CASE("compare_weights: exchanged weights are found behind rounding, too") {
  const OrderedWeights expected = two_layers();
  Actual actual = copy_of(expected);
  const auto rounded = [&](const char* name) { return actual.at(name).to(at::kBFloat16).to(at::kFloat); };
  const at::Tensor key = rounded("bert.encoder.layer.0.attention.self.key.weight");
  actual["bert.encoder.layer.0.attention.self.key.weight"] =
      rounded("bert.encoder.layer.0.attention.self.value.weight");
  actual["bert.encoder.layer.0.attention.self.value.weight"] = key;
  const WeightChanges changes = compare_weights(expected, actual);
  REQUIRE(changes.findings.size() == 1);
  CHECK(changes.findings[0].id == "exchanged");
  CHECK(changes.findings[0].where == "bert.encoder.layer.0.attention.self.key");
}

TEST_CASE("compare_weights: what happened to the whole model is one finding, at no module") {
  const OrderedWeights expected = two_layers();
  for (const at::ScalarType narrow : {at::kHalf, at::kBFloat16}) {
    Actual actual = copy_of(expected);
    for (auto& [name, weight] : actual) {
      weight = weight.to(narrow).to(at::kFloat);
    }
    const WeightChanges changes = compare_weights(expected, actual);
    REQUIRE(changes.findings.size() == 1);
    CHECK(changes.findings[0].id == "rounded");
    CHECK(changes.findings[0].where.empty());
    CHECK_THAT(changes.findings[0].summary, Contains(narrow == at::kHalf ? " went through float16" : "bfloat16"));
  }
  const WeightChanges other = compare_weights(expected, copy_of(two_layers(2)));
  REQUIRE(other.findings.size() == 1);
  CHECK(other.findings[0].id == "another-checkpoint");
  CHECK(other.findings[0].where.empty());
  // Training steps: every weight is near, none is the same.
  Actual trained = copy_of(expected);
  uint64_t seed = 500;
  for (auto& [name, weight] : trained) {
    weight = weight.add(normal(weight.sizes().vec(), ++seed, 1e-4));
  }
  const WeightChanges noisy = compare_weights(expected, trained);
  REQUIRE(noisy.findings.size() == 1);
  CHECK(noisy.findings[0].id == "noise");
  CHECK(noisy.findings[0].where.empty());
}

TEST_CASE("compare_weights: one layer of another checkpoint is that layer") {
  const OrderedWeights expected = two_layers();
  const Actual other = copy_of(two_layers(3));
  Actual actual = copy_of(expected);
  for (auto& [name, weight] : actual) {
    if (name.find("layer.1.") != std::string::npos) {
      weight = other.at(name);
    }
  }
  const WeightChanges changes = compare_weights(expected, actual);
  REQUIRE_FALSE(changes.findings.empty());
  CHECK(changes.findings[0].id == "unrelated");
  CHECK(changes.findings[0].where == "bert.encoder.layer.1");
}

at::Tensor int8_of(const at::Tensor& weight, bool by_row) {
  if (by_row) {
    const at::Tensor scales = weight.abs().amax(1).div(127.5);
    return at::fake_quantize_per_channel_affine(weight, scales, at::zeros_like(scales), 0, -128, 127);
  }
  return at::fake_quantize_per_tensor_affine(weight, weight.abs().max().item<double>() / 127.5, 0, -128, 127);
}

TEST_CASE("compare_weights: int8 within half a step is honest where the file says so, and a finding where not") {
  const OrderedWeights expected = two_layers();
  for (const bool by_row : {false, true}) {
    Actual actual = copy_of(expected);
    for (auto& [name, weight] : actual) {
      weight = weight.dim() == 2 ? int8_of(weight, by_row) : weight;
    }
    const WeightChanges honest = compare_weights(expected, actual, {.may_be_quantized = true});
    CHECK(honest.findings.empty());
    CHECK(honest.quantized == 12);
    const WeightChanges silent = compare_weights(expected, actual);
    REQUIRE(silent.findings.size() == 1);
    CHECK(silent.findings[0].id == "quantized");
    CHECK(silent.findings[0].where.empty());
    // A step too far in one element is no rounding.
    actual[kQueryWeight] = actual[kQueryWeight].clone();
    actual[kQueryWeight][2].mul_(-1);
    const WeightChanges wrong = compare_weights(expected, actual, {.may_be_quantized = true});
    REQUIRE(wrong.findings.size() == 1);
    CHECK(wrong.findings[0].where == kQuery);
  }
}

TEST_CASE("compare_weights: a name that is gone is told, unless the weight is tied to one that is there") {
  OrderedWeights expected = two_layers();
  Actual actual = copy_of(expected);
  actual.erase(kQueryWeight);
  actual["old.name"] = at::ones({2});
  expected.emplace_back("cls.predictions.decoder.weight", expected[0].second);
  const WeightChanges changes = compare_weights(expected, actual);
  CHECK(changes.absent == Names{kQueryWeight});
  CHECK(changes.extra == Names{"old.name"});
  REQUIRE(changes.findings.size() == 1);
  CHECK(changes.findings[0].id == "absent");
  CHECK(changes.findings[0].effect == ChangeEffect::kPerhapsNone);
  CHECK(changes.findings[0].where == kQuery);
}

TEST_CASE("compare_weights: a weight that the root holds is blamed by its own name") {
  OrderedWeights expected = two_layers();
  expected.emplace_back("final_logits_bias", normal({1, 40}, 8));
  expected.emplace_back("scale", at::full({1}, 0.5));
  Actual actual = copy_of(expected);
  actual["final_logits_bias"][0][3] += 1;
  actual["scale"].fill_(std::numeric_limits<float>::quiet_NaN());
  const WeightChanges changes = compare_weights(expected, actual);
  REQUIRE(changes.findings.size() == 2);
  CHECK(changes.findings[0].where == "scale");
  CHECK(changes.findings[1].where == "final_logits_bias");
}

TEST_CASE("relate_weights: strides, integers and numbers that are not finite on both sides") {
  const at::Tensor weight = normal({16, 16}, 4);
  CHECK(relate_weights(weight.t(), weight.t().contiguous()).relation == WeightRelation::kSame);
  CHECK(relate_weights(at::arange(8), at::arange(8)).relation == WeightRelation::kSame);
  CHECK(relate_weights(at::arange(8), at::arange(8).flip(0)).relation == WeightRelation::kUnrelated);
  at::Tensor nan = weight.clone();
  nan[0][0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(relate_weights(nan, nan.clone()).relation == WeightRelation::kSame);
  CHECK(relate_weights(at::zeros({0}), at::zeros({0})).relation == WeightRelation::kSame);
}

TEST_CASE("find_grid_shape: finds one step for all, or one a row, and none in what was not quantized") {
  const at::Tensor weight = normal({24, 32}, 6);
  CHECK(find_grid_shape(weight) == GridShape::kNone);
  CHECK(find_grid_shape(int8_of(weight, false)) == GridShape::kPerTensor);
  CHECK(find_grid_shape(int8_of(weight, true)) == GridShape::kPerChannel);
  CHECK(find_grid_shape(weight.to(at::kHalf).to(at::kFloat)) == GridShape::kNone);
  CHECK(find_grid_shape(weight.to(at::kHalf)) == GridShape::kNone);
  CHECK(find_grid_shape(at::zeros({8, 32})) == GridShape::kNone);
  CHECK(find_grid_shape(at::ones({32})) == GridShape::kNone);
  // An embedding whose row of padding is zero.
  at::Tensor padded = int8_of(weight, true);
  padded[0].zero_();
  CHECK(find_grid_shape(padded) == GridShape::kPerChannel);
}

}  // namespace
}  // namespace bertjit
