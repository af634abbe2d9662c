#include "checksum/checksum.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "checksum/work_size.h"
#include "testing/testing.h"

namespace bertjit {

namespace {

/// Keeps what it is given.
struct Results : ChecksumSink {
  std::vector<FileDigest> files;
  std::vector<CheckedLine> lines;
  std::vector<CheckedList> lists;
  std::vector<WalkedPath> paths;
  ChecksumSummary summary;

  void take(const FileDigest& file) override {
    files.push_back(file);
  }
  void take(const CheckedLine& line) override {
    lines.push_back(line);
  }
  void take(const CheckedList& list) override {
    lists.push_back(list);
  }
  void take(const WalkedPath& path) override {
    paths.push_back(path);
  }
  void take(const ChecksumSummary& all) override {
    summary = all;
  }

  std::vector<std::string> extra() const {
    std::vector<std::string> names;
    for (const WalkedPath& path : paths) {
      if (path.kind == WalkedPath::Kind::kFile) {
        names.push_back(path.path);
      }
    }
    return names;
  }
};

struct Fixture {
  testing::TempDir folder;
  std::istringstream standard_input;

  std::string write(const std::string& name, const std::string& bytes) {
    std::filesystem::create_directories((folder / name).parent_path());
    testing::write_bytes(folder / name, bytes);
    return folder / name;
  }
  std::string line_for(const std::string& path) {
    return format_checksum_line(path, hash_file(path), {});
  }
  Results run(const ChecksumOptions& options) {
    std::ostringstream err;
    Progress progress(err, {});
    Results results;
    run_checksum(options, standard_input, progress, results);
    return results;
  }
  Results check(const std::string& list, ChecksumOptions options = {}) {
    options.check = true;
    options.files.insert(options.files.begin(), list);
    return run(options);
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "checksum: a file's digest, or the reason there is none") {
  const std::string path = write("file", "abc");
  const Results results = run({.files = {path, folder / "none", folder.path()}});
  REQUIRE(results.files.size() == 3);
  CHECK(results.files[0].name == path);
  CHECK(results.files[0].digest == hash_file(path));
  CHECK(results.files[0].problem.empty());
  CHECK(results.files[1].problem == "No such file or directory");
  CHECK(results.files[2].problem == "Is a directory");
  CHECK_FALSE(results.summary.passed);
  CHECK(results.summary.hashed == 1);
  CHECK(results.summary.lines.unreadable == 2);
}

TEST_CASE_METHOD(Fixture, "checksum: '-' is standard input") {
  const std::string path = write("file", "abc");
  standard_input.str("abc");
  CHECK(run({.files = {"-"}}).files.at(0).digest == hash_file(path));
}

TEST_CASE_METHOD(Fixture, "checksum: one flipped byte is a mismatch of that file and of no other") {
  const std::string good = write("good", "weights");
  const std::string bad = write("bad", "weights");
  const Sha512Digest before = hash_file(bad);
  const std::string list = write("list", line_for(good) + line_for(bad));
  write("bad", "weighus");
  const Results results = check(list);
  CHECK(results.lists.at(0).lines.matched == 1);
  CHECK(results.lists.at(0).lines.mismatched == 1);
  REQUIRE(results.lines.size() == 2);
  CHECK(results.lines[0].verdict == LineVerdict::kMatch);
  CHECK(results.lines[1].verdict == LineVerdict::kMismatch);
  CHECK(results.lines[1].name == bad);
  CHECK(results.lines[1].number == 2);
  CHECK(results.lines[1].expected == before);
  CHECK(results.lines[1].actual == hash_file(bad));
  CHECK_FALSE(results.summary.passed);
}

TEST_CASE_METHOD(Fixture,
                 "checksum: a missing file fails a list, unless missing ones are ignored and another matches") {
  const std::string here = write("here", "a");
  const std::string gone = write("gone", "b");
  const std::string both = write("both", line_for(here) + line_for(gone));
  const std::string only_gone = write("only_gone", line_for(gone));
  std::filesystem::remove(gone);

  const Results strict = check(both);
  CHECK(strict.summary.lines.missing == 1);
  CHECK(strict.lines.at(1).problem == "No such file or directory");
  CHECK_FALSE(strict.summary.passed);
  CHECK(check(both, {.ignore_missing = true}).summary.passed);
  CHECK_FALSE(check(only_gone, {.ignore_missing = true}).summary.passed);
}

TEST_CASE_METHOD(Fixture, "checksum: a file that is there and cannot be read fails even if missing ones are ignored") {
  const std::string here = write("here", "a");
  const std::string hex = to_hex(hash_file(here));
  const std::string list = write("list", hex + "  " + here + "\n" + hex + "  " + folder.path().string() + "\n");
  const Results results = check(list, {.ignore_missing = true});
  CHECK(results.summary.lines.unreadable == 1);
  CHECK(results.lines.at(1).problem == "Is a directory");
  CHECK_FALSE(results.summary.passed);
}

TEST_CASE_METHOD(Fixture, "checksum: a malformed line fails a list only if strict") {
  const std::string file = write("file", "a");
  const std::string list = write("list", line_for(file) + "junk\n");
  const Results lenient = check(list);
  CHECK(lenient.summary.lines.malformed == 1);
  CHECK(lenient.summary.passed);
  CHECK_FALSE(check(list, {.strict = true}).summary.passed);
}

TEST_CASE_METHOD(Fixture, "checksum: a list that checks nothing does not pass") {
  CHECK_FALSE(check(write("empty", "")).summary.passed);
  CHECK_FALSE(check(write("comment", "# nothing\n")).summary.passed);
  CHECK_FALSE(check(write("junk", "junk\n")).summary.passed);
}

TEST_CASE_METHOD(Fixture, "checksum: one list that fails fails all, whatever comes after it") {
  const std::string file = write("file", "a");
  const std::string good = write("good", line_for(file));
  const Results results = check(write("empty", ""), {.files = {good}});
  CHECK(results.lists.size() == 2);
  CHECK_FALSE(results.summary.passed);
}

TEST_CASE_METHOD(Fixture, "checksum: a list that cannot be opened or read says why and does not pass") {
  const Results absent = check(folder / "none");
  CHECK(absent.lists.at(0).problem == "No such file or directory");
  CHECK_FALSE(absent.summary.passed);
  const Results directory = check(folder.path());
  CHECK(directory.lists.at(0).problem == "read error");
  CHECK_FALSE(directory.summary.passed);
}

TEST_CASE_METHOD(Fixture, "checksum: a list on standard input cannot name standard input") {
  const std::string file = write("file", "a");
  standard_input.str(line_for(file) + format_checksum_line("-", hash_file(file), {}));
  const Results results = check("-");
  CHECK(results.lists.at(0).name == "standard input");
  CHECK(results.summary.lines.matched == 1);
  CHECK(results.summary.lines.malformed == 1);
}

TEST_CASE_METHOD(Fixture, "checksum: lists count as read to the end, with and without a last newline") {
  const std::string file = write("file", "a");
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += line_for(file);
  }
  CHECK(check(write("list", text)).summary.lines.matched == 1000);
  text.pop_back();
  CHECK(check(write("list", text)).summary.lines.matched == 1000);
}

TEST_CASE_METHOD(Fixture, "checksum: a folder hashes as its files, by path, whatever the number of threads") {
  std::vector<std::string> paths;
  for (const std::string name : {"tree/a-b/x", "tree/a/x", "tree/a/y/z", "tree/a.b", "tree/.hidden", "tree/b\nc"}) {
    paths.push_back(write(name, name + std::string(400'000, 'x')));
  }
  std::sort(paths.begin(), paths.end());
  for (const int threads : {1, 2, 7}) {
    const Results results = run({.files = {folder / "tree"}, .recursive = true, .threads = threads});
    REQUIRE(results.files.size() == paths.size());
    for (size_t i = 0; i < paths.size(); ++i) {
      CHECK(results.files[i].name == paths[i]);
      CHECK(results.files[i].digest == hash_file(paths[i]));
    }
    CHECK(results.summary.passed);
  }
}

TEST_CASE_METHOD(Fixture, "checksum: folders without a file are not a yes") {
  std::filesystem::create_directories(folder / "tree/empty");
  CHECK_FALSE(run({.files = {folder / "tree"}, .recursive = true}).summary.passed);
}

TEST_CASE_METHOD(Fixture, "checksum: a list against a folder tells changed, missing and extra files apart") {
  const std::string same = write("tree/same", "a");
  const std::string changed = write("tree/changed", "b");
  const std::string gone = write("tree/gone", "c");
  // The list lies in the folder itself, and is not extra.
  const std::string list = write("tree/SHA512SUMS", line_for(same) + line_for(changed) + line_for(gone));
  const ChecksumOptions options{.files = {folder / "tree"}, .recursive = true};
  CHECK(check(list, options).summary.passed);

  write("tree/changed", "B");
  std::filesystem::remove(gone);
  const std::string extra = write("tree/deep/extra", "d");
  const Results results = check(list, options);
  CHECK(results.summary.lines.matched == 1);
  CHECK(results.summary.lines.mismatched == 1);
  CHECK(results.summary.lines.missing == 1);
  CHECK(results.summary.extra == 1);
  CHECK(results.extra() == std::vector{extra});
  CHECK_FALSE(results.summary.passed);
}

TEST_CASE_METHOD(Fixture, "checksum: one extra file alone fails the check") {
  const std::string listed = write("tree/listed", "a");
  const std::string list = write("list", line_for(listed));
  const ChecksumOptions options{.files = {folder / "tree"}, .recursive = true};
  CHECK(check(list, options).summary.passed);
  write("tree/extra", "");
  CHECK_FALSE(check(list, options).summary.passed);
  CHECK_FALSE(check(list, {.files = {folder / "tree"}, .ignore_missing = true, .recursive = true}).summary.passed);
}

TEST_CASE_METHOD(Fixture, "checksum: a file is listed under whatever path leads to it") {
  const std::string file = write("tree/sub/file", "a");
  std::filesystem::create_directory_symlink(folder / "tree", folder / "link");
  const std::string hex = to_hex(hash_file(file));
  for (const std::string name : {"tree/sub/file", "tree//sub/../sub/./file", "link/sub/file"}) {
    const std::string list = write("list", hex + "  " + folder.path().string() + "/" + name + "\n");
    for (const std::string tree : {"tree", "tree/", "tree/./", "link"}) {
      CAPTURE(name, tree);
      CHECK(check(list, {.files = {folder.path().string() + "/" + tree}, .recursive = true}).summary.passed);
    }
  }
}

TEST_CASE_METHOD(Fixture, "checksum: several lists and folders are held against one another as a whole") {
  const std::string one = write("one/file", "1");
  const std::string two = write("two/file", "2");
  const std::string list_one = write("list1", line_for(one));
  const std::string list_two = write("list2", line_for(two));
  CHECK(check(list_one, {.files = {folder / "one", list_two, folder / "two"}, .recursive = true}).summary.passed);
  const Results results =
      check(list_one, {.files = {folder / "one", folder / "two", folder / "two"}, .recursive = true});
  // Once, though its folder was named twice.
  CHECK(results.extra() == std::vector{two});
}

TEST_CASE_METHOD(Fixture, "checksum: checking folders needs a list and a folder") {
  const std::string list = write("list", "");
  CHECK(find_conflict({.files = {list}, .check = true, .recursive = true}) ==
        "--recursive needs a folder to compare the lists with");
  CHECK(find_conflict({.files = {folder.path()}, .check = true, .recursive = true}) ==
        "--recursive needs a list beside the folders (- for standard input)");
  CHECK(find_conflict({.files = {"-", folder.path()}, .check = true, .recursive = true}).empty());
  CHECK(find_conflict({.files = {list}, .follow_symlinks = FollowSymlinks::kYes}) ==
        "the --follow-symlinks option is meaningful only with --recursive");
}

TEST_CASE_METHOD(Fixture, "checksum: the work ahead is the bytes of files, of folders and of what lists name") {
  const std::string one = write("tree/one", std::string(100, 'x'));
  write("tree/sub/two", std::string(20, 'x'));
  const std::string list = write("list", line_for(one) + line_for(one) + "junk\n" + "# nothing\n");
  CHECK(measure_work({.files = {one, "-", folder / "none"}}) == 100);
  CHECK(measure_work({.files = {folder / "tree"}, .recursive = true}) == 120);
  CHECK(measure_work({.files = {folder / "tree"}}) == 0);
  CHECK(measure_work({.files = {list, "-", folder / "none"}, .check = true}) == 200);
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
