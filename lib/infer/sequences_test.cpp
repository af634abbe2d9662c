// Inputs that are not one [batch, length]: a decoder's, and several choices.
#include "infer/batch.h"
#include "infer/signature.h"

#include "testing/error_of.h"
#include "tokenize/load.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using testing::error_of;

namespace {

const Signature kTranslator{"mt",
                            {{"input_ids", InputDefault::kRequired, 61},
                             {"attention_mask", InputDefault::kOnes, 0},
                             {"decoder_input_ids", InputDefault::kRequired, 61, 2, InputSequence::kDecoder}},
                            32,
                            60};

const Signature kChoices{"choice",
                         {{"input_ids", InputDefault::kRequired, 61, 3},
                          {"attention_mask", InputDefault::kOnes, 0, 3},
                          {"token_type_ids", InputDefault::kZeros, 2, 3}},
                         32};

at::Tensor ids(at::IntArrayRef shape) {
  return at::full(shape, 5, at::kLong);
}

std::string refusal(const std::vector<NamedInput>& tensors, const Signature& signature) {
  const Error error = error_of([&] { bind_batch({"--input", tensors}, signature); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  return error.what();
}

}  // namespace

TEST_CASE("bind: a decoder's ids have a length of their own, and a made mask is as long as what it masks") {
  const BoundBatch bound =
      bind_batch({"x", {{"decoder_input_ids", ids({2, 3})}, {"input_ids", ids({2, 7})}}}, kTranslator);
  CHECK(bound.tensor(1).sizes() == at::IntArrayRef({2, 7}));
  CHECK(bound.tensor(2).sizes() == at::IntArrayRef({2, 3}));
}

TEST_CASE("bind: a decoder's ids have as many rows as the rest, and no more than there are positions") {
  CHECK_THAT(refusal({{"input_ids", ids({2, 7})}, {"decoder_input_ids", ids({3, 7})}}, kTranslator),
             Equals("--input: decoder_input_ids is [3, 7], input_ids is [2, 7]: not as many rows"));
  CHECK_THAT(refusal({{"input_ids", ids({2, 7})}, {"decoder_input_ids", ids({2, 33})}}, kTranslator),
             Equals("--input: decoder_input_ids is [2, 33]: longer than max_position_embeddings 32 of mt"));
  CHECK_THAT(refusal({{"input_ids", ids({2, 7})}, {"decoder_input_ids", ids({2})}}, kTranslator),
             Equals("--input: decoder_input_ids is [2], expected [batch, length] with at least one token"));
  CHECK_THAT(refusal({{"input_ids", ids({2, 7})}}, kTranslator), Contains("decoder_input_ids is missing"));
}

TEST_CASE("bind: what depends on ids that are not given is refused") {
  const Signature signature{"mt",
                            {{"input_ids", InputDefault::kRequired, 61},
                             {"decoder_attention_mask", InputDefault::kOnes, 0, 2, InputSequence::kDecoder}},
                            32};
  CHECK_THAT(refusal({{"input_ids", ids({2, 7})}}, signature),
             Contains("holds nothing that says how long decoder_attention_mask is"));
}

TEST_CASE("bind: choices have three dimensions, all of one shape") {
  const BoundBatch bound = bind_batch({"x", {{"input_ids", ids({2, 3, 7})}}}, kChoices);
  CHECK(bound.tensor(2).sizes() == at::IntArrayRef({2, 3, 7}));
  CHECK_THAT(refusal({{"input_ids", ids({2, 7})}}, kChoices),
             Equals("--input: input_ids is [2, 7], expected [batch, choices, length] with at least one token"));
  CHECK_THAT(refusal({{"input_ids", ids({2, 3, 7})}, {"attention_mask", ids({2, 1, 7})}}, kChoices),
             Equals("--input: attention_mask is [2, 1, 7], input_ids is [2, 3, 7]"));
}

TEST_CASE("shapes: a decoder's ids are made one token shorter, choices of the shape that is asked for") {
  const BoundBatch translated = bind_batch(shape_batch({2, 9}, kTranslator, 1), kTranslator);
  CHECK(translated.tensor(0).sizes() == at::IntArrayRef({2, 9}));
  CHECK(translated.tensor(2).sizes() == at::IntArrayRef({2, 8}));
  CHECK(bind_batch(shape_batch({1, 1}, kTranslator, 1), kTranslator).tensor(2).size(1) == 1);

  const BoundBatch chosen = bind_batch(shape_batch({2, 3, 11}, kChoices, 1), kChoices);
  CHECK(chosen.tensor(0).sizes() == at::IntArrayRef({2, 3, 11}));
  CHECK(chosen.tensor(1)[1].sum().item<int64_t>() == 3 * 6);  // every second row is padded from half of it on
}

TEST_CASE("shapes: the number of dimensions that a model does not take is refused with an example") {
  const auto message = [](const std::vector<int64_t>& shape, const Signature& signature) {
    return std::string(error_of([&] { shape_batch(shape, signature, 0); }).what());
  };
  CHECK_THAT(message({2, 9}, kChoices), Equals("shape 2x9: expected batch, choices and length, such as 2x4x11"));
  CHECK_THAT(message({2, 3, 9}, kTranslator), Equals("shape 2x3x9: expected batch and length, such as 8x128"));
  CHECK_THAT(message({9}, kTranslator), Equals("shape 9: expected batch and length, such as 8x128"));
}

TEST_CASE("batch: without any options a model that takes choices gets two of them") {
  CHECK(make_batch({}, kChoices, nullptr).values.at(0).value.toTensor().sizes() == at::IntArrayRef({1, 2, 14}));
  CHECK(make_batch({}, kTranslator, nullptr).values.at(0).value.toTensor().sizes() == at::IntArrayRef({1, 14}));
}

TEST_CASE("batch: a text is one choice, and a decoder's ids begin with what the model or its folder says") {
  const auto tokenizer = load_tokenizer(testing::testdata("tiny-bert"));
  InputOptions options;
  options.text = "a b";
  CHECK(make_batch(options, kChoices, tokenizer.get()).values.at(0).value.toTensor().sizes() ==
        at::IntArrayRef({1, 1, 4}));

  const Batch known = make_batch(options, kTranslator, tokenizer.get());
  REQUIRE(known.values.size() == 3);
  CHECK(known.values[2].name == "decoder_input_ids");
  CHECK(at::equal(known.values[2].value.toTensor(), at::full({1, 1}, 60, at::kLong)));

  // As for a TorchScript file, which does not say.
  Signature unknown = kTranslator;
  unknown.decoder_start_token_id.reset();
  options.tokenizer = testing::testdata("family/marian-mt-two-vocabularies").string();
  CHECK(at::equal(make_batch(options, unknown, tokenizer.get()).values.at(2).value.toTensor(),
                  at::full({1, 1}, 50, at::kLong)));
  options.tokenizer = testing::testdata("tiny-bert").string();
  const Error error = error_of([&] { make_batch(options, unknown, tokenizer.get()); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  CHECK_THAT(error.what(), Contains("mt takes decoder_input_ids") && Contains("(decoder_start_token_id)"));
}

}  // namespace bertjit
