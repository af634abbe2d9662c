#include "record/location.h"

#include <algorithm>

#include <torch/csrc/jit/ir/ir.h>

namespace bertjit {

using torch::jit::SourceRange;

namespace {

/// The name that libtorch gives to the Python text of its own builtins.
bool is_builtin_text(const SourceRange& range) {
  return range.source() != nullptr && range.source()->filename() == "<string>";
}

/// A place of the program's own text.
bool is_place(const SourceRange& range) {
  return range.source() != nullptr && range.source()->size() > 0 && !is_builtin_text(range);
}

/// The range of `node`. Of builtin text that of what uses its result, of what gathers values that of the last value;
/// the other of the two where there is none.
SourceRange known_range(const torch::jit::Node& node) {
  const torch::jit::Node* user = &node;
  while (!is_place(user->sourceRange()) && !user->outputs().empty() && !user->output(0)->uses().empty()) {
    user = user->output(0)->uses()[0].user;
  }
  const torch::jit::Node* before = &node;
  while (!is_place(before->sourceRange()) && before->owningBlock() != nullptr && before->prev() != nullptr &&
         before->prev()->kind() != c10::prim::Return) {
    before = before->prev();
  }
  const bool prefer_user = is_place(user->sourceRange()) && is_builtin_text(node.sourceRange());
  return prefer_user || !is_place(before->sourceRange()) ? user->sourceRange() : before->sourceRange();
}

std::string line_of(const SourceRange& range) {
  const auto& source = *range.source();
  std::string line = source.get_line(source.lineno_for_offset(range.start())).str();
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) {
    line.pop_back();
  }
  return line;
}

/// The line, and a caret below its column, under the line's own tabs.
std::string quoted(const SourceRange& range, const SourceLocation& location) {
  const auto column = static_cast<size_t>(location.column);
  std::string caret;
  for (size_t i = 0; i < column; ++i) {
    caret += i < location.text.size() && location.text[i] == '\t' ? '\t' : ' ';
  }
  const size_t width = range.end() > range.start() ? range.end() - range.start() : 1;
  const size_t room = location.text.size() > column ? location.text.size() - column : 1;
  return "\n  " + location.text + "\n  " + caret + "^" + std::string(std::min(width, room) - 1, '~');
}

std::string prefix(const SourceLocation& location) {
  const std::string place = location_text(location);
  return place.empty() ? "" : place + ": ";
}

}  // namespace

bool is_builtin_text(const torch::jit::Node& node) {
  return is_builtin_text(node.sourceRange());
}

SourceRange source_range(const torch::jit::Node& node) {
  const SourceRange range = known_range(node);
  const auto original = range.findSourceRangeThatGenerated();
  return original ? *original : range;
}

std::string code_record(const torch::jit::Node& node) {
  const auto& inputs = node.owningGraph()->inputs();
  const auto type = inputs.empty() ? nullptr : inputs[0]->type()->cast<c10::ClassType>();
  if (type == nullptr || !type->name()) {
    return "";
  }
  std::string path = type->name()->prefix();
  std::ranges::replace(path, '.', '/');
  return "code/" + path + ".py";
}

SourceLocation location_of(const SourceRange& range, const std::string& function) {
  SourceLocation location;
  location.function = function;
  if (range.source() == nullptr || range.source()->size() == 0) {
    return location;
  }
  const auto& source = *range.source();
  const size_t line = source.lineno_for_offset(range.start());
  const auto place = range.file_line_col();
  location.file = place ? std::get<0>(*place) : "";
  location.line = static_cast<int64_t>(place ? std::get<1>(*place) : line + 1);
  location.column = static_cast<int64_t>(range.start() - source.offset_for_line(line));
  location.text = line_of(range);
  return location;
}

bool is_library_file(const std::string& file) {
  const auto within = [&file](const std::string& folder) {
    return file.rfind(folder + "/", 0) == 0 || file.find("-packages/" + folder + "/") != std::string::npos;
  };
  return within("torch") || within("torchvision");
}

size_t readers_place(const std::vector<SourceLocation>& innermost_first) {
  const auto found = std::find_if(innermost_first.begin(), innermost_first.end(), [](const auto& location) {
    return location.line > 0 && !is_library_file(location.file);
  });
  return found == innermost_first.end() ? 0 : static_cast<size_t>(found - innermost_first.begin());
}

Error located_error(ErrorKind kind, const std::string& what, const std::vector<SourcePlace>& innermost_first) {
  std::vector<SourceLocation> lines;
  std::vector<std::string> quotes;
  std::vector<std::string> called;  // by each line
  std::string inner;
  for (const auto& [range, function] : innermost_first) {
    const SourceLocation location = location_of(range, function);
    if (location.line > 0) {
      lines.push_back(location);
      quotes.push_back(quoted(range, location));
      called.push_back(inner);
    }
    inner = function;
  }
  if (lines.empty()) {
    return Error(kind, what);
  }
  const size_t told = readers_place(lines);
  std::string message = prefix(lines[told]) + what + quotes[told];
  if (told > 0) {
    message += "\n" + prefix(lines[0]) + "raised here" + quotes[0];
  }
  for (size_t i = told + 1; i < lines.size(); ++i) {
    message += "\n" + prefix(lines[i]) + "in the call of '" + called[i] + "'" + quotes[i];
  }
  return Error(kind, message);
}

}  // namespace bertjit
