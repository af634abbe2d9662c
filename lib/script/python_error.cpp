#include "script/python_error.h"

#include <algorithm>
#include <string_view>

#include "script/python_text.h"

namespace bertjit {

using torch::jit::SourceRange;

namespace {

// The line of the text that a place is in, without its end.
std::string line_of(const SourceRange& where) {
  const auto& source = *where.source();
  std::string line = source.get_line(source.lineno_for_offset(where.start())).str();
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) {
    line.pop_back();
  }
  return line;
}

// How many characters the line has up to the byte of that column.
size_t characters_before(const std::string& line, size_t column) {
  return count_characters(std::string_view(line).substr(0, column));
}

std::string place_text(const std::string& file, size_t line, size_t column) {
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

// The line with what no terminal should get, and what is no UTF-8, replaced.
std::string shown(const std::string& line) {
  std::string text;
  for (const auto& character : characters_of(line)) {
    const auto byte = static_cast<unsigned char>(character[0]);
    const bool unprintable = (byte < 0x20 && byte != '\t') || byte == 0x7F || (character.size() == 1 && byte >= 0x80);
    text += unprintable ? "\xEF\xBF\xBD" : character;
  }
  return text;
}

}  // namespace

std::string range_text(const SourceRange& where) {
  const auto place = where.file_line_col();
  if (!place) {
    return "";
  }
  const auto& [file, line, column] = *place;
  return place_text(file, line, characters_before(line_of(where), column));
}

Error script_error(const SourceRange& where, const std::string& what) {
  const auto place = where.file_line_col();
  if (!place) {
    return Error(ErrorKind::kInvalidArgument, what);
  }
  const size_t begin = std::get<2>(*place);
  const std::string line = line_of(where);
  const size_t size = where.end() > where.start() ? where.end() - where.start() : 1;
  const size_t column = characters_before(line, begin);
  const size_t room = std::max<size_t>(count_characters(line), column + 1) - column;
  const size_t width = std::max<size_t>(characters_before(line, begin + size), column + 1) - column;
  // The caret stands under the place whatever a tab is worth, so the line's own tabs are kept before it.
  std::string caret;
  for (size_t i = 0; i < begin; ++i) {
    const bool inside = i < line.size() && (static_cast<unsigned char>(line[i]) & 0xC0) == 0x80;
    caret += inside ? "" : i < line.size() && line[i] == '\t' ? "\t" : " ";
  }
  caret += "^" + std::string(std::min(width, room) - 1, '~');
  return Error(ErrorKind::kInvalidArgument, range_text(where) + ": " + what + "\n  " + shown(line) + "\n  " + caret);
}

void refuse(const SourceRange& where, const std::string& what) {
  throw script_error(where, what);
}

}  // namespace bertjit
