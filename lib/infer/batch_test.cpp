#include "infer/batch.h"

#include "checkpoint/weights.h"
#include "container/npz.h"
#include "container/safetensors.h"
#include "testing/error_of.h"
#include "tokenize/load.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using testing::error_of;
using testing::TempDir;
using testing::testdata;

namespace {

const Signature kBert{"tiny-bert",
                      {{"input_ids", InputDefault::kRequired, 163},
                       {"attention_mask", InputDefault::kOnes, 0},
                       {"token_type_ids", InputDefault::kZeros, 2}},
                      64};

std::vector<int64_t> row(const Batch& batch, const std::string& name) {
  for (const auto& item : batch.values) {
    if (item.name == name) {
      REQUIRE(item.value.toTensor().dim() == 2);
      const at::Tensor flat = item.value.toTensor()[0].contiguous();
      return {flat.data_ptr<int64_t>(), flat.data_ptr<int64_t>() + flat.numel()};
    }
  }
  return {};
}

std::vector<std::string> names(const Batch& batch) {
  std::vector<std::string> result;
  for (const auto& item : batch.values) {
    result.push_back(item.name);
  }
  return result;
}

struct Text {
  InputOptions options;
  std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(testdata("tiny-bert"));
  Batch batch() const {
    return make_batch(options, kBert, tokenizer.get());
  }
  std::string refusal() const {
    const Error error = error_of([&] { batch(); });
    CHECK(error.kind() == ErrorKind::kInvalidArgument);
    return error.what();
  }
};

// vocab.txt of tiny-bert: [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4.
constexpr int64_t kCls = 2, kSep = 3, kMask = 4;

}  // namespace

TEST_CASE("batch: a text gets [CLS] and [SEP], a pair two segments") {
  Text text;
  text.options.text = "a b";
  text.options.text_pair = "c";
  const Batch batch = text.batch();
  CHECK(batch.origin == "--text");
  const auto ids = row(batch, "input_ids");
  REQUIRE(ids.size() == 6);
  CHECK(ids.front() == kCls);
  CHECK(ids[3] == kSep);
  CHECK(ids.back() == kSep);
  CHECK(row(batch, "token_type_ids") == std::vector<int64_t>{0, 0, 0, 0, 1, 1});
  CHECK(row(batch, "attention_mask") == std::vector<int64_t>(6, 1));
}

TEST_CASE("batch: a text that brings its [CLS] stands as it is, with segment 1 after the first [SEP]") {
  // Seed of the rule: the Hugging Face TorchScript guide's text and its segments_ids.
  Text text;
  text.options.text = "[CLS] a b [SEP] c d [SEP]";
  const Batch batch = text.batch();
  const auto ids = row(batch, "input_ids");
  REQUIRE(ids.size() == 7);
  CHECK(ids[0] == kCls);
  CHECK(ids[3] == kSep);
  CHECK(ids[6] == kSep);
  CHECK(row(batch, "token_type_ids") == std::vector<int64_t>{0, 0, 0, 0, 1, 1, 1});
  // The same as the pair put together by the tokenizer.
  Text pair;
  pair.options.text = "a b";
  pair.options.text_pair = "c d";
  CHECK(row(pair.batch(), "input_ids") == ids);
  CHECK(row(pair.batch(), "token_type_ids") == row(batch, "token_type_ids"));
}

TEST_CASE("batch: --mask-index puts [MASK] at that token and nowhere beyond the text") {
  Text text;
  text.options.text = "a b";
  const auto plain = row(text.batch(), "input_ids");
  text.options.mask_index = 3;
  auto masked = row(text.batch(), "input_ids");
  CHECK(masked[3] == kMask);
  masked[3] = plain[3];
  CHECK(masked == plain);
  text.options.mask_index = 4;
  CHECK_THAT(text.refusal(), Equals("--mask-index 4: the text has 4 tokens, 0 to 3"));
  text.options.mask_index = -1;
  CHECK_THAT(text.refusal(), Equals("--mask-index -1: the text has 4 tokens, 0 to 3"));
  // Padding does not make room for it.
  text.options.mask_index = 6;
  text.options.pad_to = 8;
  CHECK_THAT(text.refusal(), Contains("the text has 4 tokens"));
}

