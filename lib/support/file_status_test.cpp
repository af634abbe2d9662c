#include "support/file_status.h"

#include <fstream>

#include <catch2/catch.hpp>

#include "support/error.h"
#include "testing/testing.h"

using namespace bertjit;

TEST_CASE("file status: what is there and what is not") {
  const testing::TempDir folder;
  std::ofstream(folder / "file") << "text";
  std::filesystem::create_symlink(folder / "file", folder / "link");
  std::filesystem::create_symlink(folder / "nothing", folder / "dangling");
  CHECK(path_exists(folder / "file"));
  CHECK(path_is_file(folder / "link"));
  CHECK_FALSE(path_is_folder(folder / "file"));
  CHECK(path_is_folder(folder / "."));
  CHECK_FALSE(path_is_file(folder / "."));
  CHECK_FALSE(path_exists(folder / "nothing"));
  CHECK_FALSE(path_exists(folder / "dangling"));
  CHECK_FALSE(path_exists(folder / "file/below"));
}

TEST_CASE("file status: what the system does not say is an Error") {
  const testing::TempDir folder;
  CHECK_THROWS_AS(path_exists(folder / std::string(300, 'a')), Error);
  std::filesystem::create_symlink("loop", folder / "loop");
  CHECK_THROWS_AS(path_is_folder(folder / "loop"), Error);
}
