// A library to preload: ends the process, or fails, at the Nth call that changes something in one folder.
//
// What a program leaves behind when it is killed depends on where. Timers hit the same few places; this counts the
// calls of the C library that create, write, sync, name or remove files in a folder, and acts at the one that is asked
// for, so that a test can go through all of them. Counted are calls that the program itself makes: libraries' calls
// through the dynamic linker too, system calls made directly not.
//
// BERTJIT_FAULT_FOLDER  absolute path of the folder; without it nothing is done
// BERTJIT_FAULT_STATE   file that counts the calls of this process and its children in its first 8 bytes
// BERTJIT_FAULT_AT      which call, from 1; 0 or nothing: only count
// BERTJIT_FAULT_ACTION  KILL, INT, TERM: send that signal, after half of what a write was to write; EIO: fail once;
//                       ENOSPC, EDQUOT: fail, and so every later call that needs room
// BERTJIT_FAULT_LOG     file to which the name of each counted call is appended
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace {

using Counter = std::atomic<uint64_t>;

/// The next definition of `name` behind this library's: the C library's.
template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

struct Setting {
  const char* folder = std::getenv("BERTJIT_FAULT_FOLDER");
  const char* action = std::getenv("BERTJIT_FAULT_ACTION");
  uint64_t at = 0;
  Counter* counter = nullptr;
  int log = -1;

  Setting() {
    const char* state = std::getenv("BERTJIT_FAULT_STATE");
    if (folder == nullptr || state == nullptr) {
      folder = nullptr;
      return;
    }
    const char* number = std::getenv("BERTJIT_FAULT_AT");
    at = number == nullptr ? 0 : std::strtoull(number, nullptr, 10);
    const int fd = next<int (*)(const char*, int, ...)>("open")(state, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    next<int (*)(int, off_t)>("ftruncate")(fd, sizeof(Counter));
    void* memory = ::mmap(nullptr, sizeof(Counter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    next<int (*)(int)>("close")(fd);
    counter = memory == MAP_FAILED ? nullptr : static_cast<Counter*>(memory);
    if (const char* path = std::getenv("BERTJIT_FAULT_LOG")) {
      log = next<int (*)(const char*, int, ...)>("open")(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
  }

  bool is_signal() const {
    return action != nullptr && (is("KILL") || is("INT") || is("TERM"));
  }
  bool is(const char* word) const {
    return action != nullptr && std::strcmp(action, word) == 0;
  }
};

const Setting& setting() {
  static const Setting instance;
  return instance;
}

bool lies_in_folder(const char* path) {
  const char* folder = setting().folder;
  if (folder == nullptr || setting().counter == nullptr || path == nullptr) {
    return false;
  }
  char here[PATH_MAX];
  if (path[0] != '/' && ::getcwd(here, sizeof here) != nullptr) {
    path = here;  // no path of the tests leads up and out of where it begins
  }
  const size_t size = std::strlen(folder);
  return std::strncmp(path, folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

bool lies_in_folder(int fd) {
  if (setting().folder == nullptr) {
    return false;
  }
  char path[PATH_MAX];
  char link[64] = "/proc/self/fd/";
  char* digit = link + std::strlen(link);
  char reversed[16];
  size_t digits = 0;
  for (unsigned rest = static_cast<unsigned>(fd); rest > 0 || digits == 0; rest /= 10) {
    reversed[digits++] = static_cast<char>('0' + rest % 10);
  }
  while (digits > 0) {
    *digit++ = reversed[--digits];
  }
  *digit = '\0';
  const ssize_t length = ::readlink(link, path, sizeof path - 1);
  if (fd < 0 || length < 0) {
    return false;
  }
  path[length] = '\0';
  return lies_in_folder(path);
}

void send_signal() {
  const Setting& s = setting();
  ::kill(::getpid(), s.is("KILL") ? SIGKILL : s.is("INT") ? SIGINT : SIGTERM);
}

enum class Room { kNeeds, kNone };

/// Counts the call. 0: it is to be made; else the error with which it is to fail. Where the process is to end,
/// `before` has its last chance. A signal that is held back lets the call be made.
template <class Before>
int count_call(const char* name, Room room, Before before) {
  const Setting& s = setting();
  const int kept = errno;
  const uint64_t number = s.counter->fetch_add(1) + 1;
  if (s.log >= 0) {
    char line[64];
    const size_t size = std::strlen(name);
    std::memcpy(line, name, size);
    line[size] = '\n';
    [[maybe_unused]] const ssize_t written =
        next<ssize_t (*)(int, const void*, size_t)>("write")(s.log, line, size + 1);
  }
  errno = kept;
  if (s.at == 0 || number < s.at) {
    return 0;
  }
  if (s.is_signal()) {
    if (number == s.at) {
      before();
      send_signal();
    }
    return 0;
  }
  if (s.is("EIO")) {
    return number == s.at ? EIO : 0;
  }
  const int error = s.is("EDQUOT") ? EDQUOT : ENOSPC;
  return room == Room::kNeeds ? error : 0;
}

int count_call(const char* name, Room room) {
  return count_call(name, room, [] {});
}

template <class Result>
Result fail(int error) {
  errno = error;
  return static_cast<Result>(-1);
}

bool changes(int flags) {
  return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
}

int open_counted(const char* function, const char* path, int flags, mode_t mode) {
  if (changes(flags) && lies_in_folder(path)) {
    if (const int error = count_call("open", Room::kNeeds)) {
      return fail<int>(error);
    }
  }
  return next<int (*)(const char*, int, ...)>(function)(path, flags, mode);
}

/// Writes half of it before the process ends: what is torn must not be seen.
template <class Write>
ssize_t write_counted(const char* name, int fd, size_t size, Write write) {
  if (lies_in_folder(fd)) {
    bool torn = false;
    const int error = count_call(name, Room::kNeeds, [&] { torn = write(size / 2) >= 0; });
    if (error != 0) {
      return fail<ssize_t>(error);
    }
    if (torn) {
      return static_cast<ssize_t>(size / 2);  // the signal was held back; the rest follows
    }
  }
  return write(size);
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = va_arg(arguments, mode_t);
  va_end(arguments);
  return open_counted("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = va_arg(arguments, mode_t);
  va_end(arguments);
  return open_counted("open64", path, flags, mode);
}

int mkostemps(char* pattern, int suffix, int flags) {
  if (lies_in_folder(pattern)) {
    if (const int error = count_call("mkostemps", Room::kNeeds)) {
      return fail<int>(error);
    }
  }
  return next<int (*)(char*, int, int)>("mkostemps")(pattern, suffix, flags);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  return write_counted("write", fd, size, [&](size_t part) { return real(fd, bytes, part); });
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return write_counted("pwrite", fd, size, [&](size_t part) { return real(fd, bytes, part, offset); });
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  return write_counted("pwrite", fd, size, [&](size_t part) { return real(fd, bytes, part, offset); });
}

int fsync(int fd) {
  if (lies_in_folder(fd)) {
    if (const int error = count_call("fsync", Room::kNeeds)) {
      return fail<int>(error);
    }
  }
  return next<int (*)(int)>("fsync")(fd);
}

int fdatasync(int fd) {
  if (lies_in_folder(fd)) {
    if (const int error = count_call("fsync", Room::kNeeds)) {
      return fail<int>(error);
    }
  }
  return next<int (*)(int)>("fdatasync")(fd);
}

int ftruncate(int fd, off_t size) {
  if (lies_in_folder(fd)) {
    if (const int error = count_call("ftruncate", Room::kNeeds)) {
      return fail<int>(error);
    }
  }
  return next<int (*)(int, off_t)>("ftruncate")(fd, size);
}

int fchmod(int fd, mode_t mode) {
  if (lies_in_folder(fd)) {
    if (const int error = count_call("fchmod", Room::kNone)) {
      return fail<int>(error);
    }
  }
  return next<int (*)(int, mode_t)>("fchmod")(fd, mode);
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  if (lies_in_folder(to)) {
    if (const int error = count_call("linkat", Room::kNeeds)) {
      return fail<int>(error);
    }
  }
  return next<int (*)(int, const char*, int, const char*, int)>("linkat")(from_folder, from, to_folder, to, flags);
}

int rename(const char* from, const char* to) {
  if (lies_in_folder(to)) {
    if (const int error = count_call("rename", Room::kNeeds)) {
      return fail<int>(error);
    }
  }
  return next<int (*)(const char*, const char*)>("rename")(from, to);
}

int unlink(const char* path) {
  if (lies_in_folder(path)) {
    if (const int error = count_call("unlink", Room::kNone)) {
      return fail<int>(error);
    }
  }
  return next<int (*)(const char*)>("unlink")(path);
}

int close(int fd) {
  static const auto real = next<int (*)(int)>("close");
  if (lies_in_folder(fd)) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags >= 0 && changes(flags)) {
      if (const int error = count_call("close", Room::kNone)) {
        real(fd);
        return fail<int>(error);
      }
    }
  }
  return real(fd);
}

}  // extern "C"
