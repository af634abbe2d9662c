#include "support/json.h"

#include <algorithm>

#include "support/error.h"
#include "support/file.h"

namespace bertjit {

nlohmann::json parse_json(const std::string& text, const std::string& name) {
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    const size_t offset = std::min(error.byte > 0 ? error.byte - 1 : 0, text.size());
    const auto begin = text.begin();
    const auto line = std::count(begin, begin + static_cast<ptrdiff_t>(offset), '\n') + 1;
    const size_t line_start = offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;
    throw Error(ErrorKind::kCorrupt, name + ":" + std::to_string(line) + ":" + std::to_string(offset - line_start + 1) +
                                         ": is not valid JSON");
  } catch (const nlohmann::json::out_of_range&) {
    throw Error(ErrorKind::kCorrupt, name + ": holds a number beyond the range of a double");
  }
}

nlohmann::json read_json_file(const std::filesystem::path& path) {
  return parse_json(read_text_file(path), path.string());
}

}  // namespace bertjit
