// Examples as ids, once for all models with one tokenizer, and the batches that are cut out of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/ATen.h>

#include "glue/examples.h"
#include "glue/task_options.h"
#include "infer/signature.h"
#include "tokenize/tokenizer.h"

namespace bertjit {

/// Every example truncated and padded to one length. Small types: QQP has 40,430 pairs to evaluate on.
struct EncodedExamples {
  at::Tensor ids;                ///< int32 [rows, length]
  at::Tensor segments;           ///< uint8 [rows, length]; undefined where the tokenizer returns none
  std::vector<int64_t> lengths;  ///< tokens of each row that are not padding
  bool pads_left = false;

  int64_t rows() const {
    return static_cast<int64_t>(lengths.size());
  }
};

/// Encodes on up to `threads` threads (0: one per core), truncating the longer text first. Throws Error as
/// Tokenizer::encode does, with file and line.
EncodedExamples encode_examples(const Tokenizer& tokenizer, const ExampleSet& set, int64_t max_length, int threads);

/// Rows that run together, and the length they are padded to.
struct RowBatch {
  std::vector<int64_t> rows;
  int64_t length = 0;
};

/// kMax: in order, all of the full length. kLongest: rows of like length together, each batch as long as its longest
/// row, long ones first: what then needs most memory comes first.
std::vector<RowBatch> plan_batches(const EncodedExamples& examples, EvalPadding padding, int64_t batch_size);

/// The arguments that `signature` takes: input_ids, attention_mask, token_type_ids, int64 [rows, length].
Batch make_rows(const EncodedExamples& examples, const RowBatch& rows, const Signature& signature);

}  // namespace bertjit
