#include "module/claims.h"

#include "testing/error_of.h"

namespace bertjit {

using Catch::Matchers::Equals;
using testing::error_of;

TEST_CASE("claims: what was written is read back") {
  Claims claims;
  claims.architecture = "bert";
  claims.head = "BertForMaskedLM";
  claims.inputs = {"input_ids", "attention_mask"};
  claims.outputs = {"logits", "hidden_states.0"};
  claims.dtype = "float32";
  claims.dynamic_batch = true;
  claims.dynamic_length = false;
  claims.attn_implementation = "sdpa";
  claims.source_sha512 = std::string(128, 'a');
  claims.tokenizer_sha512 = std::string(128, 'b');
  const std::string text = claims_to_json(claims);
  CHECK(text == claims_to_json(claims));
  const Claims back = claims_from_json(text, "x");
  CHECK(back.architecture == claims.architecture);
  CHECK(back.head == claims.head);
  CHECK(back.inputs == claims.inputs);
  CHECK(back.outputs == claims.outputs);
  CHECK(back.dtype == claims.dtype);
  CHECK(back.dynamic_batch == true);
  CHECK(back.dynamic_length == false);
  CHECK(back.attn_implementation == claims.attn_implementation);
  CHECK(back.source_sha512 == claims.source_sha512);
  CHECK(back.tokenizer_sha512 == claims.tokenizer_sha512);
}

TEST_CASE("claims: keys are sorted, what is not claimed is left out") {
  Claims claims;
  claims.inputs = {"input_ids"};
  CHECK(claims_to_json(claims) ==
        "{\n  \"inputs\": [\n    \"input_ids\"\n  ],\n  \"outputs\": [],\n  \"schema\": \"bertjit.claims/1\"\n}\n");
  const Claims back = claims_from_json(R"({"inputs": ["x"], "dtype": null, "dynamic_batch": null, "unknown": 1})", "x");
  CHECK(back.inputs == std::vector<std::string>{"x"});
  CHECK(back.dtype.empty());
  CHECK_FALSE(back.dynamic_batch);
  CHECK_FALSE(back.dynamic_length);
}

TEST_CASE("claims: a field of the wrong kind is refused with its name, value and expectation") {
  const auto message = [](const char* text) {
    const Error error = error_of([&] { claims_from_json(text, "a.pt: extra/bertjit.json"); });
    CHECK(error.kind() == ErrorKind::kCorrupt);
    return std::string(error.what());
  };
  CHECK_THAT(message(R"({"dtype": 32})"), Equals("a.pt: extra/bertjit.json: dtype is 32, expected a string"));
  CHECK_THAT(message(R"({"inputs": "input_ids"})"),
             Equals("a.pt: extra/bertjit.json: inputs is \"input_ids\", expected a list of argument names"));
  CHECK_THAT(message(R"({"outputs": [1]})"),
             Equals("a.pt: extra/bertjit.json: outputs is [1], expected a list of output names"));
  CHECK_THAT(message(R"({"dynamic_length": "yes"})"),
             Equals("a.pt: extra/bertjit.json: dynamic_length is \"yes\", expected true or false"));
  CHECK_THAT(message(R"({"dynamic_batch": 1})"),
             Equals("a.pt: extra/bertjit.json: dynamic_batch is 1, expected true or false"));
  CHECK_THAT(message("[]"), Equals("a.pt: extra/bertjit.json: holds a JSON array, expected an object"));
  CHECK_THAT(message("{"), Equals("a.pt: extra/bertjit.json:1:2: is not valid JSON"));
}

}  // namespace bertjit
