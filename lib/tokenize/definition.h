// What the files of a tokenizer say, before tokenizer_config.json and its like are laid over it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tokenize/added_tokens.h"
#include "tokenize/decoders.h"
#include "tokenize/template.h"
#include "tokenize/text_model.h"
#include "tokenize/tokenizer_class.h"
#include "tokenize/vocabulary.h"

namespace bertjit {

/// An added token with the id its file gives it.
struct NumberedToken {
  AddedToken token;
  int64_t id;
};

/// Made by one reader for each kind of file (tokenizer_json.h, wordpiece_files.h, bpe_files.h, sentencepiece_files.h)
/// and finished by load.h.
struct TokenizerDefinition {
  std::string file;      ///< where the vocabulary is from; stands first in messages
  TokenizerFiles files;  ///< whose kind of model it is
  std::shared_ptr<const Vocabulary> vocabulary;
  std::unique_ptr<TextModel> model;         ///< normalization, pre-tokenization and model
  std::unique_ptr<Decoder> decoder;         ///< nullptr for Marian's, which needs the added tokens
  std::vector<NumberedToken> added_tokens;  ///< in the order of the file
  /// What stands around the texts; absent where that is the tokenizer class's to say, with its cls and sep tokens.
  std::optional<EncodingTemplate> encoding_template;
  std::optional<std::string> padding_side;  ///< "Left" or "Right"
  std::optional<std::string> truncation_side;
  std::optional<std::string> pad_token;  ///< counts where no class or configuration has one
};

}  // namespace bertjit
