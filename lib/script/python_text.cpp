#include "script/python_text.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "script/operators.h"
#include "script/python_error.h"

namespace bertjit {

using torch::jit::SourceRange;

namespace {

// How many bytes the character at `at` has.
size_t character_size(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t size = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF8 ? 4 : 1;
  for (size_t i = 1; i < size; ++i) {
    if (at + i >= text.size() || (static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) {
      return 1;
    }
  }
  return size;
}

std::string hexadecimal(uint32_t value) {
  std::ostringstream digits;
  digits << std::hex << value;
  return digits.str();
}

}  // namespace

std::vector<std::string> characters_of(std::string_view text) {
  std::vector<std::string> characters;
  for (size_t at = 0; at < text.size(); at += characters.back().size()) {
    characters.emplace_back(text.substr(at, character_size(text, at)));
  }
  return characters;
}

size_t count_characters(std::string_view text) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); at += character_size(text, at)) {
    ++count;
  }
  return count;
}

std::string repr_text(const Object& value, bool ascii) {
  const auto* text = string_of(value);
  if (text == nullptr) {
    return text_of(value);
  }
  const char quote = text->find('\'') != std::string::npos && text->find('"') == std::string::npos ? '"' : '\'';
  std::string result(1, quote);
  for (const std::string& character : characters_of(*text)) {
    const auto byte = static_cast<unsigned char>(character[0]);
    if (character[0] == quote || character == "\\") {
      result += "\\" + character;
    } else if (character == "\n" || character == "\t" || character == "\r") {
      result += character == "\n" ? "\\n" : character == "\t" ? "\\t" : "\\r";
    } else if (byte < 0x20 || byte == 0x7F) {
      result += "\\x" + std::string(byte < 0x10 ? "0" : "") + hexadecimal(byte);
    } else if (ascii && byte >= 0x80) {
      uint32_t code = character.size() == 2 ? byte & 0x1F : character.size() == 3 ? byte & 0x0F : byte & 0x07;
      for (size_t i = 1; i < character.size(); ++i) {
        code = code << 6 | (static_cast<unsigned char>(character[i]) & 0x3F);
      }
      const std::string digits = hexadecimal(code);
      const size_t width = code < 0x100 ? 2 : code < 0x10000 ? 4 : 8;
      result += (code < 0x100     ? "\\x"
                 : code < 0x10000 ? "\\u"
                                  : "\\U") +
                std::string(width - digits.size(), '0') + digits;
    } else {
      result += character;
    }
  }
  return result + quote;
}

namespace {

// The fields of str.format.
class FieldReader {
 public:
  FieldReader(const std::string& text, const CallArguments& arguments, const SourceRange& where)
      : text_(text), arguments_(arguments), where_(where) {}

  std::string read(bool nested) {
    std::string result;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (nested && c == '}') {
        return result;
      }
      ++at_;
      if ((c == '{' || c == '}') && !nested && at_ < text_.size() && text_[at_] == c) {
        result += c;
        ++at_;
      } else if (c == '{') {
        result += field();
      } else if (c == '}') {
        refuse(where_, "ValueError: Single '}' encountered in format string");
      } else {
        result += c;
      }
    }
    return result;
  }

 private:
  std::string field() {
    const size_t end = text_.find_first_of("!:}", at_);
    if (end == std::string::npos) {
      refuse(where_, "ValueError: expected '}' before end of string");
    }
    const Object value = find(text_.substr(at_, end - at_));
    at_ = end;
    std::string conversion;
    if (text_[at_] == '!') {
      conversion = text_.substr(at_ + 1, 1);
      at_ += 2;
    }
    std::string spec;
    if (at_ < text_.size() && text_[at_] == ':') {
      ++at_;
      spec = read(true);
    }
    if (at_ >= text_.size() || text_[at_] != '}') {
      refuse(where_, "ValueError: expected '}' before end of string");
    }
    ++at_;
    return format_value(value, conversion, spec, where_);
  }

  Object find(const std::string& name) {
    const bool number = std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    if (number) {
      const size_t index = name.empty() ? next_++ : name.size() < 6 ? std::stoul(name) : arguments_.positional.size();
      if (index >= arguments_.positional.size()) {
        refuse(where_,
               "IndexError: Replacement index " + std::to_string(index) + " out of range for positional args tuple");
      }
      return arguments_.positional[index];
    }
    if (name.find_first_of(".[") != std::string::npos) {
      refuse(where_, "attributes and items in a format are outside the subset: give them as arguments");
    }
    for (const auto& [known, value] : arguments_.named) {
      if (known == name) {
        return value;
      }
    }
    refuse(where_, "KeyError: '" + name + "'");
  }

  const std::string& text_;
  const CallArguments& arguments_;
  const SourceRange& where_;
  size_t at_ = 0;
  size_t next_ = 0;
};

}  // namespace

std::string format_text(const std::string& text, const CallArguments& arguments, const SourceRange& where) {
  return FieldReader(text, arguments, where).read(false);
}

}  // namespace bertjit
