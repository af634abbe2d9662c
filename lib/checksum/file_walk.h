// The files under a folder, in the order of `find FOLDER -type f | LC_ALL=C sort`.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bertjit {

enum class FollowSymlinks { kNo, kYes };

/// Which file it is, under whatever name.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;

  auto operator<=>(const FileIdentity&) const = default;
};

/// One thing that a walk came upon.
struct WalkedPath {
  enum class Kind {
    kFile,     ///< a regular file
    kSymlink,  ///< a symbolic link that was not followed
    kSkipped,  ///< neither file nor folder, or a link back to a folder that holds it; `reason` says which
    kProblem,  ///< a folder that could not be read, a link that leads nowhere; `reason` is the system's
  };
  Kind kind = Kind::kFile;
  std::string path;  ///< begins with the folder as it was named, as find prints it
  std::string reason;
};

struct WalkOptions {
  FollowSymlinks follow = FollowSymlinks::kNo;
  /// These files are passed over: the lists that are being checked, the file that is being written.
  std::vector<FileIdentity> leave_out;
};

/// Whether `path` leads to a folder; false too if there is nothing.
bool is_folder(const std::string& path);

/// Hands every file under `folder` to `on_path`, sorted by the bytes of their paths, and whatever else there is where
/// it would stand. A folder that cannot be read does not stop the walk.
///
/// `folder` itself is entered even if it is a symbolic link. With kYes a link that leads back to a folder above it is
/// reported and not entered, so that the walk ends.
void walk_files(const std::string& folder, const WalkOptions& options,
                const std::function<void(const WalkedPath&)>& on_path);

}  // namespace bertjit
