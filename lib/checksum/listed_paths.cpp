#include "checksum/listed_paths.h"

#include <filesystem>

namespace bertjit {

namespace fs = std::filesystem;

bool ListedPaths::add(const std::string& path) {
  return paths_.insert(key(path)).second;
}

std::string ListedPaths::key(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  auto found = folders_.find(folder);
  if (found == folders_.end()) {
    // A folder that does not exist holds no file that could be met under another name.
    std::error_code error;
    const fs::path resolved = fs::weakly_canonical(folder, error);
    found = folders_.emplace(folder, error ? folder : resolved.string()).first;
  }
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  // weakly_canonical keeps a slash at the end of what does not exist.
  return found->second + (found->second.ends_with('/') ? "" : "/") + name;
}

}  // namespace bertjit
