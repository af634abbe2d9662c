// tokenizer.json: the whole of a fast tokenizer in one file (tokenizers' serialization).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tokenize/definition.h"
#include "tokenize/normalizers.h"

namespace bertjit {

/// The file with the long lists of its model taken out of the tree: as nodes of it, 30,000 tokens take four times as
/// long to parse.
struct TokenizerJson {
  std::string file;                                                ///< stands first in messages
  nlohmann::json root;                                             ///< model.vocab and model.merges are empty in it
  std::vector<std::pair<std::string, nlohmann::json>> vocabulary;  ///< WordPiece, BPE: token and id
  std::vector<std::pair<std::string, double>> pieces;              ///< Unigram: piece and score, by id
  std::vector<std::pair<std::string, std::string>> merges;         ///< BPE, by rank
};

/// What a tokenizer class changes in the parts of its tokenizer.json.
struct PartOverrides {
  BertNormalizerOverride bert_normalizer;
  std::optional<bool> add_prefix_space;  ///< of a ByteLevel pre-tokenizer
};

/// Reads a tokenizer.json of model type WordPiece, BPE or Unigram. Its `truncation` and `padding` give sides and the
/// padding token only: lengths are the caller's, as in transformers.
///
/// Throws Error(kNotFound, kIo); Error(kCorrupt) with the field if it is not such JSON; Error(kUnsupported) with the
/// type that was found for any other part.
TokenizerDefinition read_tokenizer_json(const std::filesystem::path& path, const PartOverrides& overrides);

/// The vocabulary of a file of type WordPiece or BPE. Throws Error(kCorrupt, kUnsupported) with the token whose id is
/// none.
std::shared_ptr<const Vocabulary> build_vocabulary(const TokenizerJson& parsed);
/// The same for a vocab.json.
std::shared_ptr<const Vocabulary> build_vocabulary(const std::vector<std::pair<std::string, nlohmann::json>>& tokens,
                                                   const std::string& file);

}  // namespace bertjit
