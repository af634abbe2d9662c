#include "source/origin.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <utility>

#include "digest/digest.h"
#include "digest/tokenizer_digest.h"
#include "support/error.h"
#include "support/file_status.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;

/// In hexadecimal; empty where there is none, or it cannot be had.
std::string digest_text(const std::function<std::optional<Sha512Digest>()>& digest) {
  try {
    const auto found = digest();
    return found ? to_hex(*found) : "";
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

std::future<Origin> digest_origin(const Source& source, const SourceOptions& options,
                                  const std::string& tokenizer_directory) {
  const bool has_weights = source.checkpoint && options.init.empty() && path_is_folder(options.path);
  const bool has_tokenizer = source.tokenizer() != nullptr;
  const fs::path folder = options.path;
  const fs::path tokenizer = !tokenizer_directory.empty() ? fs::path(tokenizer_directory)
                             : path_is_folder(folder)     ? folder
                                                          : folder.parent_path();
  return std::async(std::launch::async, [=] {
    Origin origin;
    if (has_weights) {
      origin.source_sha512 =
          digest_text([&] { return digest_meaning(folder, DigestKind::kWeights, {.threads = 1}).digest; });
    }
    if (has_tokenizer) {
      origin.tokenizer_sha512 = digest_text([&] { return digest_tokenizer(tokenizer); });
    }
    return origin;
  });
}

Claims checkpoint_claims(const CheckpointSource& checkpoint, bool dynamic_shapes) {
  Claims claims;
  claims.architecture = checkpoint.choice.architecture;
  claims.head = checkpoint.choice.head;
  claims.dtype = checkpoint.choice.dtype;
  claims.dynamic_batch = dynamic_shapes;
  claims.dynamic_length = dynamic_shapes;
  claims.attn_implementation = attention_name(checkpoint.model->description().attention);
  return claims;
}

}  // namespace bertjit