TEST_CASE("batch: --pad-to pads ids, mask and segments, and refuses a text that is longer") {
  Text text;
  text.options.text = "a b";
  text.options.pad_to = 6;
  const Batch batch = text.batch();
  CHECK(row(batch, "input_ids")[5] == 0);
  CHECK(row(batch, "attention_mask") == std::vector<int64_t>{1, 1, 1, 1, 0, 0});
  CHECK(row(batch, "token_type_ids") == std::vector<int64_t>(6, 0));
  text.options.pad_to = 4;
  CHECK(row(text.batch(), "input_ids").size() == 4);
  text.options.pad_to = 3;
  CHECK_THAT(text.refusal(), Equals("--pad-to 3: the text has 4 tokens"));
  text.options.pad_to = 0;
  CHECK_THAT(text.refusal(), Contains("--pad-to 0"));
}

TEST_CASE("batch: without options it is the guide's pair where there is a tokenizer, else ids from the seed") {
  Text text;
  const Batch guide = text.batch();
  CHECK(guide.origin == "the guide's sentence pair");
  const auto segments = row(guide, "token_type_ids");
  CHECK(segments.front() == 0);
  CHECK(segments.back() == 1);

  const Batch made = make_batch({}, kBert, nullptr);
  CHECK(made.origin == "ids from --seed");
  CHECK(row(made, "input_ids").size() == 14);
  CHECK(names(made) == std::vector<std::string>{"input_ids", "attention_mask", "token_type_ids"});
}

TEST_CASE("batch: ids that are made up are as long as --pad-to says") {
  CHECK(row(make_batch({.pad_to = 32}, kBert, nullptr), "input_ids").size() == 32);
  CHECK(row(make_batch({}, kBert, nullptr), "input_ids").size() == 14);
  const Error error = error_of([] { make_batch({.pad_to = 0}, kBert, nullptr); });
  CHECK(std::string(error.what()) == "--pad-to 0: is not a number from 1 to 1048576");
}

TEST_CASE("batch: a module that takes fewer arguments gets fewer, and one without input_ids no text") {
  Text text;
  const Signature two{
      "m.pt", {{"input_ids", InputDefault::kRequired, 163}, {"attention_mask", InputDefault::kOnes, 0}}, 0};
  CHECK(names(make_batch({}, two, text.tokenizer.get())) == std::vector<std::string>{"input_ids", "attention_mask"});
  const Signature other{"f.pt", {{"tokens", InputDefault::kRequired, 10}}, 0};
  CHECK(make_batch({}, other, text.tokenizer.get()).origin == "ids from --seed");
}

TEST_CASE("batch: options that contradict one another are refused") {
  Text text;
  text.options.text = "a";
  text.options.input = {"[[1]]"};
  CHECK_THAT(text.refusal(), Equals("--text cannot be combined with --inputs or --input"));
  text.options = {};
  text.options.text_pair = "b";
  CHECK_THAT(text.refusal(), Equals("--text-pair needs --text"));
  text.options = {};
  text.options.input = {"[[1]]"};
  text.options.mask_index = 1;
  CHECK_THAT(text.refusal(), Equals("--mask-index and --pad-to need --text"));
  text.options = {};
  text.options.inputs = "x.npz";
  text.options.pad_to = 8;
  CHECK_THAT(text.refusal(), Equals("--mask-index and --pad-to need --text"));
  text.options = {};
  text.options.text = "a";
  text.tokenizer.reset();
  CHECK_THAT(text.refusal(), Contains("--text needs a tokenizer: tiny-bert has none beside it"));
}

