#include "zoo/result_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "support/error.h"
#include "support/file.h"
#include "support/file_status.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

/// So that the file's name is on the disk too.
void sync_folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    ::fsync(fd);
    ::close(fd);
  }
}

uint64_t size_of(int fd) {
  const off_t end = ::lseek(fd, 0, SEEK_END);
  return end < 0 ? 0 : static_cast<uint64_t>(end);
}

/// Up to the end of the last line that has one.
uint64_t size_of_whole_lines(int fd, uint64_t size) {
  std::string piece(1 << 16, '\0');
  for (uint64_t end = size; end > 0;) {
    const uint64_t begin = end - std::min<uint64_t>(end, piece.size());
    const ssize_t n = ::pread(fd, piece.data(), end - begin, static_cast<off_t>(begin));
    if (n <= 0) {
      return 0;
    }
    const size_t at = std::string_view(piece.data(), static_cast<size_t>(n)).rfind('\n');
    if (at != std::string_view::npos) {
      return begin + at + 1;
    }
    end = begin;
  }
  return 0;
}

}  // namespace

ResultFile::ResultFile(const std::string& path, Resume resume) : path_(path) {
  const bool is_new = !path_exists(path);
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) {
    throw system_error("cannot write " + path);
  }
  try {
    // Where the file system has no locks, nobody is told.
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      throw Error(ErrorKind::kInvalidArgument,
                  path + ": another run is writing it; give each run and each shard an --output of its own");
    }
    size_ = size_of(fd_);
    if (resume == Resume::kNo && size_ > 0) {
      throw Error(ErrorKind::kInvalidArgument,
                  path + ": has results already; --resume goes on with them, or name another file");
    }
    const uint64_t whole = size_of_whole_lines(fd_, size_);
    if (whole < size_ && ::ftruncate(fd_, static_cast<off_t>(whole)) != 0) {
      throw system_error("cannot write " + path);
    }
    size_ = whole;
  } catch (...) {
    ::close(fd_);
    throw;
  }
  if (is_new) {
    sync_folder_of(path);
  }
}

ResultFile::~ResultFile() {
  ::close(fd_);
}

ZooPlace ResultFile::append(const std::string& line) {
  size_t written = 0;
  while (written < line.size()) {
    const ssize_t n = ::write(fd_, line.data() + written, line.size() - written);
    if (n < 0 && errno != EINTR) {
      const int reason = errno;
      if (::ftruncate(fd_, static_cast<off_t>(size_)) != 0) {
        // Then the next to open it cuts the piece off.
      }
      throw system_error("cannot write " + path_, reason);
    }
    written += n > 0 ? static_cast<size_t>(n) : 0;
  }
  if (::fdatasync(fd_) != 0 && errno != EINVAL) {  // EINVAL: a pipe, /dev/stdout
    throw system_error("cannot write " + path_);
  }
  const ZooPlace place{.path = path_, .offset = size_, .size = line.size() - 1};
  size_ += line.size();
  return place;
}

void for_each_result_line(const std::string& path,
                          const std::function<void(std::string_view line, size_t number, uint64_t offset)>& take) {
  const MappedFile file(path);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  size_t number = 0;
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', begin)) {
    take(text.substr(begin, end - begin), ++number, begin);
    begin = end + 1;
  }
}

std::string read_place(const ZooPlace& place) {
  if (place.path.empty()) {
    return place.text;
  }
  std::string line(place.size, '\0');
  std::ifstream file(place.path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(place.offset));
  if (!file.read(line.data(), static_cast<std::streamsize>(line.size()))) {
    throw Error(ErrorKind::kIo, "cannot read " + place.path + " again: it has changed");
  }
  return line;
}

}  // namespace bertjit
