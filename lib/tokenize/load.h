// From a Hugging Face directory to its tokenizer.
#pragma once

#include <filesystem>
#include <memory>

#include "tokenize/tokenizer.h"

namespace bertjit {

/// Loads what AutoTokenizer.from_pretrained(directory) of transformers 4.57.6 loads, for the classes of
/// tokenizer_class.h: BERT and its siblings, RoBERTa and its, XLM-RoBERTa, CamemBERT, ALBERT, DeBERTa, Marian.
///
/// Read, where present: tokenizer.json, else the class's own files (vocab.txt; vocab.json and merges.txt; a
/// SentencePiece model); over them tokenizer_config.json; special_tokens_map.json and added_tokens.json, which count
/// only where tokenizer_config.json has no added_tokens_decoder; config.json for the model type, where no other file
/// names the class. Where none does, the files tell: vocab.txt alone is a lower-casing BERT, and a tokenizer.json alone
/// is the first class that all its special tokens fit, which is right but for token_type_ids (DistilBERT's file is
/// BERT's). A tokenizer.json of a class we do not know is loaded as it stands.
///
/// As in transformers, tokenizer_config.json and its defaults overrule tokenizer.json in do_lower_case, strip_accents
/// and tokenize_chinese_chars where the class is BertTokenizer or a sibling of it (DistilBert, Electra, MobileBert,
/// MPNet), and in add_prefix_space for every class.
///
/// Throws Error(kNotFound) with the files looked for if the directory has no tokenizer; Error(kUnsupported) with the
/// class or part that was found, and those that are supported; Error(kCorrupt) with file, line or field if a file is
/// malformed, the vocabulary lacks the unknown, cls or sep token, or added tokens have other ids than their order
/// gives.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& directory);

/// Whether the directory holds tokenizer.json or the vocabulary of one of the classes. It may not load all the same.
bool has_tokenizer(const std::filesystem::path& directory);

}  // namespace bertjit
