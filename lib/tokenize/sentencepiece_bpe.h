// The merges of a SentencePiece model of type BPE, which has only pieces and scores.
#pragma once

#include "tokenize/bpe.h"
#include "tokenize/sentencepiece_model.h"
#include "tokenize/unigram.h"

namespace bertjit {

/// Every way to make one of `pieces` of two pieces of `model`, the most probable first (generate_merges() of
/// transformers' convert_slow_tokenizer.py). `pieces` are those of the finished tokenizer, whose ids may differ from
/// the model's.
///
/// Throws Error(kUnsupported) at a piece of more than 512 characters, the most that SentencePiece trains: the time goes
/// with the square of their length. `file` stands first in the message.
Merges find_merges(const SentencePieceModel& model, const ScoredPieces& pieces, const std::string& file);

}  // namespace bertjit
