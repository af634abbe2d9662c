#include "models/mpnet.h"

#include <cmath>

#include "models/bert.h"
#include "models/roberta.h"
#include "models/sizes.h"

namespace bertjit {

namespace {

constexpr int64_t kPadding = 1;
constexpr int64_t kBucketsPerSide = 16;
constexpr int64_t kExactBuckets = 8;
constexpr double kLongestDistance = 128;

BodyConfig read_mpnet_config(const Config& config) {
  BodyConfig body = read_body_config(config, {.vocab_size = 30527, .type_vocab_size = 0, .pad_token_id = kPadding});
  // The reference has no token types and no choice of positions, and takes 1 for padding, whatever the config says.
  body.type_vocab_size = 0;
  body.pad_token_id = kPadding;
  body.positions = PositionKind::kAbsolute;
  body.check(config);
  return body;
}

/// BERT's places, but for the attention, whose four projections stand side by side in `attention.attn`.
BodyPlaces mpnet_places(const BodyConfig& config) {
  BodyPlaces places = bert_places("MPNet", config);
  places.layer.groups = {{"attention", "MPNetAttention"},
                         {"attention.attn", "MPNetSelfAttention"},
                         {"intermediate", "MPNetIntermediate"},
                         {"output", "MPNetOutput"}};
  places.layer.attention = {.attention = "attention.attn",
                            .projections = {.query = "q", .key = "k", .value = "v"},
                            .output = "attention.attn.o",
                            .norm = "attention.LayerNorm"};
  return places;
}

/// One learned number for each head and bucket, shared by all layers (`MPNetEncoder.compute_position_bias`).
ScoreBias make_score_bias(const Node& encoder, int64_t rows, int64_t heads) {
  const Embedding table(encoder.child("relative_attention_bias", kEmbedding), rows, heads);
  return [table](const at::Tensor& hidden) {
    const at::Tensor positions = positions_of(hidden);
    const at::Tensor relative = positions.unsqueeze(0) - positions.unsqueeze(1);
    return table(mpnet_position_buckets(relative)).permute({2, 0, 1}).unsqueeze(0);  // [1, heads, seq, seq]
  };
}

std::unique_ptr<Body> make_mpnet(const BodyParts& parts) {
  const BodyConfig config = read_mpnet_config(parts.config);
  const int64_t rows = parts.config.size("relative_attention_num_buckets", 2 * kBucketsPerSide);
  const BodyRules rules{.position_ids = PositionIds::kAfterPadding, .score_bias = [&](const Node& encoder) {
                          return make_score_bias(encoder, rows, config.heads);
                        }};
  return std::make_unique<EncoderBody>(parts, config, mpnet_places(config), rules);
}

const Architecture kMPNet = {.model_type = "mpnet",
                             .python_module = "transformers.models.mpnet.modeling_mpnet",
                             .base_class = "MPNetModel",
                             .base_name = "mpnet",
                             .pooler = "pooler.dense",
                             .make_body = make_mpnet};

}  // namespace

at::Tensor mpnet_position_buckets(const at::Tensor& relative) {
  const at::Tensor distance = relative.abs();
  // The reference's order of operations in float32: at powers of two the rounding decides the bucket.
  const at::Tensor logarithm = at::log(distance.to(at::kFloat) / kExactBuckets) /
                               std::log(kLongestDistance / kExactBuckets) * (kBucketsPerSide - kExactBuckets);
  const at::Tensor far = (logarithm.to(at::kLong) + kExactBuckets).clamp_max(kBucketsPerSide - 1);
  const at::Tensor side = relative.gt(0).to(at::kLong) * kBucketsPerSide;
  return side + at::where(distance.lt(kExactBuckets), distance, far);
}

std::vector<HeadEntry> mpnet_heads() {
  const SentenceHead choice{.out = "classifier"};
  return {
      base_model(kMPNet),
      language_model(kMPNet, "MPNetForMaskedLM", roberta_language_head("MPNet")),
      sentence_classifier(kMPNet, "MPNetForSequenceClassification", roberta_sentence_head("MPNet")),
      multiple_choice_model(kMPNet, "MPNetForMultipleChoice", choice),
      token_classifier(kMPNet, "MPNetForTokenClassification"),
      question_answering_model(kMPNet, "MPNetForQuestionAnswering"),
  };
}

}  // namespace bertjit
