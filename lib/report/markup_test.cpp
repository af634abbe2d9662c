#include "report/markup.h"

#include "report/command_line.h"
#include "testing/testing.h"

namespace bertjit {
namespace {

TEST_CASE("markup_text: markup, quotes and controls become text, other characters stay") {
  CHECK(markup_text("a<b>&amp;\"'") == "a&lt;b&gt;&amp;amp;&quot;&#39;");
  CHECK(markup_text("größer 𝄞 日本\n\tx") == "größer 𝄞 日本\n\tx");
  CHECK(markup_text(std::string("\0\x01\r\x1b\x7f", 5)) == "\\x00\\x01\\x0d\\x1b\\x7f");
  CHECK(markup_text("\xc2\x9b") == "\\x9b");
  CHECK(markup_text("").empty());
}

TEST_CASE("markup_text: what is not UTF-8, or no character to XML, does not get through") {
  CHECK(markup_text("a\xff") == "a\xef\xbf\xbd");
  // A surrogate written in UTF-8 (U+D800), and a sequence that breaks off.
  CHECK(markup_text("\xed\xa0\x80").find("\xed\xa0\x80") == std::string::npos);
  CHECK(markup_text("\xf0\x9d\x84") == "\xef\xbf\xbd");
  CHECK(markup_text("\xef\xbf\xbe\xef\xbf\xbf") == "\\ufffe\\uffff");
}

TEST_CASE("markup_text: marks of bidirectional text are spelled out, letters of such scripts are not") {
  CHECK(markup_text("a\xe2\x80\xae"
                    "b\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c") == "a\\u202eb\\u2066\\u200f\\u061c");
  CHECK(markup_text("שלום") == "שלום");
  CHECK(markup_text("…–") == "…–");
}

TEST_CASE("markup_attribute: line ends and tabs survive a reader's normalization") {
  CHECK(markup_attribute("a\n\tb\"") == "a&#10;&#9;b&quot;");
}

TEST_CASE("command_line: words that a shell would change are quoted") {
  CHECK(command_line({"verify", "a.pt", "--check-shapes", "1x7,8x128"}) ==
        "bertjit verify a.pt --check-shapes 1x7,8x128");
  CHECK(command_line({"", "a b", "it's", "x=$HOME", "~", "*"}) == "bertjit '' 'a b' 'it'\\''s' 'x=$HOME' '~' '*'");
  CHECK(command_line({}) == "bertjit");
}

TEST_CASE("command_line: a POSIX shell reads the words back") {
  const std::string word = "a'b \"$(exit 1)`x`\\ \n;|&<>*?[~#";
  const auto output = testing::run_command("bertjit() { printf '%s|' \"$@\"; }; " + command_line({word, "", "b"}));
  CHECK(output.out == word + "||b|");
}

}  // namespace
}  // namespace bertjit
