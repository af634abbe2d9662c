// Tensors of two files, pair by pair.
#pragma once

#include <string>
#include <vector>

#include "diff/contents.h"
#include "diff/diff_result.h"
#include "diff/pairing.h"

namespace bertjit {

/// The pairs whose dtype, shape, quantization or values differ, in the order of `pairs`; with values measured and the
/// relation of B to A found.
std::vector<DiffTensor> diff_tensors(const Contents& a, const Contents& b, const std::vector<TensorPair>& pairs,
                                     int threads);

}  // namespace bertjit
