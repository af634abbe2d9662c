#include "checksum/shell_quote.h"

namespace bertjit {

namespace {

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}

/// Means itself everywhere in a shell word.
bool is_harmless(char c) {
  return is_alphanumeric(c) || is_one_of(c, "%+,-./@]_");
}

bool needs_no_quotes(std::string_view name) {
  for (size_t i = 0; i < name.size(); ++i) {
    const bool harmless_here = (is_one_of(name[i], "#~") && i > 0) || (is_one_of(name[i], "{}") && name.size() > 1);
    if (!is_harmless(name[i]) && !harmless_here) {
      return false;
    }
  }
  return !name.empty();
}

/// GNU prefers "it's" to 'it'\''s' where C and the shell agree on what the quoted text means.
bool suits_double_quotes(std::string_view name) {
  if (name.find('\'') == std::string_view::npos) {
    return false;
  }
  for (size_t i = 0; i < name.size(); ++i) {
    if (!is_harmless(name[i]) && !is_one_of(name[i], " :'") && !(is_one_of(name[i], "#~") && i == 0)) {
      return false;
    }
  }
  return true;
}

std::string escape_sequence(char c) {
  constexpr std::string_view kControls = "\a\b\t\n\v\f\r";
  constexpr std::string_view kLetters = "abtnvfr";
  if (const size_t i = kControls.find(c); i != std::string_view::npos) {
    return {'\\', kLetters[i]};
  }
  const auto octal_digit = [c](int shift) {
    return static_cast<char>('0' + (static_cast<unsigned char>(c) >> shift & 7));
  };
  return {'\\', octal_digit(6), octal_digit(3), octal_digit(0)};
}

}  // namespace

std::string quote_name(std::string_view name) {
  if (needs_no_quotes(name)) {
    return std::string(name);
  }
  if (suits_double_quotes(name)) {
    return '"' + std::string(name) + '"';
  }
  std::string quoted = "'";
  bool in_escape = false;
  for (const char c : name) {
    if (!is_printable(c)) {
      quoted += (in_escape ? "" : "'$'") + escape_sequence(c);
      in_escape = true;
    } else if (c == '\'') {
      quoted += "'\\''";
      in_escape = false;
    } else {
      quoted += in_escape ? "''" : "";
      quoted += c;
      in_escape = false;
    }
  }
  return quoted + "'";
}

}  // namespace bertjit
