// tokenizer_config.json, special_tokens_map.json and added_tokens.json: what lies over the vocabulary's own file, as
// PreTrainedTokenizerBase._from_pretrained of transformers reads them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tokenize/added_tokens.h"
#include "tokenize/tokenizer_class.h"

namespace bertjit {

/// In transformers' order, which gives new tokens their ids.
inline constexpr const char* kRoles[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                         "pad_token", "cls_token", "mask_token"};

class ConfigFiles {
 public:
  /// Reads those that are there. Throws Error(kIo, kCorrupt).
  explicit ConfigFiles(const std::filesystem::path& directory);

  /// The class that tokenizer_config.json names, else config.json by `tokenizer_class`, else by `model_type`.
  struct NamedClass {
    const TokenizerClass* known = nullptr;  ///< nullptr: none is named, or one we do not know
    std::string name;                       ///< "class BertJapanese" or "model type t5"; empty: no file names one
  };
  NamedClass find_class() const;

  const nlohmann::json& config() const {
    return config_;
  }
  /// Path of tokenizer_config.json, for messages.
  const std::string& file() const {
    return file_;
  }

  /// The token of a role ("cls_token"): special_tokens_map.json, where it counts, before tokenizer_config.json, before
  /// the default of the class; a null there means none. Throws Error(kCorrupt).
  std::optional<AddedToken> role_token(const std::string& role, const TokenizerClass* of, TokenizerSource source) const;

  /// `additional_special_tokens`, in order; those of the class where no file has them.
  std::vector<AddedToken> additional_tokens(const TokenizerClass* of, TokenizerSource source) const;

  /// The tokens of added_tokens_decoder, or of added_tokens.json where there is none, by id. Those of
  /// added_tokens.json, which has no flags, are special if they play a role. Throws Error(kCorrupt).
  std::vector<AddedToken> added_tokens(const TokenizerClass* of, TokenizerSource source) const;

  /// Limit of the number of tokens, `max_len` in files of before 2020; transformers writes 1e30 for none.
  std::optional<int64_t> model_max_length() const;

 private:
  AddedToken parse_role_token(const nlohmann::json& value, const std::string& role, const TokenizerClass* of,
                              TokenizerSource source) const;

  std::filesystem::path directory_;
  std::string file_;
  nlohmann::json config_;
  nlohmann::json special_map_;  ///< {} where it does not count
  nlohmann::json legacy_added_tokens_;
};

}  // namespace bertjit
