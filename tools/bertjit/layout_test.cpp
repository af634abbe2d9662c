// What the compiler cannot see, since it reads one source at a time.
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "testing/testing.h"

namespace bertjit {

namespace fs = std::filesystem;

// Two types of one name in two rooms are one type to the linker, and one of them gets the other's destructor.
TEST_CASE("layout: no two headers define a type of one name") {
  const std::regex definition(R"(^(?:class|struct|enum class) ([A-Z]\w*)[^;]*\{.*)");
  std::map<std::string, std::set<std::string>> headers;
  const fs::path lib = testing::testdata("").parent_path().parent_path() / "lib";
  for (const auto& entry : fs::recursive_directory_iterator(lib)) {
    if (entry.path().extension() != ".h") {
      continue;
    }
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      std::smatch match;
      if (std::regex_match(line, match, definition)) {
        headers[match[1]].insert(fs::relative(entry.path(), lib).string());
      }
    }
  }
  CHECK(headers.size() > 100);
  for (const auto& [name, places] : headers) {
    INFO(name);
    CHECK(places.size() == 1);
  }
}

// So the compiler sees that it can be included alone. cmake/Headers.cmake sees to headers without a source.
TEST_CASE("layout: a header is the first include of its own source") {
  const std::regex include(R"(^#include ["<]([^">]+)[">])");
  const fs::path lib = testing::testdata("").parent_path().parent_path() / "lib";
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(lib)) {
    const fs::path source = fs::path(entry.path()).replace_extension(".cpp");
    if (entry.path().extension() != ".h" || !fs::exists(source)) {
      continue;
    }
    std::ifstream file(source);
    std::string first;
    for (std::string line; first.empty() && std::getline(file, line);) {
      if (std::smatch match; std::regex_search(line, match, include)) {
        first = match[1];
      }
    }
    ++count;
    INFO(source.string());
    CHECK(first == fs::relative(entry.path(), lib).string());
  }
  CHECK(count > 200);
}

}  // namespace bertjit
