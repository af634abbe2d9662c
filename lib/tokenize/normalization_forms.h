// NFC, NFD, NFKC and NFKD as the crate unicode-normalization-alignments has them: those of Unicode 9, to which later
// code points are letters like any other.
#pragma once

#include <string>
#include <string_view>

namespace bertjit {

enum class NormalizationForm { kNfc, kNfd, kNfkc, kNfkd };

/// Canonical decomposition in canonical order (NFD).
std::u32string decompose(std::u32string_view text);

std::u32string normalize(std::u32string_view text, NormalizationForm form);

}  // namespace bertjit
