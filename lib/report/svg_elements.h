// The pieces that plots are drawn with.
#pragma once

#include <cstddef>
#include <string>

namespace bertjit {

/// Width of a character of the plots' font at its 11 units, on average.
inline constexpr double kSvgCharacter = 6.6;

/// A coordinate: a tenth of a unit is enough.
std::string svg_number(double value);

/// A <line> of that class.
std::string svg_line(const char* kind, double x1, double y1, double x2, double y2);

/// A `<text>`; `anchor` is "start", "middle" or "end", `text` is any text.
std::string svg_label(const char* anchor, double x, double y, const std::string& text);

/// Of UTF-8.
size_t count_characters(const std::string& text);

}  // namespace bertjit
