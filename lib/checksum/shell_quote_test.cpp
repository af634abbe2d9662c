#include "checksum/shell_quote.h"

#include "testing/testing.h"

namespace bertjit {

// Expected values are what `LC_ALL=C sha512sum NAME` (coreutils 9.1) prints for a NAME that does not exist.

TEST_CASE("quote: names that no shell would misread stay as they are") {
  for (const std::string name : {"model.pt", "a/b_c-d+e,f@g%h]", "a#", "a~", "a{b}", "-x", "{}"}) {
    CHECK(quote_name(name) == name);
  }
}

TEST_CASE("quote: names a shell or a reader would misread are put in quotes") {
  CHECK(quote_name("") == "''");
  CHECK(quote_name("a b") == "'a b'");
  CHECK(quote_name("a:b") == "'a:b'");
  CHECK(quote_name("#a") == "'#a'");
  CHECK(quote_name("~") == "'~'");
  CHECK(quote_name("{") == "'{'");
  CHECK(quote_name("a\\b") == "'a\\b'");
  CHECK(quote_name("a?") == "'a?'");
}

TEST_CASE("quote: an apostrophe asks for double quotes where they change nothing else") {
  CHECK(quote_name("it's") == "\"it's\"");
  CHECK(quote_name("it's a: b") == "\"it's a: b\"");
  CHECK(quote_name("a@'") == "\"a@'\"");
  CHECK(quote_name("'#a") == "''\\''#a'");
  CHECK(quote_name("a$'b") == "'a$'\\''b'");
}

TEST_CASE("quote: unprintable bytes are spelled out") {
  CHECK(quote_name("a\nb") == "'a'$'\\n''b'");
  CHECK(quote_name("\t") == "''$'\\t'");
  CHECK(quote_name("a\x01\x7f") == "'a'$'\\001\\177'");
  CHECK(quote_name("caf\xc3\xa9!") == "'caf'$'\\303\\251''!'");
  CHECK(quote_name("\a'\b.") == "''$'\\a'\\'''$'\\b''.'");
}

}  // namespace bertjit
