#include "digest/tokenizer_digest.h"

#include <array>
#include <span>
#include <string>
#include <system_error>

#include "checksum/checksum_list.h"

namespace bertjit {

namespace {

/// What the tokenizers of lib/tokenize are read from, sorted by bytes.
constexpr std::array kTokenizerFiles = {"added_tokens.json",
                                        "merges.txt",
                                        "sentencepiece.bpe.model",
                                        "source.spm",
                                        "special_tokens_map.json",
                                        "spiece.model",
                                        "spm.model",
                                        "target.spm",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "vocab.json",
                                        "vocab.txt"};

}  // namespace

std::optional<Sha512Digest> digest_tokenizer(const std::filesystem::path& directory) {
  std::string list;
  for (const char* name : kTokenizerFiles) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(directory / name, ignored)) {
      list += format_checksum_line(name, hash_file(directory / name), LineFormat{});
    }
  }
  if (list.empty()) {
    return std::nullopt;
  }
  return hash_bytes(std::as_bytes(std::span(list)));
}

}  // namespace bertjit
