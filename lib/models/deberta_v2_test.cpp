// What distinguishes DeBERTa from BERT. Numbers of whole networks: fixtures_test.cpp.
//
// Source: transformers 4.57.6 `modeling_deberta_v2.py`; buckets by its `build_relative_position` (torch 2.13.0).
#include "models/deberta_v2.h"

#include <algorithm>
#include <cmath>

#include "models/deberta_attention.h"
#include "models/model_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using testing::answer_of;
using testing::refusal;
using testing::tiny;

namespace {

const std::string kPlain = "family/deberta-v3";

RelativePositions positions_with(int64_t buckets, int64_t longest) {
  return read_relative_positions(Config({{"relative_attention", true},
                                         {"pos_att_type", {"c2p", "p2c"}},
                                         {"position_buckets", buckets},
                                         {"max_relative_positions", longest}},
                                        "config.json"),
                                 longest);
}

at::Tensor distances(int64_t buckets, int64_t longest, int64_t length) {
  return relative_distances(at::zeros({1, length}), positions_with(buckets, longest));
}

/// Buckets of tokens 0, 1, 2 … after the first.
std::vector<int64_t> buckets_of(int64_t buckets, int64_t longest, int64_t length) {
  const at::Tensor column = distances(buckets, longest, length).select(1, 0).contiguous();
  return {column.const_data_ptr<int64_t>(), column.const_data_ptr<int64_t>() + length};
}

at::Tensor ids_of_length(int64_t length) {
  return at::arange(3, 3 + length, at::kLong).remainder(60).unsqueeze(0);
}

}  // namespace

TEST_CASE("deberta: distances fall into the reference's buckets, also beyond the longest") {
  using Buckets = std::vector<int64_t>;
  CHECK(buckets_of(8, 32, 40) == Buckets{0, 1, 2, 3, 4, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7,
                                         7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 8, 8, 8, 8, 8, 8, 8});
  CHECK(buckets_of(6, 9, 14) == Buckets{0, 1, 2, 3, 4, 5, 5, 5, 5, 6, 6, 6, 6, 6});
  CHECK(buckets_of(2, 3, 5) == Buckets{0, 1, 1, 1, 1});
  CHECK(buckets_of(-1, 32, 6) == Buckets{0, 1, 2, 3, 4, 5});
  const auto v3 = buckets_of(256, 512, 600);
  for (const auto& [distance, bucket] : std::vector<std::pair<size_t, int64_t>>{{128, 128},
                                                                                {130, 130},
                                                                                {200, 169},
                                                                                {256, 192},
                                                                                {400, 233},
                                                                                {510, 255},
                                                                                {511, 255},
                                                                                {512, 256},
                                                                                {599, 270}}) {
    CHECK(v3[distance] == bucket);
  }
}

TEST_CASE("deberta: a key as far before as after has the opposite bucket") {
  const at::Tensor all = distances(8, 32, 40);
  CHECK(at::equal(all, -all.t()));
  CHECK(all[39][0].item<int64_t>() == 8);
}

TEST_CASE("deberta: only the table's rows that a length reaches are used, and pairs point to the same ones as in all") {
  for (const auto& [length, used] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {2, 3}, {5, 9}, {9, 13}, {40, 16}}) {
    const at::Tensor all = distances(8, 32, length);
    const RelativeRows rows = relative_rows(all, 8);
    const at::Tensor chosen = at::arange(16).index({rows.used});
    CHECK(at::equal(chosen.index({rows.index.select(0, 0)}), at::clamp(all + 8, 0, 15)));
    CHECK(at::equal(chosen.index({rows.index.select(0, 1)}), at::clamp(-all + 8, 0, 15)));
    CHECK(chosen.size(0) == used);
  }
}

