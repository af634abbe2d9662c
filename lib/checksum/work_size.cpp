#include "checksum/work_size.h"

#include <sys/stat.h>

#include <fstream>

namespace bertjit {

namespace {

/// 0 for everything but regular files.
uint64_t size_of_file(const std::string& name) {
  struct stat status;
  const bool regular = name != "-" && ::stat(name.c_str(), &status) == 0 && S_ISREG(status.st_mode);
  return regular ? static_cast<uint64_t>(status.st_size) : 0;
}

uint64_t size_of_listed(const std::string& list, ChecksumListParser& parser) {
  uint64_t bytes = 0;
  if (size_of_file(list) == 0) {
    return 0;
  }
  std::ifstream lines(list, std::ios::binary);
  for (std::string line; std::getline(lines, line);) {
    const ListedChecksum entry = parser.parse_line(line);
    if (entry.kind == ListedChecksum::Kind::kEntry) {
      bytes += size_of_file(entry.name);
    }
  }
  return bytes;
}

}  // namespace

uint64_t measure_work(const ChecksumOptions& options) {
  uint64_t bytes = 0;
  ChecksumListParser parser(options.format.tag);
  const WalkOptions walk{.follow = options.follow_symlinks, .leave_out = options.leave_out};
  for (const std::string& name : options.files) {
    if (options.check) {
      bytes += size_of_listed(name, parser);
    } else if (options.recursive && name != "-" && is_folder(name)) {
      walk_files(name, walk, [&](const WalkedPath& path) {
        bytes += path.kind == WalkedPath::Kind::kFile ? size_of_file(path.path) : 0;
      });
    } else {
      bytes += size_of_file(name);
    }
  }
  return bytes;
}

}  // namespace bertjit
