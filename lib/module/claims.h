// What a TorchScript file is said to be: the record extra/bertjit.json.
//
// `trace` writes it, `run` names outputs by it and `verify` holds the file to it. Format: docs/formats/claims.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace bertjit {

/// Fields that were not claimed are empty.
struct Claims {
  std::string architecture;          ///< model_type of config.json, e.g. "bert"
  std::string head;                  ///< class name in transformers, e.g. "BertForMaskedLM"
  std::vector<std::string> inputs;   ///< arguments of forward in call order
  std::vector<std::string> outputs;  ///< in order; nested ones as "hidden_states.0"
  std::string dtype;                 ///< "float32"
  std::optional<bool> dynamic_batch;
  std::optional<bool> dynamic_length;
  std::string attn_implementation;  ///< "sdpa" or "eager"
  /// Digest of the weights of the checkpoint it was made from (docs/formats/digests.md), as `checksum --weights`
  /// prints.
  std::string source_sha512;
  /// Of the files of the tokenizer beside it: tokenize/files_digest.h.
  std::string tokenizer_sha512;
};

/// Name of the record inside the archive's extra/ folder.
inline constexpr const char* kClaimsRecord = "bertjit.json";

/// One JSON document with sorted keys: the same claims give the same bytes.
std::string claims_to_json(const Claims& claims);

/// Throws Error(kCorrupt) naming `name`, the field and what was expected.
Claims claims_from_json(const std::string& text, const std::string& name);

}  // namespace bertjit
