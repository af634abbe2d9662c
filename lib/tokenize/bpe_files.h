// The files of a BPE tokenizer: a tokenizer.json of model type BPE, or GPT-2's vocab.json and merges.txt.
#pragma once

#include <filesystem>
#include <memory>

#include "tokenize/bpe.h"
#include "tokenize/definition.h"
#include "tokenize/tokenizer_json.h"
#include "tokenize/word_model.h"

namespace bertjit {

/// Makes the model of a tokenizer.json of type BPE. Throws Error(kCorrupt) with the field; Error(kUnsupported) if it
/// has a dropout: its answers would be random.
NamedWordModel read_bpe_model(const TokenizerJson& parsed);

/// Reads a vocab.json: tokens and their ids. Throws Error(kNotFound, kIo); Error(kCorrupt) if it is not such an object.
std::shared_ptr<const Vocabulary> read_vocab_json(const std::filesystem::path& path);

/// Reads merges.txt as transformers' RoBERTa does: a pair a line, parted by white space, the first line and what comes
/// after the last line end left out. A pair listed twice has its first rank.
///
/// Throws Error(kNotFound, kIo); Error(kCorrupt) with the line that is no pair.
Merges read_merges(const std::filesystem::path& path);

/// Reads vocab.json and merges.txt as byte-level BPE. Throws as read_merges(), and Error(kCorrupt) if vocab.json is not
/// an object of tokens and ids, or lacks a token that merges.txt names.
TokenizerDefinition read_bpe_files(const std::filesystem::path& directory, bool add_prefix_space);

}  // namespace bertjit
