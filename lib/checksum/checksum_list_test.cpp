#include "checksum/checksum_list.h"

#include "testing/testing.h"

namespace bertjit {

namespace {

using Kind = ListedChecksum::Kind;

// Forms and outcomes in this file were taken from sha512sum (GNU coreutils) 9.1.

Sha512Digest digest_of_abc() {
  const std::string text = "abc";
  return hash_bytes(std::as_bytes(std::span(text)));
}

const std::string kHex = to_hex(digest_of_abc());

ListedChecksum parse(const std::string& line) {
  return ChecksumListParser().parse_line(line);
}

void check_entry(const std::string& line, const std::string& name) {
  CAPTURE(line);
  const ListedChecksum entry = parse(line);
  REQUIRE(entry.kind == Kind::kEntry);
  CHECK(entry.name == name);
  CHECK(entry.digest == digest_of_abc());
}

void check_malformed(const std::string& line) {
  CAPTURE(line);
  CHECK(parse(line).kind == Kind::kMalformed);
}

std::string upper_case(std::string text) {
  for (char& c : text) {
    c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return text;
}

}  // namespace

TEST_CASE("checksum list: lines are written as sha512sum writes them") {
  const Sha512Digest digest = digest_of_abc();
  CHECK(format_checksum_line("a b", digest, {}) == kHex + "  a b\n");
  CHECK(format_checksum_line("a", digest, {.mark = ModeMark::kBinary}) == kHex + " *a\n");
  CHECK(format_checksum_line("a", digest, {.style = LineStyle::kBsd}) == "SHA512 (a) = " + kHex + "\n");
}

TEST_CASE("checksum list: a name with a backslash, newline or carriage return is escaped and the line says so") {
  const Sha512Digest digest = digest_of_abc();
  CHECK(format_checksum_line("a\\b\nc\rd", digest, {}) == "\\" + kHex + "  a\\\\b\\nc\\rd\n");
  CHECK(format_checksum_line("a\nb", digest, {.style = LineStyle::kBsd}) == "\\SHA512 (a\\nb) = " + kHex + "\n");
}

TEST_CASE("checksum list: lines that end in NUL leave names as they are") {
  CHECK(format_checksum_line("a\nb", digest_of_abc(), {.end = LineEnd::kNul}) == kHex + "  a\nb" + '\0');
}

TEST_CASE("checksum list: a report on a name escapes it only if it holds a newline") {
  CHECK(format_reported_name("a\\b\r") == "a\\b\r");
  CHECK(format_reported_name("a\\b\nc") == "\\a\\\\b\\nc");
}

TEST_CASE("checksum list: what was written is read back, whatever the name") {
  for (const std::string name : {"plain", " lead", "*star", "two words", "new\nline", "c\rr", "back\\slash", "\\n",
                                 "a)b", "(", "SHA512 (x) = y", "#hash", "-", "caf\xc3\xa9"}) {
    for (const LineStyle style : {LineStyle::kGnu, LineStyle::kBsd}) {
      for (const ModeMark mark : {ModeMark::kText, ModeMark::kBinary}) {
        std::string line = format_checksum_line(name, digest_of_abc(), {.style = style, .mark = mark});
        REQUIRE(line.back() == '\n');
        line.pop_back();
        check_entry(line, name);
      }
    }
  }
}

TEST_CASE("checksum list: the forms of other tools are understood") {
  check_entry(upper_case(kHex) + "  a", "a");
  check_entry(kHex + "  a\r", "a");
  check_entry(" \t" + kHex + "  a", "a");
  check_entry(kHex + "\t*a", "a");
  check_entry(kHex + " reversed", "reversed");
  check_entry("SHA512(a)= " + kHex, "a");
  check_entry("SHA512 (a)\t=\t" + kHex, "a");
  check_entry("SHA512 ((a) b) = " + kHex, "(a) b");
}

TEST_CASE("checksum list: comments and empty lines are passed over") {
  CHECK(parse("").kind == Kind::kIgnored);
  CHECK(parse("\r").kind == Kind::kIgnored);
  CHECK(parse("# " + kHex + "  a").kind == Kind::kIgnored);
}

TEST_CASE("checksum list: a line that is not quite a checksum line is malformed") {
  check_malformed("junk");
  check_malformed(" # not a comment");
  check_malformed(kHex);
  check_malformed(kHex + " ");
  check_malformed(kHex.substr(1) + "  a");
  check_malformed("0" + kHex + "  a");
  check_malformed("g" + kHex.substr(1) + "  a");
  check_malformed(kHex + "-a");
  check_malformed("SHA256 (a) = " + kHex);
  check_malformed("SHA512 a = " + kHex);
  check_malformed("SHA512 (a = " + kHex);
  check_malformed("SHA512 (a) " + kHex);
  check_malformed("SHA512 (a) = " + kHex + " ");
  check_malformed("SHA512 (");
  check_malformed("SHA512");
}

TEST_CASE("checksum list: an escape that means nothing makes the line malformed") {
  check_malformed("\\" + kHex + "  a\\tb");
  check_malformed("\\" + kHex + "  a\\");
  check_malformed("\\" + kHex + "  a" + '\0' + "b");
  check_malformed("\\SHA512 (a\\) = " + kHex);
}

TEST_CASE("checksum list: a name ends at a NUL, as no file name can hold one") {
  check_entry(kHex + "  a" + '\0' + "b", "a");
}

TEST_CASE("checksum list: the usual form forbids the reversed one for the rest of all lists") {
  ChecksumListParser parser;
  CHECK(parser.parse_line(kHex + "  a").kind == Kind::kEntry);
  CHECK(parser.parse_line(kHex + " a").kind == Kind::kMalformed);
  CHECK(parser.parse_line("SHA512 (a) = " + kHex).kind == Kind::kEntry);
}

TEST_CASE("checksum list: in a reversed list a leading space belongs to the name") {
  ChecksumListParser parser;
  CHECK(parser.parse_line(kHex + " a").name == "a");
  CHECK(parser.parse_line(kHex + "  a").name == " a");
}

}  // namespace bertjit
