// `bertjit checksum` and the real sha512sum (GNU coreutils 9.1) as processes, on generated command lines, names, lists
// and streams: they must answer alike. The cases come from a fixed seed, so that a failure can be run again.
#include <unistd.h>

#include <array>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "checksum/checksum_list.h"
#include "cli_testing.h"
#include "testing/testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

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

const Words kNames = {
    "plain",       "empty",          "two words", "new\nline", "c\rr", "back\\slash", " lead",    "trail ",
    "*star",       "-dash",          "--check",   "#hash",     "it's", "a:b",         "x)y",      "(p",
    "caf\xc3\xa9", "[a,b]",          "{}",        "~",         "100%", "tab\there",   "\xff\xfe", "\\n",
    "a\\\nb\r",    "SHA512 (x) = y", "sub/file",  "'\x01"};
/// What there is besides: a folder, one under a file, nothing at all, one that fails when it is read.
const Words kOthers = {"folder", "plain/below", "gone", "it's gone\x02",  "gone \xc3\xa9", "gone\xe2\x82", "gone\n",
                       "",       "dangling",    "-",    "/proc/self/mem", "locked",        "closed/file"};

/// One command line with its surroundings.
struct Case {
  std::string arguments;
  std::string streams;  ///< redirections of standard input and output, as the shell's
  std::string input;    ///< of standard input, unless `streams` says otherwise
  bool full_disk = false;
};

struct Outcome {
  int exit_code = 0;
  std::string out;
  std::string err;

  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& stream, const Outcome& outcome) {
  return stream << "exit " << outcome.exit_code << "\nout: " << outcome.out << "\nerr: " << outcome.err;
}

class Generator {
 public:
  /// `below` is small: the slight preference of % for small numbers does not matter here.
  size_t number(size_t below) {
    return engine_() % below;
  }
  bool chance(int percent) {
    return number(100) < static_cast<size_t>(percent);
  }
  template <typename Range>
  const auto& pick(const Range& range) {
    return range[number(std::size(range))];
  }

  /// A long flag, sometimes cut short or given a value that it does not take.
  std::string long_flag(const std::string& name) {
    std::string text = chance(40) ? name.substr(0, 1 + number(name.size())) : name;
    return "--" + text + (chance(4) ? "=value" : "");
  }
  std::string flag(const Words& flags) {
    const std::string& name = pick(flags);
    return name.starts_with('-') ? name : long_flag(name);
  }
  std::string name() {
    return chance(75) ? pick(kNames) : pick(kOthers);
  }

  std::string list(const Words& digests) {
    std::string text;
    for (size_t lines = number(7); lines > 0; --lines) {
      text += line(digests);
    }
    return chance(10) && !text.empty() ? text.substr(0, text.size() - 1) : text;
  }

 private:
  std::string line(const Words& digests) {
    if (chance(15)) {
      static const Words kJunk = {"junk\n", "\n",          "# comment\n",           "\r\n",
                                  " \n",    "SHA512 (x\n", "SHA256 (plain) = 00\n", std::string("\0\n", 2),
                                  "\\\n",   "SHA512\n"};
      return pick(kJunk);
    }
    const size_t which = number(kNames.size());
    const std::string name = chance(80) ? kNames[which] : pick(kOthers);
    std::string hex = chance(75) ? digests[which] : pick(digests);
    if (chance(10)) {
      for (char& c : hex) {
        c = static_cast<char>(std::toupper(c));
      }
    }
    if (chance(6)) {
      hex = chance(50) ? hex.substr(1) : hex + "0";
    }
    return (chance(5) ? " \t" : "") + entry(hex, name) + (chance(15) ? "\r\n" : "\n");
  }

  std::string entry(const std::string& hex, const std::string& name) {
    const bool escape = name.find_first_of("\\\n\r") != std::string::npos;
    const bool keep = chance(10);
    const std::string shown =
        keep ? name : replace_all(replace_all(replace_all(name, "\\", "\\\\"), "\n", "\\n"), "\r", "\\r");
    const std::string mark = escape || chance(4) ? "\\" : "";
    switch (number(8)) {
      case 0:
      case 1:
        return mark + "SHA512 (" + shown + ") = " + hex;
      case 2:
        return mark + hex + " *" + shown;
      case 3:
        return chance(30) ? mark + hex + " " + shown : mark + hex + "\t " + shown;
      case 4:
        return chance(30) ? mark + "SHA512(" + shown + ")=\t" + hex : mark + hex + "  " + shown;
      default:
        return mark + hex + "  " + shown;
    }
  }

  std::mt19937 engine_{20240512};
};

