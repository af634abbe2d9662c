#include "script/python_strings.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace bertjit {

namespace {

struct Shape {
  bool raw = false;
  bool formatted = false;
  size_t first;  ///< of the characters
  size_t last;
};

Shape shape_of(std::string_view text, const PythonToken& token) {
  Shape shape;
  size_t at = token.begin;
  for (; text[at] != '"' && text[at] != '\''; ++at) {
    const char prefix = static_cast<char>(std::tolower(static_cast<unsigned char>(text[at])));
    if (prefix == 'b') {
      throw TextFault(token.begin, token.end, "bytes are outside the subset: TorchScript has no type for them");
    }
    shape.raw = shape.raw || prefix == 'r';
    shape.formatted = shape.formatted || prefix == 'f';
  }
  const bool triple = token.end - at >= 6 && text[at + 1] == text[at] && text[at + 2] == text[at];
  shape.first = at + (triple ? 3 : 1);
  shape.last = token.end - (triple ? 3 : 1);
  return shape;
}

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

size_t hex_digits(char kind) {
  return kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
}

// Appends what the escape at `at` (a backslash) stands for; returns the byte after it.
size_t unescape(std::string_view text, size_t at, size_t last, std::string& out) {
  static constexpr std::string_view kNames = "abfnrtv\\'\"";
  static constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\'\"";
  const char c = text[at + 1];
  if (const size_t known = kNames.find(c); known != std::string_view::npos) {
    out += kValues[known];
    return at + 2;
  }
  if (c == '\n') {
    return at + 2;
  }
  if (c == 'x' || c == 'u' || c == 'U') {
    const size_t digits = hex_digits(c);
    uint32_t code = 0;
    for (size_t i = 0; i < digits; ++i) {
      const size_t digit = at + 2 + i;
      if (digit >= last || std::isxdigit(static_cast<unsigned char>(text[digit])) == 0) {
        throw TextFault(at, std::min(digit + 1, last), "an escape with too few hexadecimal digits");
      }
      code = code * 16 + static_cast<uint32_t>(std::stoi(std::string(1, text[digit]), nullptr, 16));
    }
    append_utf8(out, code);
    return at + 2 + digits;
  }
  if (c >= '0' && c <= '7') {
    uint32_t code = 0;
    size_t end = at + 1;
    for (; end < last && end < at + 4 && text[end] >= '0' && text[end] <= '7'; ++end) {
      code = code * 8 + static_cast<uint32_t>(text[end] - '0');
    }
    append_utf8(out, code);
    return end;
  }
  out += '\\';  // Python keeps the backslash of an escape that it does not know
  return at + 1;
}

// Where the expression that starts at `at` ends: its closing brace, or the conversion, format or `=` before that.
size_t expression_end(std::string_view text, size_t at, size_t last) {
  int depth = 0;
  for (size_t i = at; i < last; ++i) {
    const char c = text[i];
    const char next = i + 1 < last ? text[i + 1] : '\0';
    if (c == '"' || c == '\'') {
      const size_t close = text.find(c, i + 1);
      i = close == std::string_view::npos ? last : close;
    } else if (c == '(' || c == '[' || c == '{') {
      ++depth;
    } else if ((c == ')' || c == ']' || c == '}') && depth > 0) {
      --depth;
    } else if (c == '}' || (depth == 0 && (c == ':' || (c == '!' && next != '=')))) {
      return i;
    } else if (depth == 0 && c == '=') {
      const size_t after = text.find_first_not_of(" \t\n", i + 1);
      const bool compares = next == '=' || std::string_view("=<>!").find(text[i - 1]) != std::string_view::npos;
      if (!compares && after < last && std::string_view("}:!").find(text[after]) != std::string_view::npos) {
        return i;
      }
    }
  }
  throw TextFault(at - 1, at, "an f-string's brace that does not close");
}

class PartReader {
 public:
  PartReader(std::string_view text, const Shape& shape) : text_(text), shape_(shape), at_(shape.first) {}

  // The parts up to the end or, in a format, up to the brace that closes it.
  std::vector<StringPart> read(int depth) {
    std::vector<StringPart> parts(1);
    while (at_ < shape_.last) {
      const char c = text_[at_];
      const bool doubled = depth == 0 && at_ + 1 < shape_.last && text_[at_ + 1] == c;
      if (c == '\\' && !shape_.raw) {
        at_ = unescape(text_, at_, shape_.last, parts.back().text);
      } else if (shape_.formatted && (c == '{' || c == '}') && doubled) {
        parts.back().text += c;
        at_ += 2;
      } else if (shape_.formatted && c == '{') {
        expression(parts, depth);
      } else if (shape_.formatted && c == '}') {
        if (depth > 0) {
          return parts;
        }
        throw TextFault(at_, at_ + 1, "an f-string's closing brace alone");
      } else {
        parts.back().text += c;
        ++at_;
      }
    }
    if (depth > 0) {
      throw TextFault(shape_.last - 1, shape_.last, "an f-string's brace that does not close");
    }
    return parts;
  }

 private:
  void expression(std::vector<StringPart>& parts, int depth) {
    const size_t open = at_;
    const size_t end = expression_end(text_, open + 1, shape_.last);
    if (text_.substr(open + 1, end - open - 1).find_first_not_of(" \t\n") == std::string_view::npos) {
      throw TextFault(open, end + 1, "an f-string's braces with nothing between them");
    }
    if (depth > 1) {
      throw TextFault(open, end, "an f-string with expressions nested too deeply");
    }
    StringPart part{true, "", open + 1, end, "", {}};
    at_ = end;
    if (text_[at_] == '=') {
      at_ = text_.find_first_not_of(" \t\n", at_ + 1);
      parts.back().text += text_.substr(open + 1, at_ - open - 1);
      part.conversion = text_[at_] == '}' ? "r" : "";
    }
    if (text_[at_] == '!') {
      part.conversion = text_.substr(at_ + 1, 1);
      if (part.conversion.find_first_of("rsa") != 0) {
        throw TextFault(at_, at_ + 2, "an f-string's conversion is !r, !s or !a");
      }
      at_ += 2;
    }
    if (at_ < shape_.last && text_[at_] == ':') {
      ++at_;
      part.spec = read(depth + 1);
    }
    if (at_ >= shape_.last || text_[at_] != '}') {
      throw TextFault(open, open + 1, "an f-string's brace that does not close");
    }
    ++at_;
    parts.push_back(std::move(part));
    parts.emplace_back();
  }

  std::string_view text_;
  const Shape& shape_;
  size_t at_;
};

}  // namespace

std::vector<StringPart> string_parts(std::string_view text, const PythonToken& token) {
  const Shape shape = shape_of(text, token);
  return PartReader(text, shape).read(0);
}

std::string quote_string(std::string_view characters) {
  std::string quoted = "\"";
  for (const char c : characters) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += '\\';
      for (const int shift : {6, 3, 0}) {
        quoted += static_cast<char>('0' + ((byte >> shift) & 7));
      }
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace bertjit
