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

// Where the expression that starts at `at` ends: its closing brace.
size_t expression_end(std::string_view text, size_t at, size_t last) {
  int depth = 0;
  for (size_t i = at; i < last; ++i) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      const size_t close = text.find(c, i + 1);
      i = close == std::string_view::npos ? last : close;
    } else if (c == '(' || c == '[' || c == '{') {
      ++depth;
    } else if ((c == ')' || c == ']' || c == '}') && depth > 0) {
      --depth;
    } else if (c == '}') {
      return i;
    } else if (depth == 0 && (c == ':' || (c == '!' && i + 1 < last && text[i + 1] != '='))) {
      throw TextFault(i, i + 1,
                      "a format or conversion in an f-string is outside the subset: TorchScript has {} alone");
    }
  }
  throw TextFault(at - 1, at, "an f-string's brace that does not close");
}

}  // namespace

std::vector<StringPart> string_parts(std::string_view text, const PythonToken& token) {
  const Shape shape = shape_of(text, token);
  std::vector<StringPart> parts(1);
  for (size_t at = shape.first; at < shape.last;) {
    const char c = text[at];
    if (c == '\\' && !shape.raw) {
      at = unescape(text, at, shape.last, parts.back().text);
    } else if (shape.formatted && (c == '{' || c == '}') && at + 1 < shape.last && text[at + 1] == c) {
      parts.back().text += c;
      at += 2;
    } else if (shape.formatted && c == '{') {
      const size_t end = expression_end(text, at + 1, shape.last);
      if (text.substr(at + 1, end - at - 1).find_first_not_of(" \t\n") == std::string_view::npos) {
        throw TextFault(at, end + 1, "an f-string's braces with nothing between them");
      }
      parts.push_back({true, "", at + 1, end});
      parts.push_back({});
      at = end + 1;
    } else if (shape.formatted && c == '}') {
      throw TextFault(at, at + 1, "an f-string's closing brace alone");
    } else {
      parts.back().text += c;
      ++at;
    }
  }
  return parts;
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
