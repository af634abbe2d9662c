#include "support/json.h"

#include "support/error.h"
#include "testing/testing.h"

namespace bertjit {

TEST_CASE("support: a JSON error names file, line and column") {
  CHECK_THROWS_WITH(parse_json("{\n  \"a\": ,\n}", "config.json"), Catch::StartsWith("config.json:2:8:"));
  CHECK_THROWS_WITH(parse_json("", "config.json"), Catch::StartsWith("config.json:1:1:"));
  CHECK(parse_json("{\"a\": 1}", "config.json")["a"] == 1);
}

TEST_CASE("support: a system error says what was tried and the system's reason") {
  const Error missing = system_error("cannot open a.pt", ENOENT);
  CHECK(missing.what() == std::string("cannot open a.pt: No such file or directory"));
  CHECK(missing.kind() == ErrorKind::kNotFound);
  CHECK(system_error("cannot open a.pt", EACCES).kind() == ErrorKind::kIo);
}

}  // namespace bertjit
