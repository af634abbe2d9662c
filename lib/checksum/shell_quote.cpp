#include "checksum/shell_quote.h"

#include <locale.h>

#include <algorithm>
#include <cwchar>
#include <cwctype>
#include <optional>
#include <vector>

namespace bertjit {

namespace {

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

/// The characters of the environment's locale, for this thread, while it lives. Without a name that needs it none is
/// loaded: that takes longer than hashing a small file.
class EnvironmentLocale {
 public:
  EnvironmentLocale() : locale_(::newlocale(LC_CTYPE_MASK, "", nullptr)) {
    if (locale_ != nullptr) {
      before_ = ::uselocale(locale_);
    }
  }
  ~EnvironmentLocale() {
    if (locale_ != nullptr) {
      ::uselocale(before_);
      ::freelocale(locale_);
    }
  }
  EnvironmentLocale(const EnvironmentLocale&) = delete;
  EnvironmentLocale& operator=(const EnvironmentLocale&) = delete;

 private:
  locale_t locale_;
  locale_t before_ = nullptr;
};

struct Character {
  std::string_view bytes;
  bool printable = true;

  bool is_ascii() const {
    return bytes.size() == 1 && static_cast<unsigned char>(bytes.front()) < 0x80;
  }
};

/// The first character of `rest`, which is not empty. Bytes that are none count one by one, except those of one that
/// the end of the name cuts off.
Character first_character(std::string_view rest) {
  if (static_cast<unsigned char>(rest.front()) < 0x80) {
    return {rest.substr(0, 1), rest.front() >= ' ' && rest.front() <= '~'};
  }
  wchar_t wide;
  std::mbstate_t state{};
  const size_t length = std::mbrtowc(&wide, rest.data(), rest.size(), &state);
  if (length == static_cast<size_t>(-1)) {
    return {rest.substr(0, 1), false};
  }
  if (length == static_cast<size_t>(-2)) {
    return {rest, false};
  }
  return {rest.substr(0, length), std::iswprint(static_cast<wint_t>(wide)) != 0};
}

std::vector<Character> split_characters(std::string_view name) {
  std::optional<EnvironmentLocale> locale;
  if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    locale.emplace();
  }
  std::vector<Character> characters;
  while (!name.empty()) {
    characters.push_back(first_character(name));
    name.remove_prefix(characters.back().bytes.size());
  }
  return characters;
}

/// Means itself everywhere in a shell word.
bool is_harmless(char c) {
  return is_alphanumeric(c) || is_one_of(c, "%+,-./@]_");
}

/// A letter of another alphabet is as harmless as one of ours.
bool is_harmless(const Character& character) {
  return character.is_ascii() ? is_harmless(character.bytes.front()) : character.printable;
}

bool is_one_of(const Character& character, std::string_view set) {
  return character.is_ascii() && is_one_of(character.bytes.front(), set);
}

bool needs_no_quotes(const std::vector<Character>& name) {
  for (size_t i = 0; i < name.size(); ++i) {
    const bool harmless_here = (is_one_of(name[i], "#~") && i > 0) || (is_one_of(name[i], "{}") && name.size() > 1);
    if (!is_harmless(name[i]) && !harmless_here) {
      return false;
    }
  }
  return !name.empty();
}

/// GNU prefers "it's" to 'it'\''s' where C and the shell agree on what the quoted text means.
bool suits_double_quotes(const std::vector<Character>& name) {
  bool apostrophe = false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (!is_harmless(name[i]) && !is_one_of(name[i], " :'") && !(is_one_of(name[i], "#~") && i == 0)) {
      return false;
    }
    apostrophe = apostrophe || is_one_of(name[i], "'");
  }
  return apostrophe;
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
  const std::vector<Character> characters = split_characters(name);
  if (needs_no_quotes(characters)) {
    return std::string(name);
  }
  if (suits_double_quotes(characters)) {
    return '"' + std::string(name) + '"';
  }
  std::string quoted = "'";
  // GNU looks at a name with an apostrophe twice, and begins the second time as if still within what ended the first.
  bool in_escape = !characters.empty() && !characters.back().printable && name.find('\'') != std::string_view::npos;
  for (const Character& character : characters) {
    if (!character.printable) {
      quoted += in_escape ? "" : "'$'";
      for (const char c : character.bytes) {
        quoted += escape_sequence(c);
      }
      in_escape = true;
    } else if (is_one_of(character, "'")) {
      quoted += "'\\''";
      in_escape = false;
    } else {
      quoted += in_escape ? "''" : "";
      quoted += character.bytes;
      in_escape = false;
    }
  }
  return quoted + "'";
}

}  // namespace bertjit
