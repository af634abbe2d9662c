// What this room's tests share.
#pragma once

#include <string>

#include "container/script_archive_testing.h"
#include "digest/digest.h"

namespace bertjit::testing {

inline std::string digest_of(const std::filesystem::path& path, DigestKind kind) {
  return to_hex(digest_meaning(path, kind).digest);
}

inline std::filesystem::path script(const std::string& name) {
  return testdata("torchscript/" + name);
}

}  // namespace bertjit::testing
