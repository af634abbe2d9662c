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
  for (const auto& item : batch.tensors) {
    if (item.name == name) {
      REQUIRE(item.tensor.dim() == 2);
      const at::Tensor flat = item.tensor[0].contiguous();
      return {flat.data_ptr<int64_t>(), flat.data_ptr<int64_t>() + flat.numel()};
    }
  }
  return {};
}

std::vector<std::string> names(const Batch& batch) {
  std::vector<std::string> result;
  for (const auto& item : batch.tensors) {
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
    REQUIRE(batch.tensors.size() == 1);
    CHECK(batch.tensors[0].name == "input_ids");
    CHECK(at::equal(batch.tensors[0].tensor, ids));
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
  const at::Tensor ids = batch.tensors[0].tensor;
  const at::Tensor mask = batch.tensors[1].tensor;
  const at::Tensor segments = batch.tensors[2].tensor;
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
    CHECK(at::equal(again.tensors[i].tensor, batch.tensors[i].tensor));
  }
  CHECK_FALSE(at::equal(shape_batch({4, 10}, kBert, 4).tensors[0].tensor, ids));
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
  REQUIRE(batch.tensors.size() == 14);
  for (int64_t i = 0; i < 12; ++i) {
    CHECK(batch.tensors[static_cast<size_t>(i)].name.empty());
    CHECK(batch.tensors[static_cast<size_t>(i)].tensor.item<int64_t>() == 13 - i);
  }
  CHECK(batch.tensors[12].name == "arr_x");
  CHECK(batch.tensors[13].name == "token_type_ids");
}

}  // namespace bertjit
