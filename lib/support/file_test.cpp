#include "support/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "support/error.h"
#include "testing/testing.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

size_t entries_in(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

ErrorKind kind_of_failure(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("no error was thrown");
  return ErrorKind::kIo;
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("support: a mapped file shows the file's bytes") {
  const testing::TempDir folder;
  testing::write_bytes(folder / "a", std::string("x\0y", 3));
  CHECK(text_of(MappedFile(folder / "a").bytes()) == std::string("x\0y", 3));
  testing::write_bytes(folder / "empty", "");
  CHECK(MappedFile(folder / "empty").bytes().empty());
}

TEST_CASE("support: what is no regular file is refused, a pipe without waiting for a writer") {
  const testing::TempDir folder;
  CHECK(kind_of_failure([&] { MappedFile{folder / "none"}; }) == ErrorKind::kNotFound);
  CHECK(kind_of_failure([&] { MappedFile{folder.path()}; }) == ErrorKind::kInvalidArgument);
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(kind_of_failure([&] { MappedFile{folder / "pipe"}; }) == ErrorKind::kInvalidArgument);
  CHECK_THROWS_WITH(MappedFile(folder.path()), Catch::Contains("is a directory"));
}

TEST_CASE("support: released pages read the same again; other memory is left alone") {
  const testing::TempDir folder;
  const std::string content(100000, 'w');
  testing::write_bytes(folder / "a", content);
  const MappedFile file(folder / "a");
  CHECK(text_of(file.bytes()) == content);
  release_mapped_pages(file.bytes());
  release_mapped_pages(file.bytes().subspan(5000, 60000));
  CHECK(text_of(file.bytes()) == content);

  std::string heap(1 << 20, 'h');
  release_mapped_pages(std::as_bytes(std::span(heap)));
  CHECK(heap == std::string(1 << 20, 'h'));
}

TEST_CASE("support: a text file beyond the limit is refused with both sizes") {
  const testing::TempDir folder;
  testing::write_bytes(folder / "a", "12345");
  CHECK(read_text_file(folder / "a", 5) == "12345");
  CHECK_THROWS_WITH(read_text_file(folder / "a", 4), Catch::Contains("is 5 bytes") && Catch::Contains("at most 4"));
}

TEST_CASE("support: an atomic file appears when it is committed, and only then") {
  const testing::TempDir folder;
  AtomicFile file(folder / "out");
  file.write("new");
  CHECK_FALSE(fs::exists(folder / "out"));
  file.commit();
  CHECK(testing::read_bytes(folder / "out") == "new");
  CHECK(file.size_bytes() == 3);
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("support: without a commit the old file stays and nothing is left beside it") {
  const testing::TempDir folder;
  testing::write_bytes(folder / "out", "old");
  {
    AtomicFile file(folder / "out");
    file.write("new");
  }
  CHECK(testing::read_bytes(folder / "out") == "old");
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("support: a process that is killed while it writes leaves the old file and nothing beside it") {
  const testing::TempDir folder;
  if (const int fd = ::open(folder.path().c_str(), O_TMPFILE | O_WRONLY, 0600); fd < 0) {
    SUCCEED("skipped: the file system has no files without names");
    return;
  } else {
    ::close(fd);
  }
  testing::write_bytes(folder / "out", "old");
  for (const std::string name : {"out", "new"}) {
    const pid_t child = ::fork();
    if (child == 0) {
      AtomicFile file(folder / name);
      file.write(std::string(1 << 20, 'n'));
      ::raise(SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
  }
  CHECK(testing::read_bytes(folder / "out") == "old");
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("support: a hidden file that another run left is in nobody's way") {
  const testing::TempDir folder;
  testing::write_bytes(folder / "out", "old");
  testing::write_bytes(folder / (".out." + std::to_string(::getpid()) + "-0.tmp"), "left");
  write_file_atomically(folder / "out", "new");
  CHECK(testing::read_bytes(folder / "out") == "new");
  CHECK(entries_in(folder.path()) == 2);
}

TEST_CASE("support: a replaced file keeps its permission bits, a new one gets the usual ones") {
  const testing::TempDir folder;
  testing::write_bytes(folder / "out", "old");
  fs::permissions(folder / "out", fs::perms(0640));
  write_file_atomically(folder / "out", "new");
  CHECK(fs::status(folder / "out").permissions() == fs::perms(0640));

  const mode_t mask = ::umask(022);
  write_file_atomically(folder / "fresh", "new");
  ::umask(mask);
  CHECK(fs::status(folder / "fresh").permissions() == fs::perms(0644));
}

TEST_CASE("support: a symbolic link stays a link, and the file it names is replaced") {
  const testing::TempDir folder;
  testing::write_bytes(folder / "real", "old");
  fs::create_symlink("real", folder / "link");
  write_file_atomically(folder / "link", "new");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(testing::read_bytes(folder / "real") == "new");
}

TEST_CASE("support: a directory, a missing folder and a full device are refused") {
  const testing::TempDir folder;
  CHECK(kind_of_failure([&] { AtomicFile{folder.path()}; }) == ErrorKind::kInvalidArgument);
  CHECK(kind_of_failure([&] { AtomicFile{""}; }) == ErrorKind::kInvalidArgument);
  CHECK(kind_of_failure([&] { AtomicFile{folder / "none/out"}; }) == ErrorKind::kNotFound);
  CHECK_THROWS_WITH(write_file_atomically("/dev/full", "x"), Catch::Contains("No space left on device"));
}

TEST_CASE("support: the longest file name the system takes can be written") {
  const testing::TempDir folder;
  const std::string name(255, 'n');
  write_file_atomically(folder / name, "x");
  CHECK(testing::read_bytes(folder / name) == "x");
}

}  // namespace bertjit