/// The folder both programs work in, and where their output goes: beside it, so that no case can see it.
class Peers {
 public:
  Peers() : program_(testing::program()) {
    fs::permissions(folder_.path(), fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
    for (const std::string& name : kNames) {
      fs::create_directories((world() / name).parent_path());
      testing::write_bytes(world() / name, name == "empty" ? "" : "contents of " + name);
    }
    fs::create_directory(world() / "folder");
    fs::create_symlink("nowhere", world() / "dangling");
    testing::write_bytes(world() / "locked", "secret");
    fs::create_directory(world() / "closed");
    testing::write_bytes(world() / "closed/file", "secret");
    fs::permissions(world() / "locked", fs::perms::none);
    fs::permissions(world() / "closed", fs::perms::none);
    fs::permissions(world(), fs::perms::all);
    user_ = find_user();
    for (const std::string& name : kNames) {
      digests_.push_back(to_hex(hash_file(world() / name)));
    }
  }
  ~Peers() {
    std::error_code ignored;
    fs::permissions(world() / "closed", fs::perms::owner_all, ignored);
  }

  fs::path world() const {
    return folder_ / "world";
  }
  const Words& digests() const {
    return digests_;
  }

  Outcome run(const std::string& program, const std::string& locale, const Case& tested) const {
    const auto beside = [this](const char* name) { return shell_word(folder_ / name); };
    testing::write_bytes(folder_ / "in", tested.input);
    testing::write_bytes(folder_ / "out", "");
    const std::string command = "cd " + shell_word(world()) + " && PATH=/usr/bin:/bin LC_ALL=" + locale + " " + user_ +
                                program + " " + tested.arguments + " < " + beside("in") + " > " + beside("out") +
                                " 2> " + beside("err") + " " + tested.streams;
    const int exit_code = testing::run_command(command).exit_code;
    return {exit_code, testing::read_bytes(folder_ / "out"),
            replace_all(testing::read_bytes(folder_ / "err"), "sha512sum", "bertjit checksum")};
  }
  Outcome ours(const std::string& locale, const Case& tested) const {
    return run(program_ + " checksum", locale, tested);
  }
  Outcome theirs(const std::string& locale, const Case& tested) const {
    return run("sha512sum", locale, tested);
  }

  void compare(const std::string& locale, const Case& tested) {
    INFO("LC_ALL=" << locale << " sha512sum " << tested.arguments << " " << tested.streams << "\ninput:\n"
                   << tested.input);
    Outcome actual = ours(locale, tested);
    if (tested.full_disk) {
      // The one deliberate difference: the reason is told always, not only with --zero.
      actual.err = replace_all(actual.err, ": No space left on device", "");
      Outcome expected = theirs(locale, tested);
      expected.err = replace_all(expected.err, ": No space left on device", "");
      CHECK(actual == expected);
    } else {
      CHECK(actual == theirs(locale, tested));
    }
    ++compared_;
  }
  int compared() const {
    return compared_;
  }

 private:
  /// Root can read everything; somebody else then runs both programs, if that can be done.
  std::string find_user() const {
    if (::geteuid() != 0) {
      return "";
    }
    const std::string nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups ";
    if (testing::run_command(nobody + program_ + " checksum --version 2>&1").exit_code == 0) {
      return nobody;
    }
    std::cerr << "SKIPPED: comparison with sha512sum on unreadable files: root can read them\n";
    return "";
  }

  testing::TempDir folder_;
  std::string program_;
  std::string user_;
  Words digests_;
  int compared_ = 0;
};

bool has_real_sha512sum() {
  static const bool found = testing::run_command("LC_ALL=C /usr/bin/sha512sum --version 2>&1")
                                .out.starts_with("sha512sum (GNU coreutils) 9.1\n");
  if (!found) {
    std::cerr << "SKIPPED: comparison with sha512sum: /usr/bin/sha512sum is not GNU coreutils 9.1\n";
  }
  return found;
}

/// Words in any order, with "--" before some of those that are no flags.
std::string join(Generator& random, Words flags, const Words& names) {
  std::string text;
  if (random.chance(50)) {
    for (const std::string& flag : flags) {
      text += " " + shell_word(flag);
    }
    flags.clear();
    text += random.chance(60) ? " --" : "";
  }
  for (const std::string& name : names) {
    text += " " + shell_word(name);
    if (!flags.empty()) {
      text += " " + shell_word(flags.back());
      flags.pop_back();
    }
  }
  for (const std::string& flag : flags) {
    text += " " + shell_word(flag);
  }
  return text;
}

Words flags_of(Generator& random, const Words& known, size_t most) {
  Words flags;
  for (size_t count = random.number(most + 1); count > 0; --count) {
    flags.push_back(random.flag(known));
  }
  return flags;
}

/// Standard input is most often a file, else closed, a folder, a pipe, or what cannot be read.
std::string input_of(Generator& random) {
  static const Words kInputs = {"<&-", "< .", "< /dev/null", "< /proc/self/mem"};
  return random.chance(15) ? random.pick(kInputs) : "";
}

Case hashing_case(Generator& random) {
  static const Words kFlags = {"-b", "-t", "-z", "-bz", "-zb", "-bt", "binary", "text", "zero", "tag"};
  Words names;
  for (size_t count = random.number(5); count > 0; --count) {
    names.push_back(random.name());
  }
  return {join(random, flags_of(random, kFlags, 3), names), input_of(random), "from standard input"};
}

Case checking_case(Generator& random, const Peers& peers) {
  static const Words kFlags = {"-w",    "quiet",  "status", "warn", "strict", "ignore-missing",
                               "quiet", "strict", "-cw",    "-b",   "zero"};
  Words flags = flags_of(random, kFlags, 3);
  flags.insert(flags.begin() + static_cast<ptrdiff_t>(random.number(flags.size() + 1)),
               random.chance(60) ? "-c" : random.long_flag("check"));
  Words lists;
  for (size_t count = random.number(4); count > 0; --count) {
    const std::string name = "list" + std::to_string(count) + random.pick(Words{"", " x", "\xc3\xa9", "\n"});
    testing::write_bytes(peers.world() / name, random.list(peers.digests()));
    lists.push_back(random.chance(12) ? random.pick(kOthers) : name);
  }
  return {join(random, flags, lists), input_of(random), random.list(peers.digests())};
}

Case usage_case(Generator& random) {
  static const Words kFlags = {"-c",  "check", "ignore-missing", "quiet",   "status", "warn", "strict",
                               "tag", "zero",  "binary",         "text",    "-b",     "-t",   "-w",
                               "-z",  "-x",    "unknown",        "bogus=1", "=",      "-cq",  "-cz",
                               "-wb"};
  return {join(random, flags_of(random, kFlags, 4), {random.name()}), "", "abc"};
}

Case output_case(Generator& random, const Peers& peers) {
  Case tested = random.chance(50) ? hashing_case(random) : checking_case(random, peers);
  tested.full_disk = random.chance(50);
  tested.streams += tested.full_disk ? " > /dev/full" : " >&-";
  return tested;
}

}  // namespace

