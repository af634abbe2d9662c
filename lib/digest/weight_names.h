// One list of weights for a checkpoint and for the file traced from it (docs/formats/digests.md, "Weights").
//
// The two hold the same numbers and not the same names: a trace lists a tied decoder that the checkpoint stores once,
// a checkpoint may hold positions 0, 1, 2, … as a buffer, names of the first BERT release, or a prefix.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "checksum/sha512.h"

namespace bertjit {

struct WeightEntry {
  std::string name;
  std::string dtype;  ///< as dtype_word
  std::vector<int64_t> shape;
  Sha512Digest digest{};  ///< of the row-major bytes
  /// The row-major bytes; `copy` may hold them. Asked for only where a name says that they may be computed.
  std::function<std::span<const std::byte>(std::vector<std::byte>& copy)> read;
  std::string original = {};  ///< the caller's own word for the entry; kept as it is
};

/// Renames and leaves out until only what the file has of its own is left, sorted by name; `notes` say what was done.
/// Throws Error(kUnsupported) that begins with `source` if two weights come to the same name.
std::vector<WeightEntry> canonical_weights(std::vector<WeightEntry> entries, const std::string& source,
                                           std::vector<std::string>& notes);

/// Whether the bytes are the sine and cosine table of Vaswani et al. 2017 in the order of Marian: sines in the left
/// half of the columns, cosines in the right one. `dtype` is a floating one; others are no.
bool is_sinusoid_table(std::span<const std::byte> bytes, const std::string& dtype, const std::vector<int64_t>& shape);

}  // namespace bertjit
