#include "zoo/job_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

#include <nlohmann/json.hpp>

#include "checksum/file_walk.h"
#include "checksum/sha512.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

/// By how much the clock that stamps files may be behind this machine's, and the grain of its times.
constexpr int64_t kUnsettled_ns = 5'000'000'000;

int64_t nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::optional<FileStamp> stamp_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  return FileStamp{static_cast<uint64_t>(status.st_size), status.st_ino, nanoseconds(status.st_mtim),
                   nanoseconds(status.st_ctim)};
}

bool has_settled(const FileStamp& stamp) {
  const auto now =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch());
  return now.count() - std::max(stamp.modified_ns, stamp.changed_ns) > kUnsettled_ns;
}

bool is_hidden_below(const std::string& path, size_t folder_size) {
  return path.find("/.", folder_size) != std::string::npos;
}

void add_folder(const std::string& folder, std::set<std::string>& files) {
  const size_t folder_size = folder.size() - (folder.ends_with('/') ? 1 : 0);
  walk_files(folder, {.follow = FollowSymlinks::kYes, .leave_out = {}}, [&](const WalkedPath& found) {
    if (found.kind == WalkedPath::Kind::kFile && !is_hidden_below(found.path, folder_size)) {
      files.insert(found.path);
    }
  });
}

/// Python files of a folder, and of the packages in it.
void add_python_folder(const fs::path& folder, std::set<std::string>& files) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, error)) {
    const fs::path path = folder / entry.path().filename();
    std::error_code ignored;
    if (path.extension() == ".py") {
      files.insert(path.string());
    } else if (fs::exists(path / "__init__.py", ignored)) {
      add_python_folder(path, files);
    }
  }
}

/// `path` may be FILE.py:NAME.
void add_named(const std::string& path, std::set<std::string>& files) {
  std::error_code ignored;
  std::string file = path;
  if (!fs::exists(file, ignored) && file.find(':') != std::string::npos) {
    file.resize(file.rfind(':'));
  }
  if (is_folder(file)) {
    add_folder(file, files);
    return;
  }
  files.insert(file);
  if (file.ends_with(".py")) {
    add_python_folder(fs::path(file).parent_path(), files);
  }
}

KnownFile hash_job_file(const std::string& path) {
  const auto stamp = stamp_of(path);
  std::error_code error;
  const Sha512Digest digest = hash_file(path, error);
  if (error || !stamp) {
    return {};
  }
  const bool may_rely = stamp == stamp_of(path) && has_settled(*stamp);
  return {to_hex(digest), may_rely ? stamp : std::nullopt};
}

}  // namespace

std::vector<std::string> files_of_job(const ZooJob& job, const JobFlags& defaults, const JobForm& form) {
  JobFlags flags = job.flags;
  flags.insert(defaults.begin(), defaults.end());
  std::set<std::string> files;
  for (const std::string& operand : job.operands) {
    add_named(operand, files);
  }
  for (const auto& [name, values] : flags) {
    const auto flag = form.flags.find(name);
    if (flag != form.flags.end() && flag->second.names_file) {
      for (const std::string& value : values) {
        if (std::error_code ignored; !flag->second.or_word || fs::exists(value, ignored)) {
          add_named(value, files);
        }
      }
    }
  }
  return {files.begin(), files.end()};
}

KnownFiles hash_job_files(const std::vector<std::string>& paths, const KnownFiles& known) {
  KnownFiles files;
  for (const std::string& path : paths) {
    const auto before = known.find(path);
    const bool is_unchanged = before != known.end() && before->second.stamp && before->second.stamp == stamp_of(path);
    files[path] = is_unchanged ? before->second : hash_job_file(path);
  }
  return files;
}

bool bear_stamps(const std::vector<std::string>& paths, const KnownFiles& known) {
  return paths.size() == known.size() && std::ranges::all_of(paths, [&](const std::string& path) {
           const auto before = known.find(path);
           return before != known.end() && before->second.stamp && before->second.stamp == stamp_of(path);
         });
}

std::string job_key(const std::string& version, const std::vector<std::string>& arguments, const KnownFiles& files) {
  nlohmann::json key = {"bertjit.job-key/1", version};
  for (const std::string& argument : arguments) {
    if (!argument.starts_with("--threads=")) {
      key.push_back(argument);
    }
  }
  for (const auto& [path, file] : files) {
    key.push_back({path, file.sha512});
  }
  const std::string text = key.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return to_hex(hash_bytes(std::as_bytes(std::span(text))));
}

}  // namespace bertjit
