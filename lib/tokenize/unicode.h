// Code points as the Rust crates under Hugging Face's `tokenizers` see them.
//
// They do not agree on the year: unicode_categories is at Unicode 8, unicode-normalization-alignments at 9, Rust's own
// `char` (lower case, white space) at 17. So U+2E43, punctuation since Unicode 9, is a letter to them. Each function
// says whose answer it gives; ICU has the data, and the age of each code point to leave out what came later. Compared
// with tokenizers 0.22.2 on every code point (unicode_test.cpp keeps the sums).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bertjit {

/// Whether `unicode_version`.0 has the code point.
bool is_assigned_by(char32_t c, uint8_t unicode_version);

/// White_Space: Rust's char::is_whitespace.
bool is_white_space(char32_t c);
/// Control, format, private use: `is_other` of unicode_categories (unassigned code points are not).
bool is_other(char32_t c);
/// ASCII punctuation (all 32 printable non-alphanumerics), or category P* of unicode_categories.
bool is_punctuation(char32_t c);
/// Category Mn of unicode_categories.
bool is_nonspacing_mark(char32_t c);
/// Categories M* of unicode-normalization-alignments.
bool is_combining_mark(char32_t c);
/// The ideograph blocks BERT puts spaces around. U+2B820–2B91F are not among them: a slip of the Rust source that its
/// vocabularies' users now depend on.
bool is_chinese_character(char32_t c);
/// \w of the regex crate, at Unicode 16: letters, marks, decimal digits, connectors, joiners.
bool is_word_character(char32_t c);
/// \p{L} and \p{N} of Oniguruma, at Unicode 16, which GPT-2's pattern is run with.
bool is_letter(char32_t c);
bool is_number(char32_t c);

/// Appends the lower case of one code point, without context (no final sigma), as UTF-8. U+0130 gives two.
void append_lowercase(char32_t c, std::string& out);
void append_utf8(char32_t c, std::string& out);

/// Reads the code point at `position` (< text.size()) and moves past it. A malformed sequence reads as U+FFFD, in the
/// portions Python's decode(errors="replace") uses.
char32_t next_code_point(std::string_view text, size_t& position);
/// Reads the code point that ends before `position` (> 0) and moves to its start.
char32_t previous_code_point(std::string_view text, size_t& position);

/// Offset of the first byte that is not part of well-formed UTF-8, or npos.
size_t find_malformed_utf8(std::string_view text);

}  // namespace bertjit
