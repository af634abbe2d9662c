#include "glue/encoded.h"

#include <algorithm>
#include <numeric>

#include "support/error.h"
#include "support/parallel.h"

namespace bertjit {

namespace {

Encoding encode_example(const Tokenizer& tokenizer, const Example& example, const EncodeOptions& options,
                        const std::string& path) {
  try {
    return tokenizer.encode(
        example.text, example.pair.empty() ? std::nullopt : std::optional<std::string_view>(example.pair), options);
  } catch (const Error& error) {
    throw Error(error.kind(), path + ":" + std::to_string(example.line) + ": " + error.what());
  }
}

template <typename Element>
void store(const std::vector<int64_t>& values, at::Tensor& table, size_t row) {
  Element* out = table.mutable_data_ptr<Element>() + static_cast<int64_t>(row) * table.size(1);
  std::ranges::transform(values, out, [](int64_t value) { return static_cast<Element>(value); });
}

bool takes(const Signature& signature, const std::string& name) {
  return std::ranges::find(signature.inputs, name, &Argument::name) != signature.inputs.end();
}

/// The columns in which the tokens of the longest row lie.
at::Tensor cut(const at::Tensor& table, const at::Tensor& rows, int64_t length, bool pads_left) {
  return table.narrow(1, pads_left ? table.size(1) - length : 0, length).index_select(0, rows).to(at::kLong);
}

at::Tensor make_mask(const EncodedExamples& examples, const RowBatch& rows) {
  at::Tensor mask = at::zeros({static_cast<int64_t>(rows.rows.size()), rows.length}, at::kLong);
  for (size_t i = 0; i < rows.rows.size(); ++i) {
    const int64_t length = examples.lengths[static_cast<size_t>(rows.rows[i])];
    mask[static_cast<int64_t>(i)].narrow(0, examples.pads_left ? rows.length - length : 0, length).fill_(1);
  }
  return mask;
}

}  // namespace

EncodedExamples encode_examples(const Tokenizer& tokenizer, const ExampleSet& set, int64_t max_length, int threads) {
  const EncodeOptions options{max_length, Padding::kMaxLength, Truncation::kLongestFirst};
  const auto rows = static_cast<int64_t>(set.examples.size());
  const bool has_segments = encode_example(tokenizer, set.examples.front(), options, set.path).has_token_type_ids;
  EncodedExamples encoded{at::empty({rows, max_length}, at::kInt),
                          has_segments ? at::empty({rows, max_length}, at::kByte) : at::Tensor(),
                          std::vector<int64_t>(set.examples.size()), false};
  std::vector<char> begins_with_padding(set.examples.size());
  for_each_index(set.examples.size(), count_threads(threads), [&](size_t row) {
    const Encoding encoding = encode_example(tokenizer, set.examples[row], options, set.path);
    store<int32_t>(encoding.input_ids, encoded.ids, row);
    if (has_segments) {
      store<uint8_t>(encoding.token_type_ids, encoded.segments, row);
    }
    encoded.lengths[row] = std::accumulate(encoding.attention_mask.begin(), encoding.attention_mask.end(), int64_t{0});
    begins_with_padding[row] = encoding.attention_mask.front() == 0 && encoded.lengths[row] > 0;
  });
  encoded.pads_left = std::ranges::find(begins_with_padding, 1) != begins_with_padding.end();
  return encoded;
}

std::vector<RowBatch> plan_batches(const EncodedExamples& examples, EvalPadding padding, int64_t batch_size) {
  std::vector<int64_t> order(examples.lengths.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto length_of = [&](int64_t row) { return examples.lengths[static_cast<size_t>(row)]; };
  if (padding == EvalPadding::kLongest) {
    std::ranges::stable_sort(order, std::greater<>(), length_of);
  }
  std::vector<RowBatch> batches;
  for (size_t begin = 0; begin < order.size(); begin += static_cast<size_t>(batch_size)) {
    const size_t end = std::min(order.size(), begin + static_cast<size_t>(batch_size));
    RowBatch batch{{order.begin() + static_cast<ptrdiff_t>(begin), order.begin() + static_cast<ptrdiff_t>(end)},
                   examples.ids.size(1)};
    if (padding == EvalPadding::kLongest) {
      batch.length = std::max<int64_t>(1, length_of(batch.rows.front()));
    }
    batches.push_back(std::move(batch));
  }
  return batches;
}

Batch make_rows(const EncodedExamples& examples, const RowBatch& rows, const Signature& signature) {
  Batch batch{"--data", {}};
  const at::Tensor index = at::tensor(rows.rows, at::kLong);
  const auto add = [&](const std::string& name, const at::Tensor& values) {
    if (takes(signature, name)) {
      batch.values.push_back({name, values});
    }
  };
  add("input_ids", cut(examples.ids, index, rows.length, examples.pads_left));
  add("attention_mask", make_mask(examples, rows));
  if (examples.segments.defined()) {
    add("token_type_ids", cut(examples.segments, index, rows.length, examples.pads_left));
  }
  return batch;
}

}  // namespace bertjit
