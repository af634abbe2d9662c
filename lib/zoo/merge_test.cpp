#include "zoo/merge.h"

#include "testing/error_of.h"
#include "zoo/result_testing.h"

namespace bertjit {

namespace {

using Catch::Matchers::Contains;
using testing::TempDir;
using testing::write_bytes;
using testing::zoo_line;

/// Files of lines, in a fresh folder.
class Files {
 public:
  std::string add(const std::vector<ZooLine>& lines, const std::string& rest = "") {
    std::string text;
    for (const ZooLine& line : lines) {
      text += write_result_line(line);
    }
    paths_.push_back(dir_ / (std::to_string(paths_.size() + 1) + ".jsonl"));
    write_bytes(paths_.back(), text + rest);
    return paths_.back();
  }
  ZooResult merge() const {
    return merge_result_files(paths_);
  }
  std::string error() const {
    return testing::error_of([&] { merge(); }).what();
  }

 private:
  TempDir dir_;
  std::vector<std::string> paths_;
};

std::vector<size_t> indices(const ZooResult& result) {
  std::vector<size_t> all;
  for (const ZooEntry& entry : result.entries) {
    all.push_back(entry.index);
  }
  return all;
}

}  // namespace

TEST_CASE("merge: shards add up, in the order of the list") {
  Files files;
  files.add({zoo_line(4, 4, 2), zoo_line(2, 4)});
  files.add({});
  files.add({zoo_line(3, 4, 1), zoo_line(1, 4)});
  const ZooResult result = files.merge();
  CHECK(indices(result) == std::vector<size_t>{1, 2, 3, 4});
  CHECK(zoo_counts(result) == "4 jobs: 2 pass, 1 fail, 1 no answer");
  CHECK(result.exit_code() == 2);
  CHECK(result.notes.empty());
  const auto worst = worst_first(result);
  CHECK(worst[0]->index == 4);
  CHECK(worst[1]->index == 3);
  CHECK(worst[2]->index == 1);
}

TEST_CASE("merge: the exit code is the worst job's") {
  const auto code = [](int a, int b) {
    Files files;
    files.add({zoo_line(1, 2, a), zoo_line(2, 2, b)});
    return files.merge().exit_code();
  };
  CHECK(code(0, 0) == 0);
  CHECK(code(1, 0) == 1);
  CHECK(code(1, 2) == 2);
  CHECK(code(3, 2) == 3);
}

TEST_CASE("merge: a job or a shard that is missing is an error that names it") {
  Files files;
  files.add({zoo_line(1, 4), zoo_line(3, 4)});
  CHECK_THAT(files.error(), Contains("2 of the list's 4 jobs are in no file: 2, 4; there are lines of shards 1/2"));
  Files empty;
  empty.add({});
  CHECK_THAT(empty.error(), Contains("no results in it"));
  Files endless;
  endless.add({zoo_line(2, size_t{1} << 60)});
  CHECK_THAT(endless.error(), Contains("jobs are in no file: 1, 3, 4, 5, 6, …"));
  Files cut;
  const std::string line = write_result_line(zoo_line(2, 2));
  cut.add({zoo_line(1, 2)}, line.substr(0, line.size() - 1));
  CHECK_THAT(cut.error(), Contains("1 of the list's 2 jobs is in no file: 2"));
}

TEST_CASE("merge: a job that two files have counts once if they agree, and is an error else") {
  Files files;
  ZooLine again = zoo_line(2, 2);
  again.run = {"1/1", "node2", "2026-02-01T12:00:00Z", 9, 9, 9};
  files.add({zoo_line(1, 2), zoo_line(2, 2)});
  const std::string second = files.add({again});
  const ZooResult result = files.merge();
  CHECK(indices(result) == std::vector<size_t>{1, 2});
  REQUIRE(result.notes.size() == 1);
  CHECK(result.notes[0] == second + ": 1 job that another file has too, with the same result; counted once");

  Files other_file;
  again.key = std::string(128, 'd');
  other_file.add({zoo_line(1, 2), zoo_line(2, 2)});
  other_file.add({again});
  CHECK_THAT(other_file.error(), Contains("job 2 'job 2' is in") && Contains("of different files or flags"));

  Files other_answer;
  other_answer.add({zoo_line(1, 2), zoo_line(2, 2)});
  other_answer.add({zoo_line(2, 2, 1)});
  CHECK_THAT(other_answer.error(), Contains("what they say differs"));
}

TEST_CASE("merge: other versions, lists, flags and commands are refused, with both") {
  const auto error = [](const std::function<void(ZooHeader&)>& change) {
    Files files;
    files.add({zoo_line(1, 2)});
    ZooLine other = zoo_line(2, 2);
    change(other.header);
    files.add({other});
    return files.error();
  };
  CHECK_THAT(error([](ZooHeader& header) { header.version = "0.2.0"; }),
             Contains("2.jsonl: is of version 0.2.0") && Contains("1.jsonl of 0.1.0") && Contains("--resume"));
  CHECK_THAT(error([](ZooHeader& header) { header.list_digest = std::string(128, 'e'); }), Contains("a list with"));
  CHECK_THAT(error([](ZooHeader& header) { header.jobs = 3; }), Contains("a list with jobs: 3"));
  CHECK_THAT(error([](ZooHeader& header) { header.flags = {}; }), Contains("a run with no flags"));
  CHECK_THAT(error([](ZooHeader& header) { header.command = "eval"; }), Contains("is of command eval"));
}

TEST_CASE("merge: of one file the last line of a job counts, and lines of an earlier list do not") {
  Files files;
  ZooLine old = zoo_line(1, 3, 1);
  old.header.list_digest = std::string(128, 'e');
  old.name = "removed since";
  const std::string path = files.add({old, zoo_line(1, 2, 2), zoo_line(2, 2), zoo_line(1, 2)});
  const ZooResult result = files.merge();
  CHECK(result.exit_code() == 0);
  CHECK(result.entries.size() == 2);
  CHECK(read_stored_lines(path, StoredLines::kAll).size() == 3);
}

TEST_CASE("merge: a file that is no result is told with its line") {
  Files files;
  files.add({zoo_line(1, 1)}, "garbage\n");
  CHECK_THAT(files.error(), Contains("1.jsonl:2: is no line that verify --list or eval --list writes"));
}

}  // namespace bertjit
