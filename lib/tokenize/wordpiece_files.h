// The files that define a WordPiece tokenizer: vocab.txt, or a tokenizer.json of model type WordPiece.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tokenize/added_tokens.h"
#include "tokenize/template.h"
#include "tokenize/vocabulary.h"
#include "tokenize/wordpiece.h"

namespace bertjit {

/// Reads vocab.txt: a token a line, its id the line's number from 0. A token listed twice has the later id; line ends
/// are \n, \r\n or \r, as for Python.
///
/// Throws Error(kNotFound, kIo); Error(kCorrupt) if the file is empty, or with the line that is not UTF-8.
std::shared_ptr<const Vocabulary> read_vocabulary(const std::filesystem::path& path);

/// An added token with the id its file gives it.
struct NumberedToken {
  AddedToken token;
  int64_t id;
};

/// What a tokenizer.json says, in its order.
struct WordPieceDefinition {
  std::shared_ptr<const Vocabulary> vocabulary;
  WordPieceOptions wordpiece;
  BertNormalizerOptions normalizer;
  std::vector<NumberedToken> added_tokens;
  EncodingTemplate encoding_template;
  std::optional<std::string> padding_side;  ///< "Left" or "Right"
  std::optional<std::string> truncation_side;
  int64_t pad_type_id = 0;
};

/// Reads tokenizer.json: model WordPiece, normalizer BertNormalizer or none, pre-tokenizer BertPreTokenizer,
/// post-processor TemplateProcessing, BertProcessing or none.
///
/// Throws Error(kNotFound, kIo); Error(kCorrupt) if it is not such JSON; Error(kUnsupported) with the type that was
/// found for any other part.
WordPieceDefinition read_wordpiece_definition(const std::filesystem::path& path);

/// Reads an added token from the JSON of tokenizer.json, tokenizer_config.json or special_tokens_map.json. `file`
/// stands first in messages. Throws Error(kCorrupt).
AddedToken parse_added_token(const nlohmann::json& object, const std::string& file);

/// The member `key`, or nullptr where it is absent, null, or `object` is no object.
const nlohmann::json* find_member(const nlohmann::json& object, const std::string& key);

/// The member `key`, or `fallback` where it is absent or null. Throws Error(kCorrupt) if it is of another type.
bool bool_member(const nlohmann::json& object, const std::string& key, bool fallback, const std::string& file);
std::string string_member(const nlohmann::json& object, const std::string& key, const std::string& fallback,
                          const std::string& file);
/// The same for a number that must be an integer of at least 0.
int64_t count_member(const nlohmann::json& object, const std::string& key, int64_t fallback, const std::string& file);

}  // namespace bertjit
