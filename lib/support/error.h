// The one exception of the library: a question that could not be answered.
//
// "No" is a result, never an Error (STYLE: a mismatch is an answer). Messages: lower case, object first, what was
// found, what was expected, and the way out when it is known; no final stop.
#pragma once

#include <stdexcept>
#include <string>

namespace bertjit {

enum class ErrorKind {
  kInvalidArgument,  ///< the caller asked for something that makes no sense
  kNotFound,         ///< no such file, tensor, architecture entry
  kIo,               ///< the system refused: permission, full disk, read error
  kCorrupt,          ///< the bytes are not what their format says
  kUnsupported,      ///< well formed, but beyond what bertjit does
  kUnsafe,           ///< refused: loading it could run code or write outside its folder
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

  ErrorKind kind() const {
    return kind_;
  }

 private:
  ErrorKind kind_;
};

/// "cannot open model.pt: Permission denied", from errno at the time of the call: kNotFound for ENOENT and ENOTDIR,
/// else kIo. `action` is a verb phrase that names the object, e.g. "cannot open model.pt".
Error system_error(const std::string& action);
/// The same from a saved errno value.
Error system_error(const std::string& action, int error_number);

}  // namespace bertjit
