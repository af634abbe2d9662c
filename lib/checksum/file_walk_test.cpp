#include "checksum/file_walk.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "testing/testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Kind = WalkedPath::Kind;

struct Fixture {
  testing::TempDir folder;
  std::string root = folder / "tree";

  Fixture() {
    fs::create_directory(root);
  }
  std::string write(const std::string& name) {
    const fs::path path = fs::path(root) / name;
    fs::create_directories(path.parent_path());
    testing::write_bytes(path, name);
    return path;
  }
  static std::vector<WalkedPath> walk(const std::string& from, const WalkOptions& options = {}) {
    std::vector<WalkedPath> paths;
    walk_files(from, options, [&](const WalkedPath& path) { paths.push_back(path); });
    return paths;
  }
  static std::vector<std::string> files(const std::string& from, const WalkOptions& options = {}) {
    std::vector<std::string> names;
    for (const WalkedPath& path : walk(from, options)) {
      if (path.kind == Kind::kFile) {
        names.push_back(path.path);
      }
    }
    return names;
  }
  static WalkedPath only(const std::vector<WalkedPath>& paths) {
    REQUIRE(paths.size() == 1);
    return paths.front();
  }
};

FileIdentity identity_of(const std::string& path) {
  struct stat status;
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return {.device = status.st_dev, .inode = status.st_ino};
}

}  // namespace

TEST_CASE_METHOD(Fixture, "walk: the files are those of find | sort, in that order") {
  for (const std::string name : {"a/x", "a-b/x", "a.b", "a/b/c", "ab", "a/-", "z", "B", ".hidden/x", "caf\xc3\xa9/x",
                                 "\xff", "two words/x", "a/b!", "a/b/c!"}) {
    write(name);
  }
  fs::create_directory(fs::path(root) / "empty");
  const std::string sorted = testing::run_command("find '" + root + "' -type f | LC_ALL=C sort").out;
  std::string ours;
  for (const std::string& name : files(root)) {
    ours += name + "\n";
  }
  CHECK(ours == sorted);
}

TEST_CASE_METHOD(Fixture, "walk: paths begin with the folder as it was named") {
  write("a");
  CHECK(files(root + "/") == std::vector<std::string>{root + "/a"});
  CHECK(files(root + "//") == std::vector<std::string>{root + "//a"});
  CHECK(files(root + "/.") == std::vector<std::string>{root + "/./a"});
}

TEST_CASE_METHOD(Fixture, "walk: symbolic links are named and not followed, unless asked for") {
  write("folder/file");
  fs::create_symlink("folder/file", root + "/to_file");
  fs::create_directory_symlink("folder", root + "/to_folder");
  const auto paths = walk(root);
  REQUIRE(paths.size() == 3);
  CHECK(paths[1].path == root + "/to_file");
  CHECK(paths[1].kind == Kind::kSymlink);
  CHECK(paths[2].kind == Kind::kSymlink);
  CHECK(files(root, {.follow = FollowSymlinks::kYes}) ==
        std::vector<std::string>{root + "/folder/file", root + "/to_file", root + "/to_folder/file"});
}

TEST_CASE_METHOD(Fixture, "walk: the folder it begins with may be a symbolic link") {
  write("file");
  fs::create_directory_symlink(root, folder / "link");
  CHECK(files(folder / "link") == std::vector<std::string>{(folder / "link").string() + "/file"});
}

TEST_CASE_METHOD(Fixture, "walk: a link back to a folder above ends there, and the rest is walked") {
  write("a/file");
  write("b");
  fs::create_directory_symlink(root, root + "/a/loop");
  const auto paths = walk(root, {.follow = FollowSymlinks::kYes});
  REQUIRE(paths.size() == 3);
  CHECK(paths[0].path == root + "/a/file");
  CHECK(paths[1].path == root + "/a/loop");
  CHECK(paths[1].kind == Kind::kSkipped);
  CHECK(paths[1].reason == "leads back to a folder that holds it");
  CHECK(paths[2].path == root + "/b");
}

TEST_CASE_METHOD(Fixture, "walk: a link that leads nowhere is a problem only if it was to be followed") {
  fs::create_symlink("nowhere", root + "/dangling");
  CHECK(only(walk(root)).kind == Kind::kSymlink);
  const WalkedPath followed = only(walk(root, {.follow = FollowSymlinks::kYes}));
  CHECK(followed.kind == Kind::kProblem);
  CHECK(followed.reason == "No such file or directory");
}

TEST_CASE_METHOD(Fixture, "walk: pipes and sockets are skipped with the reason") {
  REQUIRE(::mkfifo((root + "/pipe").c_str(), 0600) == 0);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX};
  const std::string path = root + "/socket";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ::close(fd);
  const auto paths = walk(root);
  REQUIRE(paths.size() == 2);
  CHECK(paths[0].kind == Kind::kSkipped);
  CHECK(paths[0].reason == "is a pipe");
  CHECK(paths[1].kind == Kind::kSkipped);
  CHECK(paths[1].reason == "is a socket");
  CHECK(only(walk("/dev/null")).kind == Kind::kProblem);
}

TEST_CASE_METHOD(Fixture, "walk: a folder that is not there is a problem") {
  const WalkedPath path = only(walk(root + "/none"));
  CHECK(path.kind == Kind::kProblem);
  CHECK(path.path == root + "/none");
  CHECK(path.reason == "No such file or directory");
}

TEST_CASE_METHOD(Fixture, "walk: a folder that cannot be read is a problem, and the rest is walked") {
  write("a");
  write("locked/b");
  write("z");
  fs::permissions(root + "/locked", fs::perms::none);
  fs::permissions(folder.path(), fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  // Root can read everything, so somebody else walks.
  const bool root_walks = ::geteuid() == 0;
  if (root_walks) {
    REQUIRE(::seteuid(65534) == 0);
  }
  const auto paths = walk(root);
  if (root_walks) {
    REQUIRE(::seteuid(0) == 0);
  }
  fs::permissions(root + "/locked", fs::perms::owner_all);
  REQUIRE(paths.size() == 3);
  CHECK(paths[1].path == root + "/locked");
  CHECK(paths[1].kind == Kind::kProblem);
  CHECK(paths[1].reason == "Permission denied");
  CHECK(paths[2].path == root + "/z");
}

TEST_CASE_METHOD(Fixture, "walk: files to leave out are left out under every name they have") {
  const std::string file = write("file");
  write("other");
  fs::create_hard_link(file, root + "/same");
  CHECK(files(root, {.leave_out = {identity_of(file)}}) == std::vector<std::string>{root + "/other"});
}

}  // namespace bertjit
