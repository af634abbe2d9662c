#include "report/svg_elements.h"

#include <algorithm>

#include "report/decimals.h"
#include "report/markup.h"

namespace bertjit {

std::string svg_number(double value) {
  return fixed(value, 1);
}

std::string svg_line(const char* kind, double x1, double y1, double x2, double y2) {
  return std::string("<line class=\"") + kind + "\" x1=\"" + svg_number(x1) + "\" y1=\"" + svg_number(y1) + "\" x2=\"" +
         svg_number(x2) + "\" y2=\"" + svg_number(y2) + "\"/>\n";
}

std::string svg_label(const char* anchor, double x, double y, const std::string& text) {
  return std::string("<text text-anchor=\"") + anchor + "\" x=\"" + svg_number(x) + "\" y=\"" + svg_number(y) + "\">" +
         markup_text(text) + "</text>\n";
}

size_t count_characters(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace bertjit