TEST_CASE("batch: .json, .npz and .safetensors hold the same inputs; --input adds to a file") {
  const TempDir dir;
  const at::Tensor ids = at::tensor({2, 5, 3}, at::kLong).unsqueeze(0);
  Array array = array_from_tensor("input_ids", ids);
  const std::vector<TensorView> views{{"input_ids", array.dtype, array.shape, array.bytes}};
  write_npz(dir / "x.npz", views);
  write_safetensors(dir / "x.safetensors", views);
  testing::write_bytes(dir / "x.json", R"({"input_ids": [[2, 5, 3]]})");
  for (const char* file : {"x.npz", "x.safetensors", "x.json"}) {
    INFO(file);
    const Batch batch = read_batch(dir / file);
    CHECK(batch.origin == (dir / file).string());
    REQUIRE(batch.values.size() == 1);
    CHECK(batch.values[0].name == "input_ids");
    CHECK(at::equal(batch.values[0].value.toTensor(), ids));
    InputOptions options;
    options.inputs = (dir / file).string();
    options.input = {"attention_mask=ones:1x3"};
    CHECK(names(make_batch(options, kBert, nullptr)) == std::vector<std::string>{"input_ids", "attention_mask"});
  }
}

TEST_CASE("batch: a file of another kind, or of no named lists, is refused by name") {
  const TempDir dir;
  CHECK_THAT(error_of([&] { read_batch(dir / "x.txt"); }).what(),
             Contains("expected a .npz, .safetensors or .json file"));
  CHECK(error_of([&] { read_batch(dir / "absent.json"); }).kind() == ErrorKind::kNotFound);
  testing::write_bytes(dir / "list.json", "[[1, 2]]");
  CHECK_THAT(error_of([&] { read_batch(dir / "list.json"); }).what(), Contains("expected an object of named lists"));
  testing::write_bytes(dir / "ragged.json", R"({"input_ids": [[1, 2], [3]]})");
  CHECK_THAT(error_of([&] { read_batch(dir / "ragged.json"); }).what(),
             Contains("ragged.json: input_ids': its lists are not all of one length"));
}

TEST_CASE("batch: made inputs exercise mask, segments and ids, and depend on the seed alone") {
  const Batch batch = shape_batch({4, 10}, kBert, 3);
  const at::Tensor ids = batch.values[0].value.toTensor();
  const at::Tensor mask = batch.values[1].value.toTensor();
  const at::Tensor segments = batch.values[2].value.toTensor();
  for (const at::Tensor& tensor : {ids, mask, segments}) {
    CHECK(tensor.sizes() == at::IntArrayRef({4, 10}));
    CHECK(tensor.scalar_type() == at::kLong);
  }
  CHECK(ids.ge(0).logical_and(ids.lt(163)).all().item<bool>());
  CHECK(mask[0].eq(1).all().item<bool>());
  CHECK(mask[1].sum().item<int64_t>() == 5);
  CHECK(segments[0].sum().item<int64_t>() == 5);
  const Batch again = shape_batch({4, 10}, kBert, 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(at::equal(again.values[i].value.toTensor(), batch.values[i].value.toTensor()));
  }
  CHECK_FALSE(at::equal(shape_batch({4, 10}, kBert, 4).values[0].value.toTensor(), ids));
  CHECK_NOTHROW(bind_batch(shape_batch({1, 1}, kBert, 0), kBert));
}

TEST_CASE("batch: values whose range is not known are not made up") {
  const Signature unknown{"m.pt", {{"tokens", InputDefault::kRequired, 0}}, 0};
  CHECK_THAT(error_of([&] {
               shape_batch({1, 2}, unknown, 0);
             }).what(),
             Equals("m.pt: cannot make up values for tokens, whose range is not known; give --input tokens=SPEC or "
                    "--inputs FILE"));
}

TEST_CASE("batch: position ids are made one after the other, from the example's first on") {
  const Signature with_positions{
      "m.pt", {{"input_ids", InputDefault::kRequired, 50}, {"position_ids", InputDefault::kRequired, 0}}, 0};
  CHECK(at::equal(shape_batch({2, 3}, with_positions, 0).values[1].value.toTensor(), at::arange(3).expand({2, 3})));
  const BoundBatch example = bind_batch(
      {"", {{"input_ids", at::ones({1, 2}, at::kLong)}, {"position_ids", at::tensor({2, 3}, at::kInt).view({1, 2})}}},
      with_positions);
  const at::Tensor made = shape_batch({1, 4}, with_positions, 0, &example).values[1].value.toTensor();
  CHECK(at::equal(made, at::arange(2, 6, at::kInt).view({1, 4})));
}

