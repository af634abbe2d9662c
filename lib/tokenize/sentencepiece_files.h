// The files of a SentencePiece tokenizer: tokenizer.json of model type Unigram, and .model and .spm files.
#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

#include "tokenize/definition.h"
#include "tokenize/tokenizer_class.h"
#include "tokenize/tokenizer_json.h"
#include "tokenize/word_model.h"

namespace bertjit {

/// Makes the model of a tokenizer.json of type Unigram. (Its normalizer and pre-tokenizer are read as for all types:
/// normalizers.h, pre_tokenizers.h. A BPE with byte_fallback is bpe.h's.)
///
/// Throws Error(kCorrupt) with the field.
NamedWordModel read_unigram_model(const TokenizerJson& parsed);

/// Reads what a tokenizer of class `of` has where there is no tokenizer.json. `config` is the tokenizer_config.json,
/// {} where there is none.
///
/// Throws Error(kNotFound) if a file is missing; Error(kCorrupt) with file and reason.
TokenizerDefinition read_sentencepiece_files(const std::filesystem::path& directory, const TokenizerClass& of,
                                             const nlohmann::json& config);

}  // namespace bertjit
