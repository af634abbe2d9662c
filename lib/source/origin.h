// Where a file comes from, for its claims: digests of the checkpoint's weights and of its tokenizer's files.
#pragma once

#include <future>
#include <string>

#include "module/claims.h"
#include "source/source.h"

namespace bertjit {

struct Origin {
  std::string source_sha512;     ///< empty for what is no checkpoint, and for random weights
  std::string tokenizer_sha512;  ///< empty if there is none
};

/// Begins to hash on a thread of its own: a checkpoint of 440 MB takes half a second, about as long as recording it.
///
/// `tokenizer_directory` is what the source was opened with. Refers to no argument once it has returned. What cannot be
/// read is left out: a file is right without it.
std::future<Origin> digest_origin(const Source& source, const SourceOptions& options,
                                  const std::string& tokenizer_directory);

/// What is known of a checkpoint's network, for the claims of a file made of it. `dynamic_shapes`: the file takes every
/// batch size and length.
Claims checkpoint_claims(const CheckpointSource& checkpoint, bool dynamic_shapes);

}  // namespace bertjit
