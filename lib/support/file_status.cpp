#include "support/file_status.h"

#include "support/error.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

fs::file_status look_at(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error && status.type() != fs::file_type::not_found) {
    throw system_error("cannot look at " + path.string(), error.value());
  }
  return status;
}

}  // namespace

bool path_exists(const fs::path& path) {
  return fs::exists(look_at(path));
}

bool path_is_folder(const fs::path& path) {
  return fs::is_directory(look_at(path));
}

bool path_is_file(const fs::path& path) {
  return fs::is_regular_file(look_at(path));
}

}  // namespace bertjit
