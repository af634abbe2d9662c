// What MPNet does otherwise than BERT. Outputs are compared with transformers' in fixtures_test.cpp.
#include "models/mpnet.h"

#include "testing/error_of.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::error_of;
using testing::testdata;

namespace {

std::unique_ptr<Model> tiny(const std::string& name, const nlohmann::json& changes = nlohmann::json::object()) {
  nlohmann::json json = nlohmann::json::parse(testing::read_bytes(testdata("family/" + name + "/config.json")));
  json.update(changes);
  Checkpoint checkpoint = open_checkpoint(testdata("family/" + name));
  checkpoint.config = Config(json, "config.json");
  return build_model(checkpoint, {});
}

at::Tensor run(const Model& model, const at::Tensor& ids) {
  const at::NoGradGuard no_grad;
  return model.forward({ids, at::ones_like(ids)}).toTupleRef().elements()[0].toTensor();
}

std::vector<int64_t> buckets(const std::vector<int64_t>& relative) {
  const at::Tensor result = mpnet_position_buckets(at::tensor(relative, at::kLong));
  return {result.data_ptr<int64_t>(), result.data_ptr<int64_t>() + result.numel()};
}

}  // namespace

TEST_CASE("mpnet: distances fall into the reference's buckets") {
  // MPNetEncoder.relative_position_bucket of transformers 4.57.6. 16, 32 and 64 lie on the edges of buckets, where the
  // logarithm's rounding decides.
  using Ids = std::vector<int64_t>;
  CHECK(buckets({0, -1, -2, -7, -8, -11, -12, -15, -16, -22, -23, -31, -32, -45, -46, -63, -64, -90, -91, -511}) ==
        Ids{0, 1, 2, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15});
  CHECK(buckets({1, 2, 7, 8, 11, 12, 15, 16, 22, 23, 31, 32, 45, 46, 63, 64, 90, 91, 511}) ==
        Ids{17, 18, 23, 24, 24, 25, 25, 26, 26, 27, 27, 28, 28, 29, 29, 30, 30, 31, 31});
}

TEST_CASE("mpnet: takes ids and mask, and begins its positions after padding") {
  const auto model = tiny("mpnet-mlm");
  const ModelDescription& d = model->description();
  CHECK(d.architecture == "mpnet");
  REQUIRE(d.inputs.size() == 2);
  CHECK(d.inputs[0].name == "input_ids");
  CHECK(d.inputs[1].name == "attention_mask");
  CHECK(d.outputs == std::vector<std::string>{"logits"});
  CHECK(d.max_positions == 32);  // 34 rows, of which position 0 and padding's own, 1, are no token's
  CHECK(d.tie == Tie::kClone);
}

TEST_CASE("mpnet: what BERT's configuration says of padding, types and positions changes nothing") {
  // MPNetEmbeddings has padding_idx = 1 in its source, no token types, and no position_embedding_type.
  const at::Tensor ids = at::tensor({7, 1, 9, 3, 1, 1}, at::kLong).view({1, 6});
  const at::Tensor expected = run(*tiny("mpnet-seqcls"), ids);
  for (const nlohmann::json& changes : std::vector<nlohmann::json>{{{"pad_token_id", 3}},
                                                                   {{"pad_token_id", nullptr}},
                                                                   {{"type_vocab_size", 2}},
                                                                   {{"position_embedding_type", "relative_key"}}}) {
    INFO(changes.dump());
    CHECK(at::equal(run(*tiny("mpnet-seqcls", changes), ids), expected));
  }
  // The comparison sees what does change something.
  CHECK_FALSE(at::equal(run(*tiny("mpnet-seqcls", {{"hidden_act", "relu"}}), ids), expected));
}

TEST_CASE("mpnet: the table of position buckets must have the rows that the configuration says") {
  const Error error = error_of([&] { tiny("mpnet", {{"relative_attention_num_buckets", 64}}); });
  CHECK(error.kind() == ErrorKind::kCorrupt);
  CHECK_THAT(error.what(), Contains("encoder.relative_attention_bias.weight is [32, 2], config.json says [64, 2]"));
  CHECK_THAT(error_of([&] {
               tiny("mpnet", {{"num_attention_heads", 3}});
             }).what(),
             Contains("the hidden size 8 is not a multiple of the number of attention heads 3"));
}

}  // namespace bertjit