TEST_CASE("deberta: each kind in pos_att_type enlarges the divisor, with relative attention or without") {
  CHECK(positions_with(8, 32).scale(64) == std::sqrt(192.0F));
  const auto scale = [](const nlohmann::json& fields) {
    return read_relative_positions(Config(fields, "config.json"), 32).scale(64);
  };
  CHECK(scale({{"pos_att_type", {"c2p"}}}) == std::sqrt(128.0F));
  CHECK(scale({{"pos_att_type", {"p2p"}}}) == 8);
  CHECK(scale(nlohmann::json::object()) == 8);
  const std::string absolute = "family/deberta-v2-absolute";
  CHECK_FALSE(at::allclose(answer_of(*tiny(absolute), ids_of_length(9)),
                           answer_of(*tiny(absolute, {{"pos_att_type", {"c2p"}}}), ids_of_length(9))));
}

TEST_CASE("deberta: pos_att_type is a list or one text, of whose kinds the reference passes over p2p") {
  const at::Tensor expected = answer_of(*tiny(kPlain), ids_of_length(9));
  for (const nlohmann::json& kinds :
       {nlohmann::json("c2p|p2c"), nlohmann::json(" P2C | C2P "), nlohmann::json({"p2p", "c2p", "p2c"})}) {
    CHECK(at::equal(answer_of(*tiny(kPlain, {{"pos_att_type", kinds}}), ids_of_length(9)), expected));
  }
  CHECK_FALSE(at::allclose(answer_of(*tiny(kPlain, {{"pos_att_type", "c2p"}}), ids_of_length(9)), expected));
  CHECK_THAT(refusal(kPlain, {{"pos_att_type", {"c2p", "c2c"}}}, ErrorKind::kUnsupported),
             Equals("config.json: pos_att_type 'c2c' is not supported (supported: c2p, p2c, p2p)"));
}

TEST_CASE("deberta: lengths are unlimited unless absolute positions are added") {
  const auto relative = tiny(kPlain);
  CHECK(relative->description().max_positions == 0);
  CHECK(answer_of(*relative, ids_of_length(200)).sizes() == at::IntArrayRef{1, 200, 8});
  const auto absolute = tiny("family/deberta-v2");
  CHECK(absolute->description().max_positions == 32);
  CHECK_THROWS(answer_of(*absolute, ids_of_length(33)));
}

TEST_CASE("deberta: attention is eager whatever is asked for") {
  for (const auto kind : {AttentionKind::kSdpa, AttentionKind::kEager}) {
    ModelOptions options;
    options.attention = kind;
    CHECK(tiny(kPlain, {}, options)->description().attention == AttentionKind::kEager);
  }
}

TEST_CASE("deberta: token types are an input only where there are some") {
  CHECK(tiny(kPlain)->description().inputs.size() == 2);
  CHECK(tiny("family/deberta-v2")->description().inputs.at(2).limit == 2);
}

TEST_CASE("deberta: padding is zero, attends to all alike and is not attended") {
  ModelOptions options;
  options.output_attentions = true;
  options.output_hidden_states = true;
  const auto model = tiny(kPlain, {}, options);
  const at::NoGradGuard no_grad;
  const at::Tensor mask = at::ones({2, 5}, at::kLong);
  mask[0].slice(0, 3).zero_();
  mask[1].zero_();
  const at::Tensor ids = at::cat({ids_of_length(5), ids_of_length(5)});
  const c10::IValue output = model->forward({ids, mask});
  const auto elements = output.toTupleRef().elements();
  const at::Tensor embedded = elements[1].toTupleRef().elements()[0].toTensor();
  CHECK(embedded[0].slice(0, 3).eq(0).all().item<bool>());
  CHECK(embedded[0].slice(0, 0, 3).ne(0).all().item<bool>());
  CHECK(embedded[1].eq(0).all().item<bool>());
  const at::Tensor paid = elements[2].toTupleRef().elements()[1].toTensor();  // [batch, heads, seq, seq]
  CHECK(paid[0].slice(1, 0, 3).slice(2, 3).eq(0).all().item<bool>());
  CHECK(at::allclose(paid[0].slice(1, 3), at::full({1}, 0.2F)));
  CHECK(at::allclose(paid[1], at::full({1}, 0.2F)));
  CHECK_FALSE(at::allclose(paid[0].slice(1, 0, 3), at::full({1}, 0.2F)));
}