TEST_CASE("batch: each --input is read by the type of the argument it binds to, in order and by name") {
  const Signature mixed{"f.pt",
                        {{"n", c10::IntType::get()},
                         {"xs", c10::ListType::ofTensors()},
                         {"x", c10::TensorType::get()},
                         {"free", nullptr, c10::IValue()}},
                        0};
  InputOptions options;
  options.input = {"12", "xs=[[1, 2], [3]]", "12", "[1, 2]"};
  const BoundBatch bound = bind_batch(make_batch(options, mixed, nullptr), mixed);
  CHECK(bound.values[0].toInt() == 12);
  CHECK(bound.values[1].toTensorVector().size() == 2);
  CHECK(bound.tensor(2).dim() == 0);
  CHECK(bound.tensor(3).numel() == 2);
  CHECK(bound.sources[1] == "given");
  options.input = {"n=0.5", "xs=[]", "x=rand:3"};
  CHECK_THAT(error_of([&] { bind_batch(make_batch(options, mixed, nullptr), mixed); }).what(),
             Equals("--input: n is float, f.pt takes int"));
}

TEST_CASE("batch: random inputs of one command differ, and are those of one torch.manual_seed") {
  const Signature two{"f.pt", {{"x", c10::TensorType::get()}, {"y", c10::TensorType::get()}}, 0};
  InputOptions options;
  options.seed = 7;
  options.input = {"rand:3", "rand:3"};
  const BoundBatch bound = bind_batch(make_batch(options, two, nullptr), two);
  // Python, torch 2.13.0: torch.manual_seed(7); x = torch.rand(3); y = torch.rand(3).
  CHECK(at::equal(bound.tensor(0), at::tensor({0.53492254f, 0.198803186f, 0.659211695f})));
  CHECK(at::equal(bound.tensor(1), at::tensor({0.656890273f, 0.232761562f, 0.425061405f})));
}

TEST_CASE("batch: a .json file holds values of any type, nested as the arguments are") {
  const TempDir dir;
  const Signature mixed{"f.pt",
                        {{"xs", c10::ListType::ofTensors()},
                         {"state", c10::DictType::create(c10::StringType::get(), c10::TensorType::get())},
                         {"mode", c10::StringType::get()},
                         {"n", c10::OptionalType::create(c10::IntType::get()), int64_t{1}}},
                        0};
  testing::write_bytes(dir / "x.json", R"({"xs": [[1, 2], [3]], "state": {"h": [[0.5]]}, "mode": "sum", "n": null})");
  const BoundBatch bound = bind_batch(read_batch(dir / "x.json", mixed), mixed);
  CHECK(bound.values[0].toTensorVector().at(1).item<int64_t>() == 3);
  CHECK(bound.values[1].toGenericDict().at("h").toTensor().sizes() == at::IntArrayRef({1, 1}));
  CHECK(bound.values[2].toStringRef() == "sum");
  CHECK(bound.values[3].isNone());
  testing::write_bytes(dir / "wrong.json", R"({"xs": [[1]], "state": {}, "mode": 3})");
  CHECK_THAT(error_of([&] { bind_batch(read_batch(dir / "wrong.json", mixed), mixed); }).what(),
             Contains("wrong.json: mode is int, f.pt takes str"));
}

