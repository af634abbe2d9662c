// File systems of a few kilobytes, for tests of full and read-only disks.
#pragma once

#include <iostream>
#include <string>

#include "testing/testing.h"

namespace bertjit::testing {

/// A file system in memory; `mounted` says whether this user may mount one.
class SmallDisk {
 public:
  explicit SmallDisk(int kilobytes) {
    mounted = run("mount -t tmpfs -o size=" + std::to_string(kilobytes) + "k tmpfs");
    if (!mounted) {
      std::cerr << "SKIPPED: " << Catch::getResultCapture().getCurrentTestName()
                << ": this user may not mount a disk\n";
    }
  }
  ~SmallDisk() {
    if (mounted) {
      run("umount");
    }
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::filesystem::path& path() const {
    return folder_.path();
  }
  std::filesystem::path operator/(const std::string& name) const {
    return folder_ / name;
  }

  void make_read_only() {
    REQUIRE(run("mount -o remount,ro"));
  }

  bool mounted = false;

 private:
  bool run(const std::string& command) const {
    return run_command(command + " '" + path().string() + "' 2>&1").exit_code == 0;
  }

  TempDir folder_;
};

}  // namespace bertjit::testing
