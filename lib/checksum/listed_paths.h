// The files that lists name, to ask which files no list names.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>

namespace bertjit {

/// Paths that lead to one file by another way are one: "a.pt", "./a.pt" and, in the same folder, "/models/a.pt". The
/// last part of a path is taken as it is: a link in a folder is not the file it leads to.
class ListedPaths {
 public:
  /// False if it was there before.
  bool add(const std::string& path);

 private:
  std::string key(const std::string& path);

  std::unordered_map<std::string, std::string> folders_;  ///< as written: without links, from the root
  std::unordered_set<std::string> paths_;
};

}  // namespace bertjit
