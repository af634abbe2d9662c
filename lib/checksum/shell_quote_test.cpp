#include "checksum/shell_quote.h"

#include <cstdlib>

#include "testing/testing.h"

namespace bertjit {

namespace {

/// The environment's locale while it lives.
class Locale {
 public:
  explicit Locale(const char* name) : before_(std::getenv("LC_ALL") == nullptr ? "" : std::getenv("LC_ALL")) {
    setenv("LC_ALL", name, 1);
  }
  ~Locale() {
    setenv("LC_ALL", before_.c_str(), 1);
  }

 private:
  std::string before_;
};

}  // namespace

// Expected values are what `LC_ALL=C sha512sum NAME` (coreutils 9.1) prints for a NAME that does not exist, and below
// those of LC_ALL=C.UTF-8.

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
  const Locale locale("C");
  CHECK(quote_name("a\nb") == "'a'$'\\n''b'");
  CHECK(quote_name("\t") == "''$'\\t'");
  CHECK(quote_name("a\x01\x7f") == "'a'$'\\001\\177'");
  CHECK(quote_name("caf\xc3\xa9!") == "'caf'$'\\303\\251''!'");
  CHECK(quote_name("\a'\b.") == "''$'\\a'\\'''$'\\b''.'");
}

TEST_CASE("quote: in the C locale only ASCII can be printed") {
  const Locale locale("C");
  CHECK(quote_name("\xc3\xa9") == "''$'\\303\\251'");
}

TEST_CASE("quote: in a UTF-8 locale letters of all alphabets stay as they are, and what is no character does not") {
  const Locale locale("C.UTF-8");
  CHECK(quote_name("caf\xc3\xa9") == "caf\xc3\xa9");
  CHECK(quote_name("caf\xc3\xa9!") == "'caf\xc3\xa9!'");
  CHECK(quote_name("it's caf\xc3\xa9") == "\"it's caf\xc3\xa9\"");
  CHECK(quote_name("\xff\xe2\x82") == "''$'\\377\\342\\202'");
  CHECK(quote_name("a\xff\xc3\xa9") == "'a'$'\\377''\xc3\xa9'");
}

TEST_CASE("quote: an apostrophe and an unprintable end are garbled as sha512sum garbles them") {
  const Locale locale("C");
  CHECK(quote_name("it's\x01") == "'''it'\\''s'$'\\001'");
  CHECK(quote_name("'\x01_") == "''\\'''$'\\001''_'");
}

}  // namespace bertjit
