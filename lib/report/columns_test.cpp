#include "report/columns.h"

#include <sstream>

#include "testing/testing.h"

namespace bertjit {

TEST_CASE("columns: numbers have a comma after every three digits") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(22713986) == "22,713,986");
  CHECK(grouped_count(1, "byte") == "1 byte");
  CHECK(grouped_count(1234, "byte") == "1,234 bytes");
}

TEST_CASE("columns: cells line up, and no line ends in blanks") {
  std::ostringstream out;
  print_columns({{"name", "bytes", ""}, {"a", "12", "x"}, {"long name", "3"}}, {Align::kLeft, Align::kRight}, "  ",
                out);
  CHECK(out.str() ==
        "  name       bytes\n"
        "  a             12  x\n"
        "  long name      3\n");
}

TEST_CASE("columns: a list longer than a line goes on under its first word") {
  std::ostringstream out;
  print_wrapped("head  ", {std::string(60, 'a'), std::string(60, 'b'), "c"}, out);
  CHECK(out.str() == "head  " + std::string(60, 'a') + ",\n      " + std::string(60, 'b') + ", c\n");
}

}  // namespace bertjit
