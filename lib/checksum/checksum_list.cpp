#include "checksum/checksum_list.h"

#include <algorithm>
#include <optional>

namespace bertjit {

namespace {

constexpr size_t kHexDigits = 2 * std::tuple_size_v<Sha512Digest>;
constexpr std::string_view kBlanks = " \t";

std::string_view skip_blanks(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(kBlanks), text.size()));
}

bool starts_blank(std::string_view text) {
  return !text.empty() && kBlanks.find(text.front()) != std::string_view::npos;
}

std::string_view until_nul(std::string_view text) {
  return text.substr(0, text.find('\0'));
}

std::optional<unsigned> hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'f') {
    return lower - 'a' + 10;
  }
  return std::nullopt;
}

bool read_digest(std::string_view hex, Sha512Digest& digest) {
  if (hex.size() != kHexDigits) {
    return false;
  }
  for (size_t i = 0; i < digest.size(); ++i) {
    const auto high = hex_value(hex[2 * i]);
    const auto low = hex_value(hex[2 * i + 1]);
    if (!high || !low) {
      return false;
    }
    digest[i] = static_cast<std::byte>(*high << 4 | *low);
  }
  return true;
}

std::string escape_name(std::string_view name) {
  std::string escaped;
  for (const char c : name) {
    switch (c) {
      case '\\':
        escaped += "\\\\";
        break;
      case '\n':
        escaped += "\\n";
        break;
      case '\r':
        escaped += "\\r";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::optional<std::string> unescape_name(std::string_view escaped) {
  std::string name;
  for (size_t i = 0; i < escaped.size(); ++i) {
    char c = escaped[i];
    if (c == '\0') {
      return std::nullopt;
    }
    if (c == '\\') {
      if (++i == escaped.size()) {
        return std::nullopt;
      }
      switch (escaped[i]) {
        case '\\':
          break;
        case 'n':
          c = '\n';
          break;
        case 'r':
          c = '\r';
          break;
        default:
          return std::nullopt;
      }
    }
    name += c;
  }
  return name;
}

bool read_name(std::string_view text, bool escaped, std::string& name) {
  if (!escaped) {
    name = until_nul(text);
    return true;
  }
  auto unescaped = unescape_name(text);
  if (unescaped) {
    name = std::move(*unescaped);
  }
  return unescaped.has_value();
}

/// `rest` is what follows "TAG (".
bool parse_tagged(std::string_view rest, bool escaped, ListedChecksum& entry) {
  const size_t close = rest.rfind(')');
  if (close == std::string_view::npos || !read_name(rest.substr(0, close), escaped, entry.name)) {
    return false;
  }
  rest = skip_blanks(rest.substr(close + 1));
  if (!rest.starts_with('=')) {
    return false;
  }
  return read_digest(until_nul(skip_blanks(rest.substr(1))), entry.digest);
}

}  // namespace

std::string format_checksum_line(std::string_view name, const Sha512Digest& digest, const LineFormat& format) {
  const bool escape = format.end == LineEnd::kNewline && name.find_first_of("\\\n\r") != std::string_view::npos;
  const std::string text = escape ? escape_name(name) : std::string(name);
  std::string line = escape ? "\\" : "";
  if (format.style == LineStyle::kBsd) {
    line.append(format.tag).append(" (").append(text).append(") = ").append(to_hex(digest));
  } else {
    line.append(to_hex(digest)).append(format.mark == ModeMark::kBinary ? " *" : "  ").append(text);
  }
  return line + (format.end == LineEnd::kNewline ? '\n' : '\0');
}

std::string format_reported_name(std::string_view name) {
  return name.find('\n') == std::string_view::npos ? std::string(name) : '\\' + escape_name(name);
}

ListedChecksum ChecksumListParser::parse_line(std::string_view line) {
  ListedChecksum entry;
  if (line.starts_with('#')) {
    entry.kind = ListedChecksum::Kind::kIgnored;
    return entry;
  }
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  if (line.empty()) {
    entry.kind = ListedChecksum::Kind::kIgnored;
    return entry;
  }
  std::string_view rest = skip_blanks(line);
  const bool escaped = rest.starts_with('\\');
  rest.remove_prefix(escaped ? 1 : 0);

  bool understood = false;
  if (rest.starts_with(tag_)) {
    rest.remove_prefix(tag_.size());
    rest.remove_prefix(rest.starts_with(' ') ? 1 : 0);
    understood = rest.starts_with('(') && parse_tagged(rest.substr(1), escaped, entry);
  } else {
    understood = parse_untagged(rest, escaped, entry);
  }
  entry.kind = understood ? ListedChecksum::Kind::kEntry : ListedChecksum::Kind::kMalformed;
  return entry;
}

bool ChecksumListParser::parse_untagged(std::string_view rest, bool escaped, ListedChecksum& entry) {
  if (rest.size() < kHexDigits + 2 || !starts_blank(rest.substr(kHexDigits)) ||
      !read_digest(rest.substr(0, kHexDigits), entry.digest)) {
    return false;
  }
  rest.remove_prefix(kHexDigits + 1);
  const bool marked = rest.size() > 1 && (rest.front() == ' ' || rest.front() == '*');
  if (!accept_layout(marked ? Layout::kUsual : Layout::kReversed)) {
    return false;
  }
  // In a reversed list a name may start with a blank or an asterisk.
  rest.remove_prefix(layout_ == Layout::kUsual ? 1 : 0);
  return read_name(rest, escaped, entry.name);
}

bool ChecksumListParser::accept_layout(Layout layout) {
  if (layout_ == Layout::kUnknown) {
    layout_ = layout;
  }
  return layout_ == layout || layout_ == Layout::kReversed;
}

}  // namespace bertjit
