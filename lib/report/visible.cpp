#include "report/visible.h"

#include <cstdio>

namespace bertjit {

std::string visible(const std::string& text) {
  std::string result;
  const auto spell_out = [&](unsigned char c) {
    char code[8];
    std::snprintf(code, sizeof code, "\\x%02x", c);
    result += code;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (c == 0xc2 && next >= 0x80 && next <= 0x9f) {
      spell_out(next);
      ++i;
    } else if (c < 0x20 || c == 0x7f) {
      spell_out(c);
    } else {
      result += text[i];
    }
  }
  return result;
}

}  // namespace bertjit
