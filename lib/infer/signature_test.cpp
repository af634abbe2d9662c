#include "infer/signature.h"

#include "testing/error_of.h"

namespace bertjit {

using Catch::Matchers::Contains;
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

std::string refusal(const std::vector<NamedInput>& tensors, const Signature& signature = kBert) {
  const Error error = error_of([&] { bind_batch({"--input", tensors}, signature); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  return error.what();
}

}  // namespace

TEST_CASE("bind: by name, whatever order they come in, and missing optional ones are made") {
  const BoundBatch bound =
      bind_batch({"x.npz", {{"token_type_ids", ids({2, 3}, 1)}, {"input_ids", ids({2, 3})}}}, kBert);
  CHECK(bound.origin == "x.npz");
  REQUIRE(bound.values.size() == 3);
  CHECK(at::equal(bound.tensor(0), ids({2, 3})));
  CHECK(at::equal(bound.tensor(1), ids({2, 3}, 1)));
  CHECK(at::equal(bound.tensor(2), ids({2, 3}, 1)));
  CHECK(bound.sources == std::vector<std::string>{"given", "made of ones", "given"});
  const BoundBatch alone = bind_batch({"x", {{"input_ids", ids({1, 4})}}}, kBert);
  CHECK(at::equal(alone.tensor(1), at::ones({1, 4}, at::kLong)));
  CHECK(at::equal(alone.tensor(2), at::zeros({1, 4}, at::kLong)));
  CHECK(alone.sources[2] == "made of zeros");
}

TEST_CASE("bind: nameless ones bind in order, after a named one behind it") {
  const Signature plain{
      "f.pt", {{"x", InputDefault::kRequired, 0}, {"y", InputDefault::kZeros, 0}, {"z", InputDefault::kZeros, 0}}, 8};
  const BoundBatch bound = bind_batch({"x", {{"", ids({1, 2}, 7)}, {"", ids({1, 2}, 0)}}}, plain);
  CHECK(bound.sources == std::vector<std::string>{"given, in order", "given, in order", "made of zeros"});
  CHECK(bound.tensor(0)[0][0].item<int64_t>() == 7);
  const BoundBatch mixed = bind_batch({"x", {{"y", ids({1, 2})}, {"", ids({1, 2}, 0)}, {"x", ids({1, 2})}}}, plain);
  CHECK(mixed.sources == std::vector<std::string>{"given", "given", "given, in order"});
  CHECK(bind_batch({"x", {{"", ids({1, 2})}}}, kBert).sources[0] == "given, in order");
}

// The Hugging Face TorchScript guide: trace(model, [tokens_tensor, segments_tensors]), where the second argument of
// BertModel.forward is attention_mask (transformers, modeling_bert.py).
TEST_CASE("bind: a nameless input is never taken for the mask where it could be segments") {
  const at::Tensor tokens = ids({1, 4});
  const at::Tensor segments = at::tensor({0, 0, 1, 1}, at::kLong).unsqueeze(0);
  const at::Tensor mask = at::ones({1, 4}, at::kLong);
  const std::string message =
      "--input: input 2 has no name and could be attention_mask or token_type_ids: bert.pt takes attention_mask there, "
      "the Hugging Face guide passes segments second, and segments taken for a mask hide the first sentence\n"
      "  what binds where: input 1 -> input_ids, input 2 -> ?\n"
      "  name it: attention_mask=SPEC or token_type_ids=SPEC for --input, entries of these names for --inputs";
  CHECK_THAT(refusal({{"", tokens}, {"", segments}}), Equals(message));
  CHECK_THAT(refusal({{"", tokens}, {"", mask}}), Equals(message));
  CHECK_THAT(refusal({{"", tokens}, {"", mask}, {"", segments}}), Equals(message));
  CHECK_THAT(refusal({{"input_ids", tokens}, {"", segments}}), Equals(message));
  Signature other_order = kBert;
  std::swap(other_order.inputs[1], other_order.inputs[2]);
  CHECK_THAT(refusal({{"", tokens}, {"", segments}}, other_order), Contains("bert.pt takes token_type_ids there"));

  SECTION("where the other is named there is one left") {
    const auto bound = bind_batch({"x", {{"", tokens}, {"attention_mask", mask}, {"", segments}}}, kBert);
    CHECK(at::equal(bound.tensor(2), segments));
    CHECK(
        at::equal(bind_batch({"x", {{"", tokens}, {"", mask}, {"token_type_ids", segments}}}, kBert).tensor(1), mask));
  }
  SECTION("a model without segments takes a mask that no segments could be") {
    Signature distilbert = kBert;
    distilbert.inputs.pop_back();
    at::Tensor padded = mask.clone();
    padded[0][3] = 0;
    CHECK(at::equal(bind_batch({"x", {{"", tokens}, {"", padded}}}, distilbert).tensor(1), padded));
    CHECK_THAT(
        refusal({{"", tokens}, {"", segments}}, distilbert),
        Equals("--input: input 2 has no name, is attention_mask by position and begins with 0, as the segments "
               "do that the Hugging Face guide passes second; bert.pt takes no token_type_ids\n"
               "  what binds where: input 1 -> input_ids, input 2 -> ?\n"
               "  name it if it is a mask: attention_mask=SPEC for --input, an entry of that name for --inputs"));
    const at::Tensor left_padded = segments;
    CHECK(at::equal(bind_batch({"x", {{"", tokens}, {"attention_mask", left_padded}}}, distilbert).tensor(1),
                    left_padded));
  }
}

TEST_CASE("bind: int32 ids are taken as they are") {
  const BoundBatch bound = bind_batch({"x", {{"input_ids", ids({1, 2}).to(at::kInt)}}}, kBert);
  CHECK(bound.tensor(0).scalar_type() == at::kInt);
}

TEST_CASE("bind: what is wrong is refused by name, value and limit") {
  CHECK_THAT(refusal({{"ids", ids({1, 2})}}),
             Equals("--input: no argument is named 'ids'; bert.pt takes input_ids, attention_mask, token_type_ids"));
  CHECK_THAT(refusal({{"input_ids", ids({1, 2})}, {"input_ids", ids({1, 2})}}),
             Equals("--input: input_ids is given twice"));
  CHECK_THAT(refusal({{"attention_mask", ids({1, 2})}}),
             Equals("--input: input_ids is missing; bert.pt takes input_ids, attention_mask, token_type_ids"));
  CHECK_THAT(refusal({}), Equals("--input: holds no inputs; bert.pt takes input_ids, attention_mask, token_type_ids"));
  CHECK_THAT(refusal({{"token_type_ids", ids({1, 2}, 0)}, {"", ids({1, 2})}}),
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
  const Signature plain{"f.pt", {{"x", InputDefault::kRequired, 0, 0}, {"y", InputDefault::kRequired, 0, 0}}, 0};
  const BoundBatch bound = bind_batch({"x", {{"", at::rand({3})}, {"", at::rand({2, 4, 5})}}}, plain);
  CHECK(bound.tensor(1).dim() == 3);
  CHECK(bind_batch({"x", {}}, Signature{"g.pt", {}, 0}).values.empty());
}

TEST_CASE("bind: arguments of other types take what fits them, and defaults where nothing is given") {
  const Signature mixed{"f.pt",
                        {{"x", c10::TensorType::get()},
                         {"scale", c10::FloatType::get(), 0.5},
                         {"sizes", c10::ListType::ofInts()},
                         {"mode", c10::OptionalType::create(c10::StringType::get()), c10::IValue()},
                         {"any", nullptr, std::string("?")}},
                        0};
  const c10::IValue sizes = c10::List<int64_t>({2, 3});
  const BoundBatch bound = bind_batch({"x", {{"", at::rand({3})}, {"sizes", sizes}}}, mixed);
  REQUIRE(bound.values.size() == 5);
  CHECK(bound.values[1].toDouble() == 0.5);
  CHECK(bound.values[3].isNone());
  CHECK(bound.sources == std::vector<std::string>{"given, in order", "default", "given", "default", "default"});
  CHECK(bind_batch({"x", {{"x", at::rand({3})}, {"", int64_t{2}}, {"", sizes}}}, mixed).values[1].toDouble() == 2);
  CHECK(bind_batch({"x", {{"x", at::rand({3})}, {"sizes", sizes}, {"any", int64_t{2}}}}, mixed).values[4].isInt());

  CHECK_THAT(refusal({{"x", at::rand({3})}}, mixed),
             Equals("--input: sizes is missing; f.pt takes x, scale, sizes, mode, any"));
  CHECK_THAT(refusal({{"x", at::rand({3})}, {"sizes", 0.5}}, mixed),
             Equals("--input: sizes is float, f.pt takes List[int]"));
  CHECK_THAT(refusal({{"x", sizes}}, mixed), Equals("--input: x is List[int], f.pt takes Tensor"));
  CHECK_THAT(refusal({{"mode", at::rand({3})}}, mixed), Equals("--input: mode is Tensor, f.pt takes Optional[str]"));

  const Signature all_default{"g.pt", {{"n", c10::IntType::get(), int64_t{3}}}, 0};
  CHECK(bind_batch({"x", {}}, all_default).values[0].toInt() == 3);
}

TEST_CASE("bind: what is known of models of texts is asked of no other argument") {
  // A module with positions whose own argument is a matrix, and one that calls an argument of floats a mask.
  const Signature own{"f.pt", {{"input_ids", InputDefault::kRequired, 100, 0}, {"x", c10::TensorType::get()}}, 8};
  CHECK_NOTHROW(bind_batch({"x", {{"input_ids", ids({2, 3})}, {"x", at::rand({5, 6, 7, 8})}}}, own));
  CHECK_THAT(refusal({{"input_ids", ids({2, 9})}, {"x", at::rand({5})}}, own), Contains("longer than"));
  const Signature added{"f.pt", {{"x", c10::TensorType::get()}, {"attention_mask", InputDefault::kOnes, 0, 0}}, 0};
  CHECK_NOTHROW(bind_batch({"x", {{"", at::rand({2, 4, 8})}, {"", at::zeros({4, 4})}}}, added));
  // Nothing says that ones are no mask there.
  CHECK_THAT(refusal({{"x", at::rand({2, 4})}}, added),
             Equals("--input: attention_mask is missing; f.pt takes x, attention_mask"));
}

TEST_CASE("bind: a tensor is asked for where there is none, and a copy is independent") {
  const Signature mixed{"f.pt", {{"x", c10::TensorType::get()}, {"n", c10::IntType::get()}}, 0};
  const BoundBatch bound = bind_batch({"--input", {{"x", at::zeros({2})}, {"n", int64_t{4}}}}, mixed);
  CHECK_THAT(error_of([&] { bound.tensor(1); }).what(), Equals("--input: input 2 is int, expected a tensor"));
  CHECK_THROWS_AS(bound.tensors(), Error);
  const BoundBatch copy = bound.copy();
  copy.tensor(0).fill_(1);
  CHECK(at::equal(bound.tensor(0), at::zeros({2})));
  CHECK(copy.values[1].toInt() == 4);
}

TEST_CASE("bind: every tensor and every other value has its row, however nested") {
  const Signature nested{"f.pt",
                         {{"xs", c10::ListType::ofTensors()},
                          {"state", c10::DictType::create(c10::StringType::get(), c10::TensorType::get())},
                          {"n", c10::IntType::get(), int64_t{3}}},
                         0};
  c10::Dict<std::string, at::Tensor> state;
  state.insert("h", at::zeros({1, 2}, at::kHalf));
  const auto rows = describe_inputs(
      bind_batch({"x", {{"xs", c10::List<at::Tensor>({at::rand({3}), at::rand({4})})}, {"state", state}}}, nested),
      nested);
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].name == "xs.0");
  CHECK(rows[1].shape == std::vector<int64_t>{4});
  CHECK_FALSE(rows[1].value);
  CHECK(rows[2].name == "state.h");
  CHECK(rows[2].dtype == "float16");
  CHECK(rows[3].name == "n");
  CHECK(rows[3].dtype == "int");
  CHECK(rows[3].value == "3");
  CHECK(rows[3].source == "default");
}

}  // namespace bertjit
