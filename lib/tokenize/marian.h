// Marian's tokenizer: pieces as SentencePiece finds them, ids by vocab.json (transformers' MarianTokenizer, which has
// no fast form).
//
// The punctuation normalization of Moses is not part of it: transformers applies it only where sacremoses is installed,
// and with a warning does without where it is not.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "tokenize/definition.h"
#include "tokenize/sentencepiece_processor.h"
#include "tokenize/text_model.h"
#include "tokenize/vocabulary.h"

namespace bertjit {

class MarianText final : public TextModel {
 public:
  /// `unk_token` stands for pieces that the vocabulary lacks. Throws Error(kCorrupt) if it lacks that too; `file`
  /// stands first in the message.
  MarianText(std::shared_ptr<const Vocabulary> vocabulary, std::unique_ptr<SentencePieceProcessor> source,
             const std::string& unk_token, const std::string& file);

  /// Only repairs malformed UTF-8: SentencePiece normalizes.
  void append_normalized(std::string_view text, std::string& out) const override;

  /// A language code in front (">>fra<< Hello") is one token, which need not be in the vocabulary.
  void append_ids(std::string_view normalized, TextPlace place, std::vector<int32_t>& ids) const override;

 private:
  int32_t id_of(std::string_view piece) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  std::unique_ptr<SentencePieceProcessor> source_;
  int32_t unk_id_;
};

/// Reads source.spm and vocab.json. `config` is the tokenizer_config.json, {} where there is none.
///
/// Throws Error(kNotFound) if a file is missing; Error(kCorrupt) with file and reason; Error(kUnsupported) if `config`
/// asks for separate_vocabs or for options of SentencePiece (sp_model_kwargs), such as sampling.
TokenizerDefinition read_marian_files(const std::filesystem::path& directory, const std::string& unk_token,
                                      const nlohmann::json& config);

}  // namespace bertjit
