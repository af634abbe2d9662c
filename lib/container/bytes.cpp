#include "container/bytes.h"

#include <algorithm>

namespace bertjit {

std::string in_quotes(std::string_view name) {
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

std::string all_in_quotes(std::span<const std::string> names) {
  constexpr size_t kMaxListed = 8;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kMaxListed); ++i) {
    text += (i == 0 ? "" : ", ") + in_quotes(names[i]);
  }
  return names.size() <= kMaxListed ? text : text + " and " + std::to_string(names.size() - kMaxListed) + " more";
}

}  // namespace bertjit
