// The file that --output names: a line a job, appended when the job is done.
//
// A line goes out in one write and to the disk before the next job's, so that a crash of the program or the machine
// costs at most the line that was on its way. What it leaves of that line has no end and counts for nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "zoo/result_line.h"

namespace bertjit {

enum class Resume { kNo, kYes };

class ResultFile {
 public:
  /// Makes the file, or with kYes goes on with it; what a crash left of a last line is cut off.
  ///
  /// Throws Error(kInvalidArgument) for a file that has lines already, with kNo, and for one that another run is
  /// writing; Error(kIo).
  ResultFile(const std::string& path, Resume resume);
  ~ResultFile();
  ResultFile(const ResultFile&) = delete;
  ResultFile& operator=(const ResultFile&) = delete;

  /// Appends a whole line, its end included; returns when it is on the disk. Throws Error(kIo), e.g. "cannot write
  /// out.jsonl: No space left on device"; the file ends with the line before then.
  ZooPlace append(const std::string& line);

 private:
  std::string path_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

/// Calls `take` for every line that has an end, in order. Throws Error(kNotFound, kIo).
void for_each_result_line(const std::string& path,
                          const std::function<void(std::string_view line, size_t number, uint64_t offset)>& take);

/// The line, its end left out. Throws Error(kIo).
std::string read_place(const ZooPlace& place);

}  // namespace bertjit
