// The files that a job reads, and whether they are still what they were.
//
// SHA-512 decides. Reading a zoo again only to find it unchanged would take as long as many of its jobs, so, as git
// does it with its index, a file whose size, inode and times are those of when it was hashed is taken as unchanged
// without being read: whatever writes to a file sets its time of change (ctime), which no program can set back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "zoo/job_list.h"

namespace bertjit {

/// How a file stands in its folder.
struct FileStamp {
  uint64_t size_bytes = 0;
  uint64_t inode = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;

  bool operator==(const FileStamp&) const = default;
};

struct KnownFile {
  std::string sha512;  ///< empty: it could not be read
  /// Unset where it may not be relied upon: of a file that was written just before it was hashed, the next change may
  /// bear the same time.
  std::optional<FileStamp> stamp;
};

/// By path, as the job names it or a walk from there found it.
using KnownFiles = std::map<std::string, KnownFile>;

/// Everything that the job's operands and flags name, files of folders (hidden ones left out) one by one, sorted. Of a
/// Python file also those beside it, which it may import. What is not there is named too.
std::vector<std::string> files_of_job(const ZooJob& job, const JobFlags& defaults, const JobForm& form);

/// Hashes the files, but those that `known` has and that bear the same stamp.
KnownFiles hash_job_files(const std::vector<std::string>& paths, const KnownFiles& known);

/// Whether these are the files of `known` and all bear its stamps.
bool bear_stamps(const std::vector<std::string>& paths, const KnownFiles& known);

/// A digest over what a result depends on: version, arguments, the files' contents. Numbers of threads are left out.
std::string job_key(const std::string& version, const std::vector<std::string>& arguments, const KnownFiles& files);

}  // namespace bertjit
