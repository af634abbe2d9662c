// `bertjit checksum` in-process: what it promises by itself, and that it answers as the real sha512sum does.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "cli.h"
#include "testing/testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

struct Outcome {
  int exit_code = 0;
  std::string out;
  std::string err;

  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& stream, const Outcome& outcome) {
  return stream << "exit " << outcome.exit_code << "\nout: " << outcome.out << "\nerr: " << outcome.err;
}

int run_with(const Arguments& arguments, std::istream& in, std::ostream& out, std::ostream& err) {
  std::vector<const char*> argv{"bertjit", "checksum"};
  for (const std::string& argument : arguments) {
    argv.push_back(argument.c_str());
  }
  return run_cli(static_cast<int>(argv.size()), argv.data(), in, out, err);
}

Outcome run_checksum(const Arguments& arguments, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out, err;
  const int exit_code = run_with(arguments, in, out, err);
  return {exit_code, out.str(), err.str()};
}

/// Both streams into one, to see what comes before what.
Outcome run_merged(const Arguments& arguments, const std::string& input) {
  std::istringstream in(input);
  std::ostringstream both;
  const int exit_code = run_with(arguments, in, both, both);
  return {exit_code, both.str(), ""};
}

/// Works inside a fresh folder, so that names are short and the same for both programs.
class Workplace {
 public:
  Workplace() : before_(fs::current_path()) {
    fs::current_path(folder_.path());
  }
  ~Workplace() {
    fs::current_path(before_);
  }

 private:
  testing::TempDir folder_;
  fs::path before_;
};

