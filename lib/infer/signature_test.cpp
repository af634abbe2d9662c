#include "infer/signature.h"

#include "testing/error_of.h"

namespace bertjit {

using Catch::Matchers::Equals;
using testing::error_of;

namespace {

const Signature kBert{"bert.pt",
                      {{"input_ids", InputDefault::kRequired, 100},
                       {"attention_mask", InputDefault::kOnes, 0},
                       {"token_type_ids", InputDefault::kZeros, 2}},
                      8};

at::Tensor ids(at::IntArrayRef shape, int64_t value = 5) {
  return at::full(shape, value, at::kLong);
}

std::string refusal(const std::vector<NamedTensor>& tensors, const Signature& signature = kBert) {
  const Error error = error_of([&] { bind_batch({"--input", tensors}, signature); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  return error.what();
}

}  // namespace

TEST_CASE("bind: by name, whatever order they come in, and missing optional ones are made") {
  const BoundBatch bound =
      bind_batch({"x.npz", {{"token_type_ids", ids({2, 3}, 1)}, {"input_ids", ids({2, 3})}}}, kBert);
  CHECK(bound.origin == "x.npz");
  REQUIRE(bound.tensors.size() == 3);
  CHECK(at::equal(bound.tensors[0], ids({2, 3})));
  CHECK(at::equal(bound.tensors[1], ids({2, 3}, 1)));
  CHECK(at::equal(bound.tensors[2], ids({2, 3}, 1)));
  CHECK(bound.sources == std::vector<std::string>{"given", "made of ones", "given"});
  const BoundBatch alone = bind_batch({"x", {{"input_ids", ids({1, 4})}}}, kBert);
  CHECK(at::equal(alone.tensors[1], at::ones({1, 4}, at::kLong)));
  CHECK(at::equal(alone.tensors[2], at::zeros({1, 4}, at::kLong)));
  CHECK(alone.sources[2] == "made of zeros");
}

TEST_CASE("bind: nameless ones bind in order, after a named one behind it") {
  const BoundBatch bound = bind_batch({"x", {{"", ids({1, 2}, 7)}, {"", ids({1, 2}, 1)}}}, kBert);
  CHECK(bound.sources == std::vector<std::string>{"given, in order", "given, in order", "made of zeros"});
  CHECK(bound.tensors[0][0][0].item<int64_t>() == 7);
  const BoundBatch mixed = bind_batch({"x", {{"input_ids", ids({1, 2})}, {"", ids({1, 2}, 0)}}}, kBert);
  CHECK(mixed.tensors[1].eq(0).all().item<bool>());
}

TEST_CASE("bind: int32 ids are taken as they are") {
  const BoundBatch bound = bind_batch({"x", {{"input_ids", ids({1, 2}).to(at::kInt)}}}, kBert);
  CHECK(bound.tensors[0].scalar_type() == at::kInt);
}

TEST_CASE("bind: what is wrong is refused by name, value and limit") {
  CHECK_THAT(refusal({{"ids", ids({1, 2})}}),
             Equals("--input: no argument is named 'ids'; bert.pt takes input_ids, attention_mask, token_type_ids"));
  CHECK_THAT(refusal({{"input_ids", ids({1, 2})}, {"input_ids", ids({1, 2})}}),
             Equals("--input: input_ids is given twice"));
  CHECK_THAT(refusal({{"attention_mask", ids({1, 2})}}),
             Equals("--input: input_ids is missing; bert.pt takes input_ids, attention_mask, token_type_ids"));
  CHECK_THAT(refusal({}), Equals("--input: holds no inputs; bert.pt takes input_ids, attention_mask, token_type_ids"));
  CHECK_THAT(refusal({{"", ids({1, 2})}, {"", ids({1, 2})}, {"", ids({1, 2}, 0)}, {"", ids({1, 2})}}),
             Equals("--input: holds more inputs than bert.pt takes (input_ids, attention_mask, token_type_ids)"));
  at::Tensor beyond = ids({2, 3});
  beyond[1][2] = 100;
  CHECK_THAT(refusal({{"input_ids", beyond}}), Equals("--input: input_ids holds 100 at [1, 2]; bert.pt takes 0 to 99"));
  CHECK_THAT(refusal({{"input_ids", ids({1, 2}, -1)}}),
             Equals("--input: input_ids holds -1 at [0, 0]; bert.pt takes 0 to 99"));
  CHECK_THAT(refusal({{"input_ids", ids({1, 2})}, {"token_type_ids", ids({1, 2}, 2)}}),
             Equals("--input: token_type_ids holds 2 at [0, 0]; bert.pt takes 0 to 1"));
  CHECK_THAT(refusal({{"input_ids", at::ones({1, 2})}}),
             Equals("--input: input_ids is Float, expected int64 or int32"));
  CHECK_THAT(refusal({{"input_ids", ids({1, 9})}}),
             Equals("--input: input_ids is [1, 9]: longer than max_position_embeddings 8 of bert.pt"));
  CHECK_THAT(refusal({{"input_ids", ids({3})}}),
             Equals("--input: input_ids is [3], expected [batch, length] with at least one token"));
  CHECK_THAT(refusal({{"input_ids", ids({1, 0})}}),
             Equals("--input: input_ids is [1, 0], expected [batch, length] with at least one token"));
  CHECK_THAT(refusal({{"input_ids", ids({1, 2})}, {"attention_mask", ids({1, 3})}}),
             Equals("--input: attention_mask is [1, 3], input_ids is [1, 2]"));
}

TEST_CASE("bind: a function of plain tensors takes any shape, and no shape is compared") {
  const Signature plain{"f.pt", {{"x", InputDefault::kRequired, 0}, {"y", InputDefault::kRequired, 0}}, 0};
  const BoundBatch bound = bind_batch({"x", {{"", at::rand({3})}, {"", at::rand({2, 4, 5})}}}, plain);
  CHECK(bound.tensors[1].dim() == 3);
  CHECK(bind_batch({"x", {}}, Signature{"g.pt", {}, 0}).tensors.empty());
}

}  // namespace bertjit
