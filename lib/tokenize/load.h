// From a Hugging Face directory to its tokenizer.
#pragma once

#include <filesystem>
#include <memory>

#include "tokenize/tokenizer.h"

namespace bertjit {

/// Loads what AutoTokenizer.from_pretrained(directory) of transformers 4.57.6 loads.
///
/// Read, where present: tokenizer.json (must be WordPiece), else vocab.txt; tokenizer_config.json;
/// special_tokens_map.json and added_tokens.json, which count only where tokenizer_config.json has no
/// added_tokens_decoder; config.json for the model type, where no other file names the class. vocab.txt alone is a
/// lower-casing BERT. As in transformers, do_lower_case, strip_accents and tokenize_chinese_chars of
/// tokenizer_config.json, and their defaults, overrule tokenizer.json where the class is BertTokenizer or a sibling of
/// it (DistilBert, Electra, MobileBert, MPNet).
///
/// Throws Error(kNotFound) with the files looked for if the directory has no tokenizer; Error(kUnsupported) with the
/// kind that was found if it is not WordPiece; Error(kCorrupt) with file, line or field if a file is malformed, the
/// vocabulary lacks the unknown, cls or sep token, or added tokens have other ids than their order gives.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& directory);

}  // namespace bertjit
