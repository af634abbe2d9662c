// The programs on a page are the files that are built and run: docs/cpp-api.md and docs/examples/cpp-api.
#include "testing/testing.h"

namespace bertjit {

using testing::read_bytes;

namespace {

std::filesystem::path docs() {
  return testing::testdata("").parent_path().parent_path() / "docs";
}

/// What stands between ```LANGUAGE and ``` on the page, the first such block.
std::string block(const std::string& page, const std::string& language) {
  const std::string opening = "\n```" + language + "\n";
  const size_t begin = page.find(opening);
  REQUIRE(begin != std::string::npos);
  const size_t text = begin + opening.size();
  return page.substr(text, page.find("\n```", text) + 1 - text);
}

}  // namespace

TEST_CASE("docs: the example of the C++ API is the one that the tests build and run") {
  const std::string page = read_bytes(docs() / "cpp-api.md");
  CHECK(block(page, "cmake") == read_bytes(docs() / "examples/cpp-api/CMakeLists.txt"));
  CHECK(block(page, "cpp") == read_bytes(docs() / "examples/cpp-api/exported_model_test.cpp"));
}

}  // namespace bertjit
