// The files that define a WordPiece tokenizer: vocab.txt, or a tokenizer.json of model type WordPiece.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tokenize/bert_normalizer.h"
#include "tokenize/definition.h"
#include "tokenize/tokenizer_json.h"
#include "tokenize/vocabulary.h"
#include "tokenize/word_model.h"
#include "tokenize/wordpiece.h"

namespace bertjit {

/// Reads vocab.txt: a token a line, its id the line's number from 0. A token listed twice has the later id; line ends
/// are \n, \r\n or \r, as for Python.
///
/// Throws Error(kNotFound, kIo); Error(kCorrupt) if the file is empty, or with the line that is not UTF-8.
std::shared_ptr<const Vocabulary> read_vocabulary(const std::filesystem::path& path);

/// Makes the model of a tokenizer.json of type WordPiece. Throws Error(kCorrupt) with the field.
NamedWordModel read_wordpiece_model(const TokenizerJson& parsed);

/// Reads the vocab.txt of a BERT. Throws as read_vocabulary(), and Error(kCorrupt) if it lacks `unk_token`.
TokenizerDefinition read_wordpiece_files(const std::filesystem::path& directory, const std::string& unk_token,
                                         const BertNormalizerOptions& normalizer);

}  // namespace bertjit
