#include "bench/memory.h"

#include <malloc.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace bertjit {

namespace {

/// A mapping's header: "7f00-7f01 r-xp 00001000 08:01 1234    /usr/lib/libc.so.6". Other lines begin with a capital.
bool is_header(const std::string& line) {
  return !line.empty() && std::isupper(static_cast<unsigned char>(line[0])) == 0;
}

struct Mapping {
  std::string permissions;
  std::string path;  ///< empty for anonymous memory, "[heap]" and the like
};

Mapping parse_header(const std::string& line) {
  std::istringstream words(line);
  Mapping mapping;
  std::string range;
  std::string offset;
  std::string device;
  std::string inode;
  words >> range >> mapping.permissions >> offset >> device >> inode >> std::ws;
  std::getline(words, mapping.path);
  if (!mapping.path.empty() && mapping.path[0] != '/') {
    mapping.path.clear();
  }
  return mapping;
}

/// Of "Rss:   12 kB".
std::optional<uint64_t> bytes_of(const std::string& line, const std::string& key) {
  return line.starts_with(key) ? std::optional(std::stoull(line.substr(key.size())) << 10) : std::nullopt;
}

struct MappedFileSize {
  uint64_t bytes = 0;
  bool is_code = false;
};

}  // namespace

ResidentSet parse_smaps(std::istream& smaps) {
  ResidentSet set;
  std::map<std::string, MappedFileSize> files;
  Mapping mapping;
  for (std::string line; std::getline(smaps, line);) {
    if (is_header(line)) {
      mapping = parse_header(line);
      if (!mapping.path.empty() && mapping.permissions.find('x') != std::string::npos) {
        files[mapping.path].is_code = true;
      }
    } else if (const auto bytes = bytes_of(line, "Rss:")) {
      (mapping.path.empty() ? set.data : files[mapping.path].bytes) += *bytes;
    }
  }
  for (const auto& [path, file] : files) {
    (file.is_code ? set.code : set.data) += file.bytes;
  }
  return set;
}

std::optional<ResidentSet> resident_set() {
  ::malloc_trim(0);
  std::ifstream smaps("/proc/self/smaps");
  return smaps ? std::optional(parse_smaps(smaps)) : std::nullopt;
}

bool reset_peak() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return static_cast<bool>(file);
}

std::optional<uint64_t> peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (const auto bytes = bytes_of(line, "VmHWM:")) {
      return bytes;
    }
  }
  return std::nullopt;
}

void ModelMemory::begin() {
  before_ = resident_set();
  has_peak_ = reset_peak();
}

std::optional<uint64_t> ModelMemory::most() const {
  const std::optional<uint64_t> peak = has_peak_ ? peak_resident_bytes() : std::nullopt;
  const std::optional<ResidentSet> now = resident_set();
  if (!is_known_ || !before_ || !peak || !now) {
    return std::nullopt;
  }
  // Code that came in meanwhile is taken off; what came in after the peak is little.
  const int64_t grown = static_cast<int64_t>(*peak) - static_cast<int64_t>(now->code + before_->data);
  return static_cast<uint64_t>(std::max({held_ + grown, held_, int64_t{0}}));
}

void ModelMemory::end() {
  const std::optional<ResidentSet> after = resident_set();
  is_known_ = is_known_ && before_ && after;
  if (is_known_) {
    held_ += static_cast<int64_t>(after->data) - static_cast<int64_t>(before_->data);
  }
}

std::optional<uint64_t> ModelMemory::held() const {
  return is_known_ ? std::optional(static_cast<uint64_t>(std::max(held_, int64_t{0}))) : std::nullopt;
}

}  // namespace bertjit
