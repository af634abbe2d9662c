#include "support/flight_recorder.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "support/file.h"
#include "testing/testing.h"

namespace bertjit {

namespace {

/// A recorder for the scope of a test.
class Recorder {
 public:
  Recorder() : fd_(::memfd_create("test", MFD_CLOEXEC)) {
    REQUIRE(fd_ >= 0);
    record_flight_to(fd_);
  }
  ~Recorder() {
    record_flight_to(-1);
    ::close(fd_);
  }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  int fd() const {
    return fd_;
  }
  std::vector<FlightNote> notes() const {
    return read_flight(fd_);
  }
  /// "a > b" of the stages that are open.
  std::string open() const {
    std::string path;
    for (const FlightNote& stage : open_stages(notes())) {
      path += (path.empty() ? "" : " > ") + stage.text;
    }
    return path;
  }

 private:
  int fd_;
};

}  // namespace

TEST_CASE("flight recorder: without one, nothing is noted and nothing fails") {
  CHECK(flight_recorder() == -1);
  const Stage stage("load", "a.pt");
  note_flight({kPartialResult, "{}", "", ""});
}

TEST_CASE("flight recorder: stages are open from their beginning to the end of their scope") {
  const Recorder recorder;
  CHECK(recorder.open().empty());
  {
    const Stage outer("check shapes");
    CHECK(recorder.open() == "check shapes");
    {
      const Stage inner("run", "a.pt", "x [2, 7]");
      CHECK(recorder.open() == "check shapes > run");
      const auto stages = open_stages(recorder.notes());
      CHECK(stages.back().file == "a.pt");
      CHECK(stages.back().detail == "x [2, 7]");
    }
    CHECK(recorder.open() == "check shapes");
    const Stage next("load");
    CHECK(recorder.open() == "check shapes > load");
  }
  CHECK(recorder.open().empty());
}

TEST_CASE("flight recorder: what is noted within a stage outlives it") {
  const Recorder recorder;
  {
    const Stage stage("check inputs");
    note_flight({kPartialResult, "first", "", ""});
  }
  note_flight({kPartialResult, "second\nline", "", ""});
  CHECK(recorder.open().empty());
  std::string results;
  for (const FlightNote& note : recorder.notes()) {
    results += note.kind == std::string(kPartialResult) ? note.text + "|" : "";
  }
  CHECK(results == "first|second\nline|");
}

TEST_CASE("flight recorder: a million stages that are over take no room") {
  const Recorder recorder;
  for (int i = 0; i < 1000; ++i) {
    const Stage stage("run", "a.pt", "x [1]");
  }
  CHECK(recorder.notes().empty());
  CHECK(::lseek(recorder.fd(), 0, SEEK_CUR) == 0);
}

TEST_CASE("flight recorder: the notes of a process that was killed are there, one that was cut short is not") {
  const Recorder recorder;
  const pid_t child = ::fork();
  if (child == 0) {
    const Stage stage("load", "a.pt");
    const ssize_t cut = ::write(recorder.fd(), "begun\0ru", 8);
    ::raise(cut == 8 ? SIGKILL : SIGTERM);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WTERMSIG(status) == SIGKILL);
  CHECK(recorder.open() == "load");
  CHECK(recorder.notes().size() == 1);
}

TEST_CASE("flight recorder: a file on its way to its name is noted as long as it has another") {
  const testing::TempDir folder;
  testing::write_bytes(folder / "target", "old");
  const Recorder recorder;
  write_file_atomically(folder / "target", "new");
  // Where the file system gives files without a name, one is needed only to replace the old file.
  REQUIRE(recorder.notes().size() == 1);
  const FlightNote note = recorder.notes().front();
  CHECK(note.kind == kTemporaryMade);
  CHECK(note.text.starts_with((folder / ".target.").string()));
  CHECK_FALSE(std::filesystem::exists(note.text));
}

}  // namespace bertjit
