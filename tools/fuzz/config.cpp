// config.json, each field by each way of reading it.
#include "checkpoint/config.h"

#include "fuzz/fuzz.h"
#include "support/json.h"

using namespace bertjit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::answers([&] {
    const Config config(parse_json(std::string(fuzz::as_text(data, size)), "config.json"), "config.json");
    fuzz::answers([&] { config.model_type(); });
    fuzz::answers([&] { config.architectures(); });
    fuzz::answers([&] { config.num_labels(); });
    for (const char* field : {"vocab_size", "hidden_size", "layer_norm_eps", "tie_word_embeddings", "pad_token_id",
                              "pos_att_type", "id2label", "hidden_act", "max_relative_positions"}) {
      fuzz::answers([&] { fuzz::require(config.size(field) > 0, "a size is positive"); });
      fuzz::answers([&] { fuzz::require(config.count(field, 0) >= 0, "a count is not negative"); });
      fuzz::answers([&] { config.signed_count(field, -1); });
      fuzz::answers([&] { config.words(field); });
      fuzz::answers([&] { fuzz::require(config.token_id(field, 0).value_or(0) >= 0, "an id is not negative"); });
      fuzz::answers([&] { config.number(field, 1e-12); });
      fuzz::answers([&] { config.flag(field, true); });
      fuzz::answers([&] { config.text(field, "gelu"); });
      config.is_null(field);
      config.has_entries(field);
    }
  });
  return 0;
}
