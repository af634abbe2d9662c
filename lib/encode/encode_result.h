// What encoding the lines of a stream came to, besides the encodings.
#pragma once

#include <cstdint>

namespace bertjit {

struct EncodeResult {
  uint64_t line_count = 0;
  /// Whether a line had a max_length and no word on truncation, so that it was truncated as transformers does.
  bool implied_truncation = false;
};

}  // namespace bertjit
