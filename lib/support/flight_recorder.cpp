#include "support/flight_recorder.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <iterator>
#include <mutex>
#include <utility>

namespace bertjit {

namespace {

constexpr size_t kFields = 4;

std::atomic<int> recorder = -1;

/// Guards the file's offset.
std::mutex& recorder_mutex() {
  static std::mutex mutex;
  return mutex;
}

std::string as_bytes(const FlightNote& note) {
  std::string bytes;
  for (const std::string* field : {&note.kind, &note.text, &note.file, &note.detail}) {
    bytes += *field;
    bytes += '\0';
  }
  return bytes;
}

void append(int fd, const std::string& bytes) {
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t n = ::write(fd, bytes.data() + written, bytes.size() - written);
    if (n < 0 && errno != EINTR) {
      return;
    }
    written += n > 0 ? static_cast<size_t>(n) : 0;
  }
}

std::string read_all(int fd) {
  const off_t end = ::lseek(fd, 0, SEEK_CUR);
  std::string bytes(end > 0 ? static_cast<size_t>(end) : 0, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (n == 0 || (n < 0 && errno != EINTR)) {
      break;
    }
    done += n > 0 ? static_cast<size_t>(n) : 0;
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace

void record_flight_to(int fd) {
  recorder.store(fd);
}

int flight_recorder() {
  return recorder.load();
}

void note_flight(const FlightNote& note) {
  const int fd = flight_recorder();
  if (fd >= 0) {
    const std::lock_guard lock(recorder_mutex());
    append(fd, as_bytes(note));
  }
}

std::vector<FlightNote> read_flight(int fd) {
  const std::string bytes = read_all(fd);
  std::vector<FlightNote> notes;
  std::vector<std::string> fields;
  size_t begin = 0;
  for (size_t end = bytes.find('\0'); end != std::string::npos; end = bytes.find('\0', begin)) {
    fields.push_back(bytes.substr(begin, end - begin));
    begin = end + 1;
    if (fields.size() == kFields) {
      notes.push_back({std::move(fields[0]), std::move(fields[1]), std::move(fields[2]), std::move(fields[3])});
      fields.clear();
    }
  }
  return notes;
}

std::vector<FlightNote> open_stages(const std::vector<FlightNote>& notes) {
  std::vector<FlightNote> stages;
  for (const FlightNote& note : notes) {
    if (note.kind == kStageBegun) {
      stages.push_back(note);
    } else if (note.kind == kStageOver && !stages.empty()) {
      stages.pop_back();
    }
  }
  return stages;
}

Stage::Stage(std::string_view name, std::string_view file, std::string_view detail) {
  const int fd = flight_recorder();
  if (fd < 0) {
    return;
  }
  const std::string bytes = as_bytes({kStageBegun, std::string(name), std::string(file), std::string(detail)});
  const std::lock_guard lock(recorder_mutex());
  begin_ = ::lseek(fd, 0, SEEK_CUR);
  append(fd, bytes);
  end_ = ::lseek(fd, 0, SEEK_CUR);
}

Stage::~Stage() {
  const int fd = flight_recorder();
  if (begin_ < 0 || fd < 0) {
    return;
  }
  const std::lock_guard lock(recorder_mutex());
  if (::lseek(fd, 0, SEEK_CUR) == end_) {
    ::lseek(fd, begin_, SEEK_SET);
  } else {
    append(fd, as_bytes({kStageOver, "", "", ""}));
  }
}

}  // namespace bertjit
