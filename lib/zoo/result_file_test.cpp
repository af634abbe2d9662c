#include "zoo/result_file.h"

#include "testing/error_of.h"

namespace bertjit {

namespace {

using Catch::Matchers::Contains;
using testing::read_bytes;
using testing::TempDir;
using testing::write_bytes;

std::string error_of(const std::function<void()>& work) {
  return testing::error_of(work).what();
}

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  for_each_result_line(path, [&](std::string_view line, size_t number, uint64_t) {
    CHECK(number == lines.size() + 1);
    lines.emplace_back(line);
  });
  return lines;
}

}  // namespace

TEST_CASE("result file: lines are appended, and read back from their places") {
  const TempDir dir;
  const std::string path = dir / "out.jsonl";
  ResultFile file(path, Resume::kNo);
  file.append("one\n");
  const ZooPlace place = file.append("second\n");
  CHECK(lines_of(path) == std::vector<std::string>{"one", "second"});
  CHECK(read_place(place) == "second");
  CHECK(read_place({.path = "", .text = "kept"}) == "kept");
}

TEST_CASE("result file: wherever a crash cut the last line, going on leaves the whole ones") {
  const TempDir dir;
  const std::string path = dir / "out.jsonl";
  const std::string whole = "first\n" + std::string(200000, 'x') + "\n";
  for (const size_t size :
       {size_t{0}, size_t{3}, size_t{6}, size_t{7}, size_t{70000}, whole.size() - 1, whole.size()}) {
    INFO(size);
    write_bytes(path, whole.substr(0, size));
    ResultFile(path, Resume::kYes).append("next\n");
    const size_t kept = size == whole.size() ? size : size >= 6 ? 6 : 0;
    CHECK(read_bytes(path) == whole.substr(0, kept) + "next\n");
  }
}

TEST_CASE("result file: results are not overwritten, nor is a file written twice at once") {
  const TempDir dir;
  const std::string path = dir / "out.jsonl";
  {
    ResultFile file(path, Resume::kNo);
    CHECK_THAT(error_of([&] { ResultFile second(path, Resume::kYes); }),
               Contains("another run is writing it") && Contains("--output of its own"));
    file.append("line\n");
  }
  CHECK_THAT(error_of([&] { ResultFile again(path, Resume::kNo); }), Contains("--resume goes on with them"));
  CHECK(read_bytes(path) == "line\n");
  CHECK_THAT(error_of([&] { ResultFile(dir / "absent/out.jsonl", Resume::kYes); }), Contains("No such file"));
}

TEST_CASE("result file: a full disk is told, and the file ends with a whole line") {
  CHECK_THAT(error_of([] { ResultFile("/dev/full", Resume::kYes).append("line\n"); }),
             Contains("cannot write /dev/full: No space left"));
}

}  // namespace bertjit
