// What distinguishes ELECTRA from BERT. Numbers of whole networks: fixtures_test.cpp.
//
// Source: transformers 4.57.6 `modeling_electra.py`: ElectraModel, ElectraForPreTraining, ElectraSequenceSummary.
#include "models/electra.h"

#include "models/model_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using testing::answer_of;
using testing::refusal;
using testing::tiny;

namespace {

/// A head whose summary of the tokens is neither projected nor activated.
const std::string kPlainSummary = "family/electra-multiplechoice-mean";

/// Its scores [1, 3] of three texts of `length` tokens.
at::Tensor scores(const nlohmann::json& changes, int64_t length) {
  return answer_of(*tiny(kPlainSummary, changes), at::arange(3, 3 + 3 * length, at::kLong).reshape({1, 3, length}));
}

bool has_projection(const std::string& name) {
  return tiny(name)->module().hasattr("embeddings_project");
}

}  // namespace

TEST_CASE("electra: embeddings are projected only where their size is not the hidden states'") {
  CHECK(has_projection("family/electra"));
  CHECK_FALSE(has_projection("family/electra-equal-sizes"));
}

TEST_CASE("electra: the discriminator gives one score a token") {
  const auto model = tiny("family/electra-pretraining");
  CHECK(model->description().outputs == std::vector<std::string>{"logits"});
  CHECK(answer_of(*model, at::ones({2, 7}, at::kLong)).sizes() == at::IntArrayRef{2, 7});
}

TEST_CASE("electra: a summary is of the first token, the last, or the mean of all") {
  const at::Tensor first = scores({{"summary_type", "first"}}, 2);
  const at::Tensor last = scores({{"summary_type", "last"}}, 2);
  CHECK_FALSE(at::allclose(first, last));
  // Without projection and activation the score is linear in the summary.
  CHECK(at::allclose(scores({{"summary_type", "mean"}}, 2), (first + last) / 2, 1e-5, 1e-6));
  CHECK(at::equal(scores({{"summary_type", "cls_index"}}, 2), last));
  CHECK(at::allclose(scores({{"summary_type", "first"}}, 1), scores({{"summary_type", "last"}}, 1)));
}

TEST_CASE("electra: null and the empty string are no activation of a summary, gelu is another") {
  const at::Tensor none = scores({{"summary_activation", nullptr}}, 3);
  CHECK(at::equal(scores({{"summary_activation", ""}}, 3), none));
  CHECK(at::equal(scores({{"summary_activation", "linear"}}, 3), none));
  CHECK_FALSE(at::allclose(scores({{"summary_activation", "gelu"}}, 3), none));
}

TEST_CASE("electra: a summary that cannot be made is refused by the name of its field") {
  CHECK_THAT(refusal(kPlainSummary, {{"summary_type", "attn"}}, ErrorKind::kUnsupported),
             Equals("config.json: summary_type 'attn' is not supported (supported: cls_index, first, last, mean)"));
  CHECK_THAT(refusal(kPlainSummary, {{"summary_activation", "softsign"}}, ErrorKind::kUnsupported),
             Contains("activation 'softsign'"));
  CHECK_THAT(refusal("family/electra-multiplechoice", {{"summary_proj_to_labels", true}}, ErrorKind::kUnsupported),
             Contains("config.json: summary_proj_to_labels true is not supported"));
  CHECK_THAT(refusal(kPlainSummary, {{"summary_use_proj", true}}, ErrorKind::kCorrupt),
             Contains("sequence_summary.summary.weight [8, 8]"));
}

TEST_CASE("electra: as a decoder a token sees none after it") {
  at::Tensor ids = at::arange(3, 10, at::kLong).reshape({1, 7});
  at::Tensor other = ids.clone();
  other[0][6] = 30;
  const auto changed = [&](const nlohmann::json& changes) {
    const auto model = tiny("family/electra-causal", changes);
    const at::Tensor difference = (answer_of(*model, ids) - answer_of(*model, other)).abs().amax(2)[0];  // [seq]
    return difference.slice(0, 0, 6).max().item<double>();
  };
  CHECK(changed(nlohmann::json::object()) == 0);
  CHECK(changed({{"is_decoder", false}}) > 1e-3);
}

}  // namespace bertjit