std::string shell_word(const std::string& text) {
  std::string word = "'";
  for (const char c : text) {
    word += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return word + "'";
}

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string describe(const Arguments& arguments) {
  std::string words;
  for (const std::string& argument : arguments) {
    words += " " + shell_word(argument);
  }
  return words;
}

/// The real program in the current folder. Its output goes beside that folder, so that no case can see it.
Outcome run_real(const Arguments& arguments, const std::string& input, bool merge) {
  const testing::TempDir captured;
  testing::write_bytes(captured / "in", input);
  const std::string command = "PATH=/usr/bin LC_ALL=C sha512sum" + describe(arguments) + " < " +
                              shell_word(captured / "in") + " > " + shell_word(captured / "out") + " " +
                              (merge ? "2>&1" : "2> " + shell_word(captured / "err"));
  const int exit_code = testing::run_command(command).exit_code;
  const auto as_ours = [](const std::string& text) { return replace_all(text, "sha512sum", "bertjit checksum"); };
  return {exit_code, as_ours(testing::read_bytes(captured / "out")),
          merge ? "" : as_ours(testing::read_bytes(captured / "err"))};
}

/// Later releases word and escape some things otherwise.
bool has_real_sha512sum() {
  const std::string version = testing::run_command("LC_ALL=C /usr/bin/sha512sum --version 2>&1").out;
  if (version.starts_with("sha512sum (GNU coreutils) 9.1\n")) {
    return true;
  }
  std::cerr << "SKIPPED: comparison with sha512sum: /usr/bin/sha512sum is not GNU coreutils 9.1\n";
  return false;
}

const std::vector<std::string> kFiles = {"plain",       "empty", "two words", "new\nline", "c\rr",
                                         "back\\slash", " lead", "*star",     "-dash",     "#hash",
                                         "it's",        "a:b",   "x)y",       "(p",        "caf\xc3\xa9",
                                         "[a,b]",       "{}",    "checksum",  "100%",      "tab\there"};

const std::string kAbcHex =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

/// Files and folders that cases name, and the lists the real program makes of them.
void furnish() {
  for (const std::string& name : kFiles) {
    testing::write_bytes(name, name == "empty" ? "" : "contents of " + name);
  }
  testing::write_bytes("abc", "abc");
  testing::write_bytes("large", std::string(1 << 20, 'x'));
  fs::create_directory("folder");
  fs::create_symlink("nowhere", "dangling");

  const std::string all = " -- " + describe(kFiles);
  for (const auto& [list, flags] : std::vector<std::pair<std::string, std::string>>{
           {"list.gnu", ""}, {"list.binary", "-b"}, {"list.bsd", "--tag"}, {"list.nul", "-z"}}) {
    testing::run_command("/usr/bin/sha512sum " + flags + all + " > " + list);
  }
  const std::string good = kAbcHex + "  abc\n";
  const std::string wrong = "0" + kAbcHex.substr(1) + "  abc\n";
  const std::string gone = kAbcHex + "  gone\n";
  std::string upper = kAbcHex;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) { return c >= 'a' ? c - 32 : c; });

  const std::vector<std::pair<std::string, std::string>> lists = {
      {"list.good", good},
      {"list.wrong", wrong},
      {"list.mixed", good + wrong + gone + "junk\n" + good},
      {"list.many", wrong + wrong + gone + gone + "junk\njunk\n"},
      {"list.gone", gone},
      {"list.gone-and-wrong", gone + wrong},
      {"list.junk", "junk\n\n# comment\n"},
      {"list.void", ""},
      {"list.comments", "# only\n\n#comments\n"},
      {"list.crlf", replace_all(good, "\n", "\r\n") + "\r\n" + replace_all(wrong, "\n", "\r\n")},
      {"list.upper", upper + "  abc\n"},
      {"list.unfinished", kAbcHex + "  abc"},
      {"list.blanks", " \t" + good + "\t" + good},
      {"list.short", kAbcHex.substr(1) + "  abc\n" + good},
      {"list.long", "0" + good + good},
      {"list.not-hex", "g" + kAbcHex.substr(1) + "  abc\n" + good},
      {"list.reversed", kAbcHex + " abc\n" + good},
      {"list.usual-then-reversed", good + kAbcHex + " abc\n"},
      {"list.bsd-forms", "SHA512(abc)= " + kAbcHex + "\nSHA512 (abc)\t=\t" + kAbcHex + "\nSHA512 (abc) = " + kAbcHex +
                             " \nSHA256 (abc) = " + kAbcHex + "\nSHA512 abc\nSHA512 (abc\n"},
      {"list.escapes",
       "\\" + kAbcHex + "  a\\tb\n\\" + kAbcHex + "  a\\\n\\" + good + "\\" + kAbcHex + "  gone\\nline\\\\\n"},
      {"list.folder", kAbcHex + "  folder\n" + good},
      {"list.dangling", kAbcHex + "  dangling\n" + good},
      {"list.under-file", kAbcHex + "  abc/below\n" + good},
      {"list.quoted", kAbcHex + "  gone file\n" + kAbcHex + "  it's gone\n" + kAbcHex + "  gone\ttab\n"},
      {"list.stdin", kAbcHex + "  -\n"},
      {"list.nul-byte", kAbcHex + "  abc" + '\0' + "rest\n" + '\0' + "\n"},
      {"list with space", wrong + "junk\n"},
  };
  for (const auto& [name, text] : lists) {
    testing::write_bytes(name, text);
  }
}

struct Case {
  Arguments arguments;
  std::string input = "";
};

std::vector<Case> hashing_cases() {
  std::vector<Case> cases;
  for (const Arguments& flags :
       std::vector<Arguments>{{}, {"-b"}, {"-t"}, {"--tag"}, {"-z"}, {"-bz"}, {"--tag", "--zero"}}) {
    Arguments all = flags;
    all.push_back("--");
    all.insert(all.end(), kFiles.begin(), kFiles.end());
    cases.push_back({all});
    Arguments some_fail = flags;
    some_fail.insert(some_fail.end(), {"abc", "gone", "folder", "dangling", "abc/below", "", "abc"});
    cases.push_back({some_fail});
    cases.push_back({flags, "from standard input"});
  }
  for (const std::string& name : kFiles) {
    cases.push_back({{"--", "gone " + name, "gone" + name, name + "gone"}});
  }
  for (const Arguments& arguments :
       std::vector<Arguments>{{"-"},
                              {"-", "-"},
                              {"abc", "-", "abc"},
                              {"large"},
                              {"abc", "-b"},
                              {"-b", "-t", "abc"},
                              {"-tb", "abc"},
                              {"-b", "-b", "abc"},
                              {"--", "-"},
                              {"--", "--"},
                              {"--", "-b"},
                              {"abc", "--", "-dash"},
                              {"gone\nline", "gone\x01\x7f\xff", "'#gone", "gone$'", "{", "~"}}) {
    cases.push_back({arguments, "from standard input"});
  }
  return cases;
}

