// Where a trace comes from, for its claims: digests of the checkpoint's weights and of its tokenizer's files.
#pragma once

#include <future>
#include <string>

#include "source/source.h"
#include "trace/trace.h"

namespace bertjit {

struct Origin {
  std::string source_sha512;     ///< empty for what is no checkpoint, and for random weights
  std::string tokenizer_sha512;  ///< empty if there is none
};

/// Begins to hash on a thread of its own: a checkpoint of 440 MB takes half a second, about as long as recording it.
///
/// Refers to neither argument once it has returned. What cannot be read is left out: a trace is right without it.
std::future<Origin> digest_origin(const Source& source, const TraceOptions& options);

}  // namespace bertjit
