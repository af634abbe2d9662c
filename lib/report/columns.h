// Numbers and tables for people.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace bertjit {

/// 22713986 -> "22,713,986"
std::string grouped(uint64_t number);

/// The shortest text that reads back to the same number; "nan", "inf", "-inf".
std::string number_text(double value);

/// Four digits, for what differs by powers of ten: 0.00011920928955078125 -> "0.0001192".
std::string rounded_text(double value);

/// "1 module", "2 modules", "1,234 modules".
std::string grouped_count(uint64_t number, const std::string& noun);

enum class Align { kLeft, kRight };

/// Rows of cells in columns two blanks apart, as wide as their widest cell, after `indent`. Columns without an
/// alignment are aligned left; no line ends in blanks.
void print_columns(const std::vector<std::vector<std::string>>& rows, const std::vector<Align>& aligns,
                   const std::string& indent, std::ostream& out);

/// "a, b, c" after `head`, broken before column 100 into lines that are indented as far as `head` is long.
void print_wrapped(const std::string& head, const std::vector<std::string>& words, std::ostream& out);

}  // namespace bertjit
