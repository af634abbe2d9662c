// What a bug report needs to say, in plain data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "infer/libtorch_facts.h"

namespace bertjit {

struct SystemFacts {
  std::string os;      ///< "Debian GNU/Linux 12 (bookworm)"
  std::string kernel;  ///< "Linux 6.1.0 x86_64"
  std::string libc;    ///< "glibc 2.36"
  std::string cpu;     ///< its name; empty where the system gives none
  int cores = 0;       ///< that this process may use
  uint64_t memory_bytes = 0;
  uint64_t available_memory_bytes = 0;
};

struct EnvResult {
  std::string bertjit;              ///< version
  std::string compiler;             ///< "g++ 12.2.0"
  std::string build_type;           ///< "Release"
  std::string program;              ///< path
  std::string built_with_libtorch;  ///< version
  SystemFacts system;
  /// Variables of the environment that change what libtorch or bertjit does, those that are set.
  std::map<std::string, std::string> variables;

  /// Empty where libtorch cannot be loaded.
  std::optional<LibtorchFacts> libtorch;
  std::string libtorch_folder;
  std::string libtorch_error;  ///< why it cannot be loaded
};

}  // namespace bertjit
