// Greedy generation with an encoder-decoder: the token with the greatest score, again and again.
//
// Reference: transformers 4.57.6 `GenerationMixin._sample` with do_sample=False. There is no cache: each step runs the
// whole model on one more token, through the interface that a checkpoint and a TorchScript file share. So a file that
// generates what the checkpoint does has taken every length on the way.
#pragma once

#include <cstdint>
#include <optional>

#include "infer/runner.h"
#include "run/generation_rules.h"

namespace bertjit {

/// The place of decoder_input_ids among the arguments.
/// Throws Error(kInvalidArgument), naming those there are, if it is none of them.
size_t decoder_slot(const Signature& signature);

/// Puts the start token where `batch` holds no decoder_input_ids, or `replace` is true, one a row.
/// Throws Error(kInvalidArgument) if there are no rows, and as decoder_slot.
void start_decoder(Batch& batch, const Signature& signature, const GenerationRules& rules, bool replace);

/// Longest result, in tokens with those of the prompt.
///
/// `max_new_tokens` goes before the rules; both are bounded by the model's positions, which one that was asked for may
/// not exceed: Error(kInvalidArgument).
int64_t longest_result(const GenerationRules& rules, std::optional<int64_t> max_new_tokens, int64_t prompt_length,
                       int64_t max_positions);

/// Continues `batch`'s decoder_input_ids until every row has ended or has `max_length` tokens: [batch, length] int64,
/// the prompt first, rows that ended early padded.
///
/// The attention mask is as given: unlike generate() in Python, none is made from padding in input_ids.
/// Throws Error(kUnsupported) if the first output are no scores, [batch, length, vocabulary].
at::Tensor generate(Runner& runner, const BoundBatch& batch, const GenerationRules& rules, int64_t max_length);

}  // namespace bertjit
