// Tokenizer classes of transformers: what each one adds to its files.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tokenize/added_tokens.h"

namespace bertjit {

enum class TokenizerFiles { kWordPiece, kByteLevelBpe, kSentencePiece, kMarian };

/// Flags of a special token that a file names by its content alone.
enum class SpecialFlags {
  kPlain,             ///< looked for in raw text
  kNormalized,        ///< looked for in normalized text
  kLstrip,            ///< in raw text, takes the space before it
  kNormalizedLstrip,  ///< in normalized text, takes the space before it
};

struct TokenizerClass {
  const char* name;        ///< without "Tokenizer", "TokenizerFast"
  const char* model_type;  ///< of config.json
  TokenizerFiles files;
  const char* vocabulary_file;  ///< what a tokenizer of this class has where it has no tokenizer.json
  bool has_token_type_ids;      ///< whether they are among what it returns
  const char* bos;              ///< contents by default; nullptr: the class has no such token
  const char* eos;
  const char* cls;
  const char* sep;
  const char* unk;
  const char* pad;
  const char* mask;
  SpecialFlags flags;            ///< of all but unk and mask, without tokenizer.json; with it they are kPlain
  SpecialFlags unk_flags;        ///< without tokenizer.json; with it kPlain
  SpecialFlags mask_flags;       ///< without tokenizer.json
  SpecialFlags mask_flags_json;  ///< with it
  int pair_separators;           ///< sep tokens between two texts
  int64_t second_type_id;        ///< segment of the second text
};

/// Those that share files stand together, the one to assume first.
std::span<const TokenizerClass> tokenizer_classes();

/// "Bert, DistilBert, …", for messages.
std::string list_classes();

/// The content of `role` ("cls_token") by default, or nullptr.
const char* default_content(const TokenizerClass& of, const std::string& role);

/// What `additional_special_tokens` are where no file says.
std::vector<std::string> default_additional_tokens(const TokenizerClass& of);

/// Where the vocabulary is from.
enum class TokenizerSource { kTokenizerJson, kOwnFiles };

/// The token that a file means by `content` alone where `role` is called for. `of` may be nullptr: no class is known.
AddedToken make_role_token(const TokenizerClass* of, TokenizerSource source, const std::string& role,
                           const std::string& content);

}  // namespace bertjit
