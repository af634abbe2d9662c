#include "digest/digest.h"

#include <system_error>

#include "container/torchscript.h"
#include "digest/script_digest.h"
#include "digest/tensor_digest.h"
#include "support/error.h"

namespace bertjit {

namespace fs = std::filesystem;

const char* digest_kind_name(DigestKind kind) {
  switch (kind) {
    case DigestKind::kContent:
      return "content";
    case DigestKind::kWeights:
      return "weights";
    case DigestKind::kCode:
      return "code";
  }
  return "";
}

MeaningDigest digest_meaning(const fs::path& path, DigestKind kind, const DigestOptions& options) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    return digest_directory(path, kind, options);
  }
  return is_torchscript(path) ? digest_script(path, kind, options) : digest_tensors(path, kind, options);
}

}  // namespace bertjit
