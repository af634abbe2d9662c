#include "checksum/checksum.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "testing/testing.h"

namespace bertjit {

namespace {

struct Fixture {
  testing::TempDir folder;
  std::istringstream standard_input;
  std::vector<CheckedLine> lines;

  std::string write(const std::string& name, const std::string& bytes) {
    testing::write_bytes(folder / name, bytes);
    return folder / name;
  }
  std::string line_for(const std::string& path) {
    return format_checksum_line(path, hash_file(path), {});
  }
  CheckedList check(ListChecker& checker, const std::string& list) {
    lines.clear();
    return checker.check_list(list, [this](const CheckedLine& line) { lines.push_back(line); });
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "checksum: a file's digest, or the reason there is none") {
  const std::string path = write("file", "abc");
  const FileDigest file = digest_file(path, standard_input);
  CHECK(file.name == path);
  CHECK(file.digest == hash_file(path));
  CHECK(file.problem.empty());
  CHECK(digest_file(folder / "none", standard_input).problem == "No such file or directory");
  CHECK(digest_file(folder.path(), standard_input).problem == "Is a directory");
}

TEST_CASE_METHOD(Fixture, "checksum: '-' is standard input") {
  const std::string path = write("file", "abc");
  standard_input.str("abc");
  CHECK(digest_file("-", standard_input).digest == hash_file(path));
}

TEST_CASE_METHOD(Fixture, "checksum: one flipped byte is a mismatch of that file and of no other") {
  const std::string good = write("good", "weights");
  const std::string bad = write("bad", "weights");
  const std::string list = write("list", line_for(good) + line_for(bad));
  write("bad", "weighus");
  ListChecker checker({}, standard_input);
  const CheckedList result = check(checker, list);
  CHECK(result.matched == 1);
  CHECK(result.mismatched == 1);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].verdict == LineVerdict::kMatch);
  CHECK(lines[1].verdict == LineVerdict::kMismatch);
  CHECK(lines[1].name == bad);
  CHECK(lines[1].number == 2);
  CHECK_FALSE(checker.passes(result));
}

TEST_CASE_METHOD(Fixture,
                 "checksum: a missing file fails a list, unless missing ones are ignored and another matches") {
  const std::string here = write("here", "a");
  const std::string gone = write("gone", "b");
  const std::string both = write("both", line_for(here) + line_for(gone));
  const std::string only_gone = write("only_gone", line_for(gone));
  std::filesystem::remove(gone);

  ListChecker strict({}, standard_input);
  const CheckedList unreadable = check(strict, both);
  CHECK(unreadable.unreadable == 1);
  CHECK(lines.at(1).problem == "No such file or directory");
  CHECK_FALSE(strict.passes(unreadable));

  ListChecker lenient({.ignore_missing = true}, standard_input);
  const CheckedList missing = check(lenient, both);
  CHECK(missing.missing == 1);
  CHECK(lenient.passes(missing));
  CHECK_FALSE(lenient.passes(check(lenient, only_gone)));
}

TEST_CASE_METHOD(Fixture, "checksum: a malformed line fails a list only if strict") {
  const std::string file = write("file", "a");
  const std::string list = write("list", line_for(file) + "junk\n");
  ListChecker lenient({}, standard_input);
  const CheckedList result = check(lenient, list);
  CHECK(result.malformed == 1);
  CHECK(lenient.passes(result));
  ListChecker strict({.strict = true}, standard_input);
  CHECK_FALSE(strict.passes(check(strict, list)));
}

TEST_CASE_METHOD(Fixture, "checksum: a list that checks nothing does not pass") {
  ListChecker checker({}, standard_input);
  CHECK_FALSE(checker.passes(check(checker, write("empty", ""))));
  CHECK_FALSE(checker.passes(check(checker, write("comment", "# nothing\n"))));
  CHECK_FALSE(checker.passes(check(checker, write("junk", "junk\n"))));
}

TEST_CASE_METHOD(Fixture, "checksum: a list that cannot be opened or read says why and does not pass") {
  ListChecker checker({}, standard_input);
  const CheckedList absent = check(checker, folder / "none");
  CHECK(absent.problem == "No such file or directory");
  CHECK_FALSE(checker.passes(absent));
  const CheckedList directory = check(checker, folder.path());
  CHECK(directory.problem == "read error");
  CHECK_FALSE(checker.passes(directory));
}

TEST_CASE_METHOD(Fixture, "checksum: a list on standard input cannot name standard input") {
  const std::string file = write("file", "a");
  standard_input.str(line_for(file) + format_checksum_line("-", hash_file(file), {}));
  ListChecker checker({}, standard_input);
  const CheckedList result = check(checker, "-");
  CHECK(result.name == "standard input");
  CHECK(result.matched == 1);
  CHECK(result.malformed == 1);
}

TEST_CASE_METHOD(Fixture, "checksum: lists count as read to the end, with and without a last newline") {
  const std::string file = write("file", "a");
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += line_for(file);
  }
  ListChecker checker({}, standard_input);
  CHECK(check(checker, write("list", text)).matched == 1000);
  text.pop_back();
  CHECK(check(checker, write("list", text)).matched == 1000);
}

TEST_CASE("checksum: options that make no sense together are named, in the order sha512sum finds them") {
  CHECK(find_conflict({}).empty());
  CHECK(find_conflict({.check = true, .talk = Talk::kQuiet, .strict = true, .ignore_missing = true}).empty());
  CHECK(find_conflict({.strict = true}) == "the --strict option is meaningful only when verifying checksums");
  CHECK(find_conflict({.talk = Talk::kWarn, .strict = true}) ==
        "the --warn option is meaningful only when verifying checksums");
  CHECK(find_conflict({.check = true, .mark_given = true}) ==
        "the --binary and --text options are meaningless when verifying checksums");
  CHECK(find_conflict({.check = true, .format = {.end = LineEnd::kNul}, .mark_given = true}) ==
        "the --zero option is not supported when verifying checksums");
  CHECK(find_conflict({.format = {.style = LineStyle::kBsd}}) == "--tag does not support --text mode");
}

}  // namespace bertjit
