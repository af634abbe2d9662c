// verify builds the checkpoint as the module it judges was built.
#include "verify/matching_source.h"

#include "testing/testing.h"

namespace bertjit {

TEST_CASE("matching source: claims choose head and outputs, flags stay") {
  Claims claims;
  claims.head = "BertModel";
  claims.outputs = {"last_hidden_state", "hidden_states.0", "hidden_states.1"};
  const ModelOptions chosen = claimed_model_options({}, claims);
  CHECK(chosen.head == "BertModel");
  CHECK(chosen.output_hidden_states);
  CHECK_FALSE(chosen.output_attentions);
  CHECK(chosen.attention == AttentionKind::kSdpa);

  ModelOptions flags;
  flags.head = "BertForMaskedLM";
  flags.output_attentions = true;
  const ModelOptions kept = claimed_model_options(flags, claims);
  CHECK(kept.head == "BertForMaskedLM");
  CHECK(kept.output_attentions);

  claims.outputs = {"logits", "decoder_hidden_states.0", "cross_attentions.0", "encoder_last_hidden_state"};
  CHECK(claimed_model_options({}, claims).output_hidden_states);
  CHECK(claimed_model_options({}, claims).output_attentions);
  claims.outputs = {"logits", "encoder_last_hidden_state"};
  CHECK_FALSE(claimed_model_options({}, claims).output_hidden_states);
  claims.attn_implementation = "eager";
  CHECK(claimed_model_options({}, claims).attention == AttentionKind::kEager);
}

}  // namespace bertjit
