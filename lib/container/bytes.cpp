#include "container/bytes.h"

namespace bertjit {

std::string quote_name(std::string_view name) {
  constexpr size_t kMaxBytes = 200;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "'";
  for (const char c : name.substr(0, kMaxBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      text += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      text += c;
    }
  }
  return text + (name.size() > kMaxBytes ? "…'" : "'");
}

}  // namespace bertjit