TEST_CASE("batch: inputs of a shape are made like an example where it says what they are") {
  const Signature plain{"f.pt",
                        {{"x", c10::TensorType::get()},
                         {"bias", c10::TensorType::get()},
                         {"flags", c10::TensorType::get()},
                         {"n", c10::IntType::get()}},
                        0};
  const BoundBatch example = bind_batch(
      {"x", {{"", at::rand({2, 3}, at::kDouble)}, {"", at::rand({3})}, {"", at::ones({2, 3}, at::kBool)}, {"", 4}}},
      plain);
  const BoundBatch made = bind_batch(shape_batch({4, 5}, plain, 7, &example), plain);
  CHECK(made.tensor(0).sizes() == at::IntArrayRef({4, 5}));
  CHECK(made.tensor(0).scalar_type() == at::kDouble);
  CHECK(made.tensor(0)[0][0].item<double>() == 0.53492254018783569);  // torch.manual_seed(7); torch.rand(4, 5)
  CHECK(at::equal(made.tensor(1), example.tensor(1)));
  CHECK(made.tensor(2).scalar_type() == at::kBool);
  CHECK(made.values[3].toInt() == 4);
  CHECK(further_batches({}, {"4x5", "1x2"}, plain, 7, &example).at(1).tensor(0).sizes() == at::IntArrayRef({1, 2}));

  CHECK_THAT(error_of([&] {
               shape_batch({2, 3, 4}, plain, 7, &example);
             }).what(),
             Equals("shape 2x3x4: no input of f.pt has 3 dimensions"));
  const Signature integers{"g.pt", {{"x", c10::TensorType::get()}}, 0};
  const BoundBatch counts = bind_batch({"x", {{"", at::ones({2, 3}, at::kLong)}}}, integers);
  const BoundBatch more = bind_batch(shape_batch({1, 5}, integers, 7, &counts), integers);
  CHECK(at::equal(more.tensor(0), at::ones({1, 5}, at::kLong)));  // between 1 and 1
  const BoundBatch nothing = bind_batch({"x", {{"", at::ones({2, 0}, at::kLong)}}}, integers);
  CHECK_THAT(error_of([&] {
               shape_batch({1, 2}, integers, 7, &nothing);
             }).what(),
             Contains("cannot make up values for x, whose range is not known"));
}

TEST_CASE("batch: without options, arguments that are no ids are left to their defaults") {
  Signature flagged = kBert;
  flagged.inputs.emplace_back("scale", c10::FloatType::get(), 0.5);
  CHECK(names(make_batch({}, flagged, nullptr)) ==
        std::vector<std::string>{"input_ids", "attention_mask", "token_type_ids"});
  const Signature defaults{"f.pt", {{"n", c10::IntType::get(), int64_t{3}}}, 0};
  CHECK(make_batch({}, defaults, nullptr).origin == "defaults");
  CHECK(bind_batch(make_batch({}, defaults, nullptr), defaults).values[0].toInt() == 3);
  CHECK_THAT(error_of([] {
               make_batch({}, Signature{"g.pt", {{"x", c10::TensorType::get()}}, 0}, nullptr);
             }).what(),
             Contains("g.pt: cannot make up values for x"));
}

// numpy.savez names positional arrays arr_0, arr_1, … (numpy.savez's documentation).
TEST_CASE("batch: what numpy.savez numbered has no name and comes first, in order") {
  const testing::TempDir dir;
  std::vector<Array> arrays;
  std::vector<std::string> names{"token_type_ids", "arr_x"};
  for (int i = 11; i >= 0; --i) {
    names.push_back("arr_" + std::to_string(i));
  }
  for (const std::string& name : names) {
    arrays.push_back(array_from_tensor(name, at::full({1}, static_cast<int64_t>(arrays.size()), at::kLong)));
  }
  std::vector<TensorView> views;
  for (Array& array : arrays) {
    views.push_back({array.name, array.dtype, array.shape, array.bytes});
  }
  write_npz(dir / "x.npz", views);
  const Batch batch = read_batch(dir / "x.npz");
  REQUIRE(batch.values.size() == 14);
  for (int64_t i = 0; i < 12; ++i) {
    CHECK(batch.values[static_cast<size_t>(i)].name.empty());
    CHECK(batch.values[static_cast<size_t>(i)].value.toTensor().item<int64_t>() == 13 - i);
  }
  CHECK(batch.values[12].name == "arr_x");
  CHECK(batch.values[13].name == "token_type_ids");
}

}  // namespace bertjit
