#include "support/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <utility>

#include "support/error.h"
#include "support/flight_recorder.h"
#include "support/signal_hold.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

/// A descriptor closed at the end of the scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const {
    return fd_;
  }

 private:
  int fd_;
};

/// The live mappings, for release_mapped_pages: giving back any other memory would lose what is in it.
class Mappings {
 public:
  void add(std::span<const std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    sizes_[bytes.data()] = bytes.size();
  }
  void remove(const std::byte* begin) {
    const std::lock_guard lock(mutex_);
    sizes_.erase(begin);
  }
  bool contain(std::span<const std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    auto it = sizes_.upper_bound(bytes.data());
    return it != sizes_.begin() && (--it, bytes.data() + bytes.size() <= it->first + it->second);
  }

 private:
  std::mutex mutex_;
  std::map<const std::byte*, size_t> sizes_;
};

Mappings& mappings() {
  static Mappings instance;
  return instance;
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// A file name may be as long as the system allows; the temporary one must not be longer.
std::string hidden_stem(const fs::path& target) {
  return "." + target.filename().string().substr(0, 200);
}

/// A file in `folder` that has no name until link_nameless() gives it one, so that a kill leaves nothing behind; -1
/// where the file system has no such files. Its name is given through /proc, which must therefore be there.
int open_nameless(const fs::path& folder) {
  return ::access("/proc/self/fd", X_OK) == 0 ? ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) : -1;
}

/// Fails, with errno, where `name` exists.
bool link_nameless(int fd, const fs::path& name) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return ::linkat(AT_FDCWD, path.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

/// Whoever supervises this process removes the file if it dies before it could.
void note_temporary(const fs::path& path) {
  note_flight({kTemporaryMade, fs::absolute(path).string(), "", ""});
}

/// Gives it a hidden name beside `target`, which exists; empty, with errno, if that fails.
fs::path link_beside(int fd, const fs::path& target) {
  constexpr int kMaxTries = 1000;  // names left by others
  for (int i = 0; i < kMaxTries; ++i) {
    const fs::path name =
        folder_of(target) / (hidden_stem(target) + "." + std::to_string(::getpid()) + "-" + std::to_string(i) + ".tmp");
    if (link_nameless(fd, name)) {
      note_temporary(name);
      return name;
    }
    if (errno != EEXIST) {
      break;
    }
  }
  return {};
}

// How much is written before the system is asked to start moving it to the disk, so that the final fsync has little to
// wait for.
constexpr uint64_t kWritebackBytes = 16u << 20;

}  // namespace

MappedFile::MappedFile(const fs::path& path) : path_(path) {
  // O_NONBLOCK: opening a pipe nobody writes to must end in a message, not in a wait.
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) {
    throw system_error("cannot open " + path.string());
  }
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) {
    throw system_error("cannot stat " + path.string());
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorKind::kInvalidArgument,
                path.string() + (S_ISDIR(status.st_mode) ? ": is a directory, not a file" : ": is not a regular file"));
  }
  size_ = static_cast<size_t>(status.st_size);
  if (size_ == 0) {
    return;
  }
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, fd.get(), 0);
  if (address == MAP_FAILED) {
    throw system_error("cannot map " + path.string());
  }
  data_ = static_cast<std::byte*>(address);
  mappings().add(bytes());
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) {
    mappings().remove(data_);
    ::munmap(data_, size_);
  }
}

void release_mapped_pages(std::span<const std::byte> bytes) {
  if (!mappings().contain(bytes)) {
    return;
  }
  // Whole pages only: a page at either end may be shared with a neighbour, which merely stays in memory.
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(bytes.data()) + page - 1) / page * page;
  const uintptr_t end = reinterpret_cast<uintptr_t>(bytes.data() + bytes.size()) / page * page;
  if (begin < end) {
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
}

void allow_private_writes(const MappedFile& file) {
  const auto bytes = file.bytes();
  if (bytes.empty()) {
    return;
  }
  if (::mprotect(bytes.data(), bytes.size(), PROT_READ | PROT_WRITE) != 0) {
    throw system_error("cannot map " + file.path().string() + " for writing in memory");
  }
  mappings().remove(bytes.data());
}

std::string read_text_file(const fs::path& path, size_t max_bytes) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  if (bytes.size() > max_bytes) {
    throw Error(ErrorKind::kInvalidArgument, path.string() + ": is " + std::to_string(bytes.size()) +
                                                 " bytes; a file of this kind has at most " +
                                                 std::to_string(max_bytes));
  }
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

AtomicFile::AtomicFile(const fs::path& target) : target_(target) {
  if (target.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "cannot write '': a file needs a name");
  }
  std::error_code ignored;
  if (fs::is_directory(target, ignored)) {
    throw Error(ErrorKind::kInvalidArgument, "cannot write " + target.string() + ": is a directory; name a file in it");
  }
  struct stat status;
  const bool exists = ::stat(target.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    fd_ = ::open(target.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd_ < 0) {
      throw system_error("cannot write " + target.string());
    }
    return;
  }
  resolved_ = exists ? fs::canonical(target) : target;
  const fs::path folder = folder_of(resolved_);
  fd_ = open_nameless(folder);
  if (fd_ < 0) {
    std::string pattern = (folder / (hidden_stem(resolved_) + ".XXXXXX.tmp")).string();
    fd_ = ::mkostemps(pattern.data(), 4, O_CLOEXEC);
    if (fd_ < 0) {
      throw system_error("cannot write " + target.string());
    }
    temporary_ = pattern;
    note_temporary(temporary_);
  }
  // mkostemps makes files only their owner can read; a new file should have the bits any program would give it.
  mode_t mode = status.st_mode & 07777;
  if (!exists) {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    mode = 0666 & ~mask;
  }
  ::fchmod(fd_, mode);
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::discard() {
  if (fd_ >= 0) {
    ::close(std::exchange(fd_, -1));
  }
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
    temporary_.clear();
  }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  const uint64_t begun = size_bytes_;
  size_bytes_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      throw system_error("cannot write " + target_.string());
    }
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  if (!resolved_.empty() && begun / kWritebackBytes != size_bytes_ / kWritebackBytes) {
    ::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE);
  }
}

void AtomicFile::write(const std::string& text) {
  write(std::as_bytes(std::span(text)));
}

void AtomicFile::commit() {
  if (resolved_.empty()) {
    discard();
    return;
  }
  const auto check = [this](bool done) {
    if (!done) {
      throw system_error("cannot write " + target_.string());
    }
  };
  check(::fsync(fd_) == 0);
  // From the moment it has a name of its own until that is the target's, an interrupt would leave it behind.
  const SignalHold hold;
  const bool is_nameless = temporary_.empty();
  const bool is_in_place = is_nameless && link_nameless(fd_, resolved_);
  if (is_nameless && !is_in_place) {
    check(errno == EEXIST);
    temporary_ = link_beside(fd_, resolved_);
    check(!temporary_.empty());
  }
  check(::close(std::exchange(fd_, -1)) == 0);
  if (!is_in_place) {
    check(::rename(temporary_.c_str(), resolved_.c_str()) == 0);
    temporary_.clear();
  }
  // The rename itself lives in the folder; without this a power cut could still bring the old file back.
  const Descriptor directory(::open(folder_of(resolved_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) {
    ::fsync(directory.get());
  }
}

void write_file_atomically(const fs::path& target, const std::string& text) {
  AtomicFile file(target);
  file.write(text);
  file.commit();
}

}  // namespace bertjit
