// Grapheme clusters: what a reader takes for one character ("e" and the accent after it).
//
// The rules are those of Unicode 16 (UAX #29, extended clusters), as unicode-segmentation 1.12 in tokenizers has them.
// ICU has the data, up to Unicode 15; what 15.1 and 16 changed is listed here. Regional indicators are not joined in
// pairs: no caller looks at clusters of eight bytes.
#pragma once

#include <cstddef>
#include <string_view>

namespace bertjit {

/// The end of the cluster that begins at `begin` (< text.size(), a boundary). `text` is well-formed UTF-8.
size_t find_grapheme_end(std::string_view text, size_t begin);

}  // namespace bertjit