std::vector<Case> checking_cases() {
  const std::vector<Arguments> flag_sets = {{},
                                            {"--quiet"},
                                            {"--status"},
                                            {"-w"},
                                            {"--strict"},
                                            {"--ignore-missing"},
                                            {"--strict", "--warn", "--ignore-missing"}};
  std::vector<Case> cases;
  for (const auto& entry : fs::directory_iterator(".")) {
    const std::string list = entry.path().filename();
    if (!list.starts_with("list")) {
      continue;
    }
    for (const Arguments& flags : flag_sets) {
      Arguments arguments = flags;
      arguments.insert(arguments.begin(), "-c");
      cases.push_back({arguments, testing::read_bytes(list)});
      arguments.push_back(list);
      cases.push_back({arguments, "abc"});
    }
  }
  for (const Arguments& arguments :
       std::vector<Arguments>{{"-c", "gone"},
                              {"-c", "folder"},
                              {"-c", "gone list", "list.good"},
                              {"-c", "list.good", "list.wrong"},
                              {"-c", "list.wrong", "list.good"},
                              {"-c", "list.reversed", "list.good"},
                              {"-c", "list.good", "list.reversed"},
                              {"-c", "list.gnu", "list.binary", "list.bsd"},
                              {"-c", "-"},
                              {"-c", "--quiet", "-w", "list.mixed"},
                              {"-c", "-w", "--quiet", "list.mixed"},
                              {"-c", "--status", "--quiet", "list.mixed"},
                              {"-c", "--quiet", "--status", "list.mixed"},
                              {"-c", "--status", "-w", "list.mixed"},
                              {"-cw", "--strict", "list.mixed"},
                              {"-c", "--status", "gone"},
                              {"-c", "--ignore-missing", "--status", "list.gone"},
                              {"-c", "--ignore-missing", "--quiet", "list.gone", "list.good"},
                              {"-c", "--ignore-missing", "gone"}}) {
    cases.push_back({arguments, kAbcHex + "  -\n" + kAbcHex + "  abc\n"});
  }
  return cases;
}

std::vector<Case> usage_cases() {
  std::vector<Case> cases;
  for (const Arguments& arguments : std::vector<Arguments>{{"--quiet", "abc"},
                                                           {"--status", "abc"},
                                                           {"--strict", "abc"},
                                                           {"-w", "abc"},
                                                           {"--ignore-missing", "abc"},
                                                           {"--quiet", "--strict"},
                                                           {"--ignore-missing", "--quiet"},
                                                           {"-c", "-b", "list.good"},
                                                           {"-c", "-t", "list.good"},
                                                           {"-c", "--tag", "list.good"},
                                                           {"-c", "-z", "list.good"},
                                                           {"-c", "-z", "--tag", "-b", "list.good"},
                                                           {"--tag", "-t", "abc"},
                                                           {"-t", "--tag", "abc"},
                                                           {"--tag", "-b", "abc"},
                                                           {"-c", "--tag", "-t", "list.good"},
                                                           {"--bogus", "abc"},
                                                           {"-x", "abc"},
                                                           {"abc", "-bx"},
                                                           {"--bogus=1"}}) {
    cases.push_back({arguments});
  }
  return cases;
}

void compare_with_real(const std::vector<Case>& cases) {
  for (const Case& tested : cases) {
    INFO("sha512sum" << describe(tested.arguments));
    CHECK(run_checksum(tested.arguments, tested.input) == run_real(tested.arguments, tested.input, false));
    CHECK(run_merged(tested.arguments, tested.input) == run_real(tested.arguments, tested.input, true));
  }
}

}  // namespace

