#include "tokenize/sentencepiece_normalizers.h"

#include <array>
#include <optional>

#include "support/error.h"
#include "tokenize/charsmap.h"
#include "tokenize/graphemes.h"
#include "tokenize/json_members.h"
#include "tokenize/unicode.h"

namespace bertjit {

namespace {

/// Clusters of this many bytes and more are not looked up as a whole.
constexpr size_t kLongCluster = 6;

class Precompiled final : public Normalizer {
 public:
  Precompiled(std::string_view charsmap, const std::string& name) : map_(charsmap, name) {
    for (size_t byte = 0; byte < plain_.size(); ++byte) {
      plain_[byte] = byte < 0x80 && byte != '\r' && !map_.maps_ascii(static_cast<char>(byte));
    }
  }

  void append(std::string_view text, std::string& out) const override {
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = plain_end(text, begin);
      out.append(text, begin, end - begin);
      if (end == text.size()) {
        return;
      }
      begin = find_grapheme_end(text, end);
      append_cluster(text.substr(end, begin - end), out);
    }
  }

 private:
  /// End of the ASCII that stays as it is; its last character may head a cluster, so it is left to the other path.
  size_t plain_end(std::string_view text, size_t begin) const {
    size_t end = begin;
    while (end < text.size() && plain_[static_cast<uint8_t>(text[end])]) {
      ++end;
    }
    const bool before_other = end > begin && end < text.size() && static_cast<uint8_t>(text[end]) >= 0x80;
    return before_other ? end - 1 : end;
  }

  void append_cluster(std::string_view cluster, std::string& out) const {
    if (cluster.size() < kLongCluster) {
      if (const auto mapped = map_.find_shortest(cluster)) {
        out += *mapped;
        return;
      }
    }
    for (size_t i = 0; i < cluster.size();) {
      const size_t begin = i;
      next_code_point(cluster, i);
      const std::string_view character = cluster.substr(begin, i - begin);
      out += map_.find_shortest(character).value_or(character);
    }
  }

  Charsmap map_;
  std::array<bool, 256> plain_;  ///< ASCII that no key begins and ends with, and that joins nothing after it
};

class Nmt final : public Normalizer {
 public:
  void append(std::string_view text, std::string& out) const override {
    for (size_t i = 0; i < text.size();) {
      const size_t begin = i;
      const char32_t c = next_code_point(text, i);
      if (is_space(c)) {
        out += ' ';
      } else if (!is_dropped(c)) {
        out += text.substr(begin, i - begin);
      }
    }
  }

 private:
  static bool is_dropped(char32_t c) {
    return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
  }

  static bool is_space(char32_t c) {
    return c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
           c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
  }
};

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') {
    return c - 'A';
  }
  if (c >= 'a' && c <= 'z') {
    return c - 'a' + 26;
  }
  if (c >= '0' && c <= '9') {
    return c - '0' + 52;
  }
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/// Nothing if `text` is not base64 with its padding.
std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  while (!text.empty() && text.back() == '=' && text.size() % 4 != 2) {
    text.remove_suffix(1);
  }
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) {
      return std::nullopt;
    }
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>(bits >> count & 0xFF));
    }
  }
  return bytes;
}

}  // namespace

std::unique_ptr<Normalizer> make_precompiled(std::string_view charsmap, const std::string& name) {
  return std::make_unique<Precompiled>(charsmap, name);
}

std::unique_ptr<Normalizer> parse_precompiled(const nlohmann::json& object, const std::string& file) {
  const auto bytes = decode_base64(require_string(object, "precompiled_charsmap", file));
  if (!bytes) {
    throw Error(ErrorKind::kCorrupt, file + ": 'precompiled_charsmap' is not base64");
  }
  return make_precompiled(*bytes, file);
}

std::unique_ptr<Normalizer> make_nmt() {
  return std::make_unique<Nmt>();
}

}  // namespace bertjit