TEST_CASE("deberta: pooler_hidden_act names the activation over the first token") {
  const std::string name = "family/deberta-v3-seqcls";
  const at::Tensor expected = answer_of(*tiny(name), ids_of_length(9));
  CHECK(at::equal(answer_of(*tiny(name, {{"pooler_hidden_act", "gelu"}}), ids_of_length(9)), expected));
  CHECK(at::equal(answer_of(*tiny(name, {{"pooler_hidden_act", nullptr}}), ids_of_length(9)), expected));
  CHECK_FALSE(at::allclose(answer_of(*tiny(name, {{"pooler_hidden_act", "tanh"}}), ids_of_length(9)), expected));
  CHECK_THAT(refusal(name, {{"pooler_hidden_act", "step"}}, ErrorKind::kUnsupported), Contains("activation 'step'"));
}

TEST_CASE("deberta: the legacy language head is tied, the new one is the word embeddings themselves") {
  CHECK(tiny("family/deberta-v3-mlm")->description().tie == Tie::kClone);
  const auto fresh = tiny("family/deberta-v3-mlm-new");
  CHECK_FALSE(fresh->description().tie);
  CHECK(fresh->description().unused_weights.empty());
  CHECK(testing::parameter_of(*fresh, "lm_predictions.lm_head.dense.weight").sizes() == at::IntArrayRef{8, 8});
  CHECK_THAT(refusal("family/deberta-v3-mlm-new", {{"tie_word_embeddings", true}}, ErrorKind::kUnsupported),
             Equals("config.json: legacy false is supported only with tie_word_embeddings false"));
  CHECK_THAT(refusal("family/deberta-v3-mlm-new", {{"embedding_size", 6}}, ErrorKind::kUnsupported),
             Contains("legacy false is not supported with embedding_size 6 and hidden_size 8"));
}

TEST_CASE("deberta: what published files hold beside the base model is listed as unused") {
  Checkpoint checkpoint = open_checkpoint(testing::testdata(kPlain));
  const TensorView view = checkpoint.weights->tensors.front();
  const std::vector<std::string> beside = {"deberta.embeddings.position_embeddings.weight",
                                           "lm_predictions.lm_head.bias", "lm_predictions.lm_head.dense.weight",
                                           "mask_predictions.classifier.bias"};
  for (auto& tensor : checkpoint.weights->tensors) {
    tensor.name = "deberta." + tensor.name;
  }
  for (const auto& name : beside) {
    checkpoint.weights->tensors.push_back(view);
    checkpoint.weights->tensors.back().name = name;
  }
  std::sort(checkpoint.weights->tensors.begin(), checkpoint.weights->tensors.end(),
            [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
  const auto model = build_model(checkpoint, {});
  CHECK(model->description().unused_weights == beside);
  CHECK(at::equal(answer_of(*model, ids_of_length(9)), answer_of(*tiny(kPlain), ids_of_length(9))));
}

TEST_CASE("deberta: sizes that do not fit together are refused by the names of their fields") {
  CHECK_THAT(refusal(kPlain, {{"attention_head_size", 3}}, ErrorKind::kUnsupported),
             Equals("config.json: attention_head_size 3 is not supported; hidden size and heads make it 4"));
  CHECK_THAT(refusal(kPlain, {{"pooler_hidden_size", 12}}, ErrorKind::kUnsupported),
             Equals("config.json: pooler_hidden_size 12 is not supported; hidden size and heads make it 8"));
  CHECK_THAT(refusal(kPlain, {{"conv_kernel_size", 2}}, ErrorKind::kUnsupported),
             Equals("config.json: conv_kernel_size 2 is not supported; only odd sizes keep a text's length"));
  CHECK_THAT(refusal(kPlain, {{"conv_kernel_size", 3}, {"conv_groups", 3}}, ErrorKind::kCorrupt),
             Equals("config.json: the hidden size 8 is not a multiple of conv_groups 3"));
  CHECK_THAT(refusal("family/deberta-v2", {{"conv_act", "step"}}, ErrorKind::kUnsupported),
             Contains("activation 'step'"));
  CHECK_THAT(refusal(kPlain, {{"position_buckets", 16}}, ErrorKind::kCorrupt),
             Contains("encoder.rel_embeddings.weight is [16, 8], config.json says [32, 8]"));
}

}  // namespace bertjit
