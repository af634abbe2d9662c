#include "glue/encoded.h"

#include <algorithm>

#include "testing/testing.h"
#include "tokenize/load.h"

namespace bertjit {

using testing::testdata;

namespace {

ExampleSet made_up_pairs() {
  ExampleSet set{.name = "mrpc", .path = "made.tsv"};
  for (const char* text : {"a", "the token is in the check file", "one two three", "who was jim", "a model", "word"}) {
    set.examples.push_back({.text = text, .pair = "and the other text"});
  }
  return set;
}

Signature signature_of(const std::vector<std::string>& names) {
  Signature signature{"m.pt", {}};
  for (const std::string& name : names) {
    signature.inputs.emplace_back(name, InputDefault::kRequired, 0);
  }
  return signature;
}

std::vector<int64_t> row_of(const Batch& batch, size_t input, int64_t row) {
  const at::Tensor values = batch.values.at(input).value.toTensor()[row].contiguous();
  return {values.const_data_ptr<int64_t>(), values.const_data_ptr<int64_t>() + values.numel()};
}

/// A batch cut to its longest row is what the tokenizer gives for that length, whatever side it pads.
void check_cut(const std::string& tokenizer_folder, bool pads_left) {
  const auto tokenizer = load_tokenizer(testdata(tokenizer_folder));
  const ExampleSet set = made_up_pairs();
  const EncodedExamples encoded = encode_examples(*tokenizer, set, 40, 2);
  CHECK(encoded.pads_left == pads_left);
  const Signature signature = signature_of({"input_ids", "attention_mask", "token_type_ids"});
  for (const RowBatch& rows : plan_batches(encoded, EvalPadding::kLongest, 4)) {
    const Batch batch = make_rows(encoded, rows, signature);
    for (size_t i = 0; i < rows.rows.size(); ++i) {
      const Example& example = set.examples[static_cast<size_t>(rows.rows[i])];
      const Encoding expected = tokenizer->encode(example.text, example.pair, {rows.length, Padding::kMaxLength});
      const auto row = static_cast<int64_t>(i);
      CHECK(row_of(batch, 0, row) == expected.input_ids);
      CHECK(row_of(batch, 1, row) == expected.attention_mask);
      if (expected.has_token_type_ids) {
        CHECK(row_of(batch, 2, row) == expected.token_type_ids);
      }
    }
  }
}

}  // namespace

TEST_CASE("encoded: a batch is what the tokenizer would have padded to its length, on the right and on the left") {
  check_cut("tiny-bert", /*pads_left=*/false);
  check_cut("tok-roberta", /*pads_left=*/false);
  check_cut("tok-bpe-parts", /*pads_left=*/true);
}

TEST_CASE(
    "encoded: every row is in one batch, in the file's order or by length, and no batch is longer than its rows") {
  const auto tokenizer = load_tokenizer(testdata("tiny-bert"));
  const EncodedExamples encoded = encode_examples(*tokenizer, made_up_pairs(), 40, 1);
  for (const EvalPadding padding : {EvalPadding::kMax, EvalPadding::kLongest}) {
    std::vector<int64_t> seen;
    for (const RowBatch& batch : plan_batches(encoded, padding, 4)) {
      seen.insert(seen.end(), batch.rows.begin(), batch.rows.end());
      int64_t longest = 0;
      for (const int64_t row : batch.rows) {
        longest = std::max(longest, encoded.lengths[static_cast<size_t>(row)]);
      }
      CHECK(batch.length == (padding == EvalPadding::kMax ? 40 : longest));
    }
    CHECK(std::ranges::is_sorted(seen) == (padding == EvalPadding::kMax));
    std::ranges::sort(seen);
    CHECK(seen == std::vector<int64_t>{0, 1, 2, 3, 4, 5});
  }
}

TEST_CASE("encoded: long pairs are cut to the length, and arguments that a model has not are left out") {
  const auto tokenizer = load_tokenizer(testdata("tiny-bert"));
  const EncodedExamples encoded = encode_examples(*tokenizer, made_up_pairs(), 7, 1);
  CHECK(std::ranges::max(encoded.lengths) == 7);
  const RowBatch rows{{3, 1}, 7};
  const Batch batch = make_rows(encoded, rows, signature_of({"attention_mask", "input_ids", "labels"}));
  REQUIRE(batch.values.size() == 2);
  CHECK(batch.values[0].name == "input_ids");
  CHECK(batch.values[1].name == "attention_mask");
}

}  // namespace bertjit
