// Encodings as lines of JSON, or as a table of tokens.
#pragma once

#include <string>

#include "tokenize/tokenizer.h"

namespace bertjit {

/// Appends one JSON object and a line end: tokens, input_ids, token_type_ids (null where the tokenizer returns none),
/// attention_mask. UTF-8; bytes that are not become U+FFFD.
void append_json_line(const Encoding& encoding, std::string& out);

/// Appends a line for each token, below the names of the columns; the token in JSON's quotes.
void append_table(const Encoding& encoding, std::string& out);

}  // namespace bertjit
