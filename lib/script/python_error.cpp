#include "script/python_error.h"

#include <algorithm>

namespace bertjit {

using torch::jit::SourceRange;

std::string range_text(const SourceRange& where) {
  const auto place = where.file_line_col();
  if (!place) {
    return "";
  }
  const auto& [file, line, column] = *place;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

Error script_error(const SourceRange& where, const std::string& what) {
  const auto place = where.file_line_col();
  if (!place) {
    return Error(ErrorKind::kInvalidArgument, what);
  }
  const size_t column = std::get<2>(*place);
  const auto& source = *where.source();
  std::string line = source.get_line(source.lineno_for_offset(where.start())).str();
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) {
    line.pop_back();
  }
  // The caret stands under the place whatever a tab is worth, so the line's own tabs are kept before it.
  std::string caret;
  for (size_t i = 0; i < column; ++i) {
    caret += i < line.size() && line[i] == '\t' ? '\t' : ' ';
  }
  const size_t width = where.end() > where.start() ? where.end() - where.start() : 1;
  const size_t room = line.size() > column ? line.size() - column : 1;
  caret += "^" + std::string(std::min(width, room) - 1, '~');
  return Error(ErrorKind::kInvalidArgument, range_text(where) + ": " + what + "\n  " + line + "\n  " + caret);
}

void refuse(const SourceRange& where, const std::string& what) {
  throw script_error(where, what);
}

}  // namespace bertjit
