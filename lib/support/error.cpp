#include "support/error.h"

#include <cerrno>
#include <cstring>

namespace bertjit {

Error system_error(const std::string& action) {
  return system_error(action, errno);
}

Error system_error(const std::string& action, int error_number) {
  const ErrorKind kind = error_number == ENOENT || error_number == ENOTDIR ? ErrorKind::kNotFound : ErrorKind::kIo;
  return Error(kind, action + ": " + std::strerror(error_number));
}

}  // namespace bertjit