TEST_CASE("checksum peer: some 700 generated runs answer as sha512sum does: stdout, stderr, exit code") {
  if (!has_real_sha512sum()) {
    SUCCEED("skipped: no sha512sum 9.1");
    return;
  }
  Generator random;
  Peers peers;
  const std::array locales = {"C", "C.UTF-8"};
  for (int i = 0; i < 200; ++i) {
    peers.compare(random.pick(locales), hashing_case(random));
  }
  for (int i = 0; i < 300; ++i) {
    peers.compare(random.pick(locales), checking_case(random, peers));
  }
  for (int i = 0; i < 120; ++i) {
    peers.compare(random.pick(locales), usage_case(random));
  }
  for (int i = 0; i < 80; ++i) {
    peers.compare(random.pick(locales), output_case(random, peers));
  }
  CHECK(peers.compared() >= 300);
  std::cerr << "checksum peer: " << peers.compared() << " runs compared with sha512sum\n";
}

TEST_CASE("checksum peer: lists made by either program satisfy the other, and fail it alike after a change") {
  if (!has_real_sha512sum()) {
    SUCCEED("skipped: no sha512sum 9.1");
    return;
  }
  Generator random;
  Peers peers;
  int compared = 0;
  for (int i = 0; i < 60; ++i) {
    Words names;
    for (size_t count = 1 + random.number(6); count > 0; --count) {
      names.push_back(random.pick(kNames));
    }
    std::string arguments = random.pick(Words{"", "-b", "--tag", "-t"}) + " --";
    for (const std::string& name : names) {
      arguments += " " + shell_word(name);
    }
    INFO(arguments);
    const Outcome made = peers.ours("C", {arguments});
    REQUIRE(made == peers.theirs("C", {arguments}));
    const Case check{"-c --strict", "", made.out};
    CHECK(peers.theirs("C", check).exit_code == 0);
    CHECK(peers.ours("C", check) == peers.theirs("C", check));

    const fs::path changed = peers.world() / random.pick(names);
    const std::string before = testing::read_bytes(changed);
    testing::write_bytes(changed, before + "!");
    CHECK(peers.theirs("C", check).exit_code == 1);
    CHECK(peers.ours("C", check) == peers.theirs("C", check));
    testing::write_bytes(changed, before);
    compared += 2;
  }
  std::cerr << "checksum peer: " << compared << " lists checked by both programs\n";
}

TEST_CASE("checksum peer: a reader that goes away ends both without a word") {
  if (!has_real_sha512sum()) {
    SUCCEED("skipped: no sha512sum 9.1");
    return;
  }
  const testing::TempDir folder;
  testing::write_bytes(folder / "abc", "abc");
  const std::string file = shell_word(folder / "abc");
  for (const std::string& program : Words{testing::program() + " checksum", "/usr/bin/sha512sum"}) {
    // The reader is gone before the first line.
    const std::string command = "(sleep 0.2; " + program + " " + file + " " + file + " 2> " +
                                shell_word(folder / "err") + "; echo $? > " + shell_word(folder / "code") + ") | true";
    testing::run_command(command);
    testing::run_command("sleep 0.4");
    CHECK(testing::read_bytes(folder / "code") == "141\n");
    CHECK(testing::read_bytes(folder / "err").empty());
  }
}

}  // namespace bertjit