TEST_CASE("checksum command: answers as sha512sum 9.1 does, stdout, stderr, their order and exit code") {
  if (!has_real_sha512sum()) {
    SUCCEED("skipped: no sha512sum 9.1");
    return;
  }
  // As run_real; checksum_peer_test.cpp has other locales, and unreadable files.
  setenv("LC_ALL", "C", 1);
  const Workplace workplace;
  furnish();
  const auto hashing = hashing_cases();
  const auto checking = checking_cases();
  const auto usage = usage_cases();
  CHECK(hashing.size() + checking.size() + usage.size() >= 400);
  compare_with_real(hashing);
  compare_with_real(checking);
  compare_with_real(usage);
}

TEST_CASE("checksum command: lists made by either program satisfy the other") {
  if (!has_real_sha512sum()) {
    SUCCEED("skipped: no sha512sum 9.1");
    return;
  }
  const Workplace workplace;
  furnish();
  for (const Arguments& flags : std::vector<Arguments>{{}, {"-b"}, {"--tag"}}) {
    Arguments arguments = flags;
    arguments.push_back("--");
    arguments.insert(arguments.end(), kFiles.begin(), kFiles.end());
    testing::write_bytes("ours", run_checksum(arguments).out);
    testing::write_bytes("theirs", run_real(arguments, "", false).out);
    CHECK(run_real({"-c", "--strict", "ours"}, "", false).exit_code == 0);
    CHECK(run_checksum({"-c", "--strict", "theirs"}).exit_code == 0);
    testing::write_bytes("plain", testing::read_bytes("plain") + ", changed");
    CHECK(run_real({"-c", "--strict", "ours"}, "", false).exit_code == 1);
    CHECK(run_checksum({"-c", "--strict", "theirs"}).exit_code == 1);
  }
}

TEST_CASE("checksum command: prints digest, two spaces and name, and reads standard input without a file") {
  const Workplace workplace;
  testing::write_bytes("abc", "abc");
  CHECK(run_checksum({"abc"}) == Outcome{0, kAbcHex + "  abc\n", ""});
  CHECK(run_checksum({}, "abc") == Outcome{0, kAbcHex + "  -\n", ""});
}

TEST_CASE("checksum command: a missing file is named, the others are still hashed, and the exit code is 1") {
  const Workplace workplace;
  testing::write_bytes("abc", "abc");
  CHECK(run_checksum({"no such", "abc"}) ==
        Outcome{1, kAbcHex + "  abc\n", "bertjit checksum: 'no such': No such file or directory\n"});
}

TEST_CASE("checksum command: one flipped byte fails the check and the file is named") {
  const Workplace workplace;
  testing::write_bytes("abc", "abc");
  testing::write_bytes("list", kAbcHex + "  abc\n");
  CHECK(run_checksum({"--check", "list"}) == Outcome{0, "abc: OK\n", ""});
  testing::write_bytes("abc", "abd");
  CHECK(run_checksum({"--check", "list"}) ==
        Outcome{1, "abc: FAILED\n", "bertjit checksum: WARNING: 1 computed checksum did NOT match\n"});
}

TEST_CASE("checksum command: flags that make no sense together exit 1 with sha512sum's words") {
  CHECK(run_checksum({"--quiet", "abc"}) ==
        Outcome{1, "",
                "bertjit checksum: the --quiet option is meaningful only when verifying checksums\n"
                "Try 'bertjit checksum --help' for more information.\n"});
}

TEST_CASE("checksum command: names that CLI11 would take for lists or subcommands are plain names") {
  const Workplace workplace;
  for (const std::string name : {"[abc]", "[a,b]", "{}", "%%", "checksum"}) {
    testing::write_bytes(name, "abc");
    CHECK(run_checksum({name}) == Outcome{0, kAbcHex + "  " + name + "\n", ""});
  }
}

TEST_CASE("checksum command: output that cannot be written is an error, not silence") {
  const Workplace workplace;
  testing::write_bytes("abc", "abc");
  testing::write_bytes("list", kAbcHex + "  abc\n");
  for (const Arguments& arguments : std::vector<Arguments>{{"abc"}, {"abc", "abc", "abc"}, {"-c", "list"}}) {
    std::istringstream in;
    std::ofstream full("/dev/full");
    std::ostringstream err;
    CHECK(run_with(arguments, in, full, err) == 1);
    CHECK(err.str() == "bertjit checksum: write error: No space left on device\n");
  }
}

}  // namespace bertjit
