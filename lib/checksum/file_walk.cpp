#include "checksum/file_walk.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

namespace bertjit {

namespace {

using Kind = WalkedPath::Kind;

std::string system_reason(int error_number) {
  return std::error_code(error_number, std::generic_category()).message();
}

FileIdentity identity_of(const struct stat& status) {
  return {.device = status.st_dev, .inode = status.st_ino};
}

/// A name in a folder, and what it turned out to be.
struct Child {
  std::string name;  ///< folders end in '/': that is how their files' paths compare with their neighbours'
  Kind kind = Kind::kFile;
  bool folder = false;
  std::string reason;
  FileIdentity identity;
};

std::string describe_special(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFIFO:
      return "is a pipe";
    case S_IFSOCK:
      return "is a socket";
    case S_IFCHR:
    case S_IFBLK:
      return "is a device";
    default:
      return "is not a regular file";
  }
}

class Walk {
 public:
  Walk(const WalkOptions& options, const std::function<void(const WalkedPath&)>& on_path)
      : options_(options), on_path_(on_path) {}

  void enter(const std::string& folder, const FileIdentity& identity) {
    std::vector<std::string> names;
    if (const int error = list_names(folder, names); error != 0) {
      on_path_({Kind::kProblem, folder, system_reason(error)});
      return;
    }
    const std::string prefix = folder.ends_with('/') ? folder : folder + '/';
    std::vector<Child> children;
    children.reserve(names.size());
    for (std::string& name : names) {
      children.push_back(examine(prefix, std::move(name)));
    }
    std::sort(children.begin(), children.end(), [](const Child& a, const Child& b) { return a.name < b.name; });
    above_.push_back(identity);
    for (const Child& child : children) {
      visit(prefix, child);
    }
    above_.pop_back();
  }

 private:
  /// The names in `folder`, or errno.
  static int list_names(const std::string& folder, std::vector<std::string>& names) {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(folder.c_str()), ::closedir);
    if (stream == nullptr) {
      return errno;
    }
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
      std::string name = entry->d_name;
      if (name != "." && name != "..") {
        names.push_back(std::move(name));
      }
      errno = 0;
    }
    return errno;
  }

  Child examine(const std::string& prefix, std::string name) const {
    Child child{.name = std::move(name)};
    const std::string path = prefix + child.name;
    struct stat status;
    const bool follow = options_.follow == FollowSymlinks::kYes;
    if ((follow ? ::stat : ::lstat)(path.c_str(), &status) != 0) {
      child.kind = Kind::kProblem;
      child.reason = system_reason(errno);
    } else if (S_ISDIR(status.st_mode)) {
      child.name += '/';
      child.folder = true;
      child.identity = identity_of(status);
    } else if (S_ISLNK(status.st_mode)) {
      child.kind = Kind::kSymlink;
    } else if (!S_ISREG(status.st_mode)) {
      child.kind = Kind::kSkipped;
      child.reason = describe_special(status.st_mode);
    } else {
      child.identity = identity_of(status);
    }
    return child;
  }

  void visit(const std::string& prefix, const Child& child) {
    if (child.folder) {
      const std::string path = prefix + child.name.substr(0, child.name.size() - 1);
      if (std::find(above_.begin(), above_.end(), child.identity) != above_.end()) {
        on_path_({Kind::kSkipped, path, "leads back to a folder that holds it"});
      } else {
        enter(path, child.identity);
      }
      return;
    }
    const auto& leave_out = options_.leave_out;
    if (child.kind != Kind::kFile || std::find(leave_out.begin(), leave_out.end(), child.identity) == leave_out.end()) {
      on_path_({child.kind, prefix + child.name, child.reason});
    }
  }

  const WalkOptions& options_;
  const std::function<void(const WalkedPath&)>& on_path_;
  std::vector<FileIdentity> above_;
};

}  // namespace

bool is_folder(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

void walk_files(const std::string& folder, const WalkOptions& options,
                const std::function<void(const WalkedPath&)>& on_path) {
  struct stat status;
  if (::stat(folder.c_str(), &status) != 0) {
    on_path({Kind::kProblem, folder, system_reason(errno)});
    return;
  }
  Walk(options, on_path).enter(folder, identity_of(status));
}

}  // namespace bertjit
