// The files of several shards, added up.
#pragma once

#include <string>
#include <vector>

#include "zoo/result_line.h"
#include "zoo/zoo_result.h"

namespace bertjit {

/// A line of a result file that counts.
struct StoredLine {
  ZooLine line;  ///< without its report
  ZooEntry entry;
  size_t number = 0;  ///< in the file, from 1
};

/// The lines of one file that count: of each job the last one.
///
/// A run that goes on with a file (--resume) appends to it. So the file's last line says of which list, flags and
/// version it is, and others are of before. With kAll, those too: whatever is of before may still hold.
enum class StoredLines { kOfLastRun, kAll };
std::vector<StoredLine> read_stored_lines(const std::string& path, StoredLines which);

/// Adds the files up: every job of the list, once.
///
/// A job that two files have (a shard that was started again elsewhere) counts once where both lines say the same apart
/// from what is measured; ZooResult::notes tells so. Throws Error(kInvalidArgument) for files of different lists,
/// flags, commands or versions, for jobs that none has, for jobs that two have and that differ, and for none at all.
ZooResult merge_result_files(const std::vector<std::string>& paths);

}  // namespace bertjit
