// A digest of a folder's tokenizer: are these the files that a model was made with?
#pragma once

#include <filesystem>
#include <optional>

#include "checksum/sha512.h"

namespace bertjit {

/// SHA-512 of the list that `sha512sum` prints, in the folder, of those tokenizer files that are there, sorted by name:
/// what `sha512sum special_tokens_map.json tokenizer.json tokenizer_config.json vocab.txt | sha512sum` prints.
///
/// nullopt if there are none. It is of bytes: files that another release of transformers wrote for the same tokenizer
/// have another. Throws Error(kIo) for a file that cannot be read.
std::optional<Sha512Digest> digest_tokenizer(const std::filesystem::path& directory);

}  // namespace bertjit
