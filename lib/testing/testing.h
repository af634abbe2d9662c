// What tests share: temporary folders, where test data lies, and a visible skip for tests that need ../shared.
#pragma once

#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

namespace bertjit::testing {

/// A fresh folder that is removed, with all in it, at the end of the scope.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const {
    return path_;
  }
  std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

/// `relative` under the checkout's testdata/.
std::filesystem::path testdata(const std::string& relative);

/// `relative` under the shared/ folder beside the checkout (or $BERTJIT_SHARED); it may not exist.
std::filesystem::path shared(const std::string& relative);

/// Whether shared(relative) exists. Prints "SKIPPED: …" once per call where it does not, so that a test run says
/// what it did not do.
bool has_shared(const std::string& relative);

/// The whole of a file, as bytes.
std::string read_bytes(const std::filesystem::path& path);
void write_bytes(const std::filesystem::path& path, const std::string& bytes);

/// Output of a command run through the shell, with its exit code.
struct CommandOutput {
  int exit_code;
  std::string out;  ///< stdout and, with 2>&1 in the command, stderr
};
CommandOutput run_command(const std::string& command);

}  // namespace bertjit::testing

/// Ends the test case, visibly, where the shared material is absent.
#define SKIP_WITHOUT_SHARED(relative)                    \
  do {                                                   \
    if (!::bertjit::testing::has_shared(relative)) {     \
      SUCCEED("skipped: shared/" relative " is absent"); \
      return;                                            \
    }                                                    \
  } while (false)
