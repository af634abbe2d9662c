// Why two files differ, in words: the known causes that fit what was found.
#pragma once

#include <string>
#include <vector>

#include "diff/contents.h"
#include "diff/diff_result.h"
#include "diff/tensor_diff.h"

namespace bertjit {

/// Reads the causes off a result whose lists are complete; `same_as` of lone tensors is filled here. Worst effect
/// first; among equals what explains most.
void find_causes(const Contents& a, const Contents& b, const PairedTensors& pairing, DiffResult& result);

/// The causes that tensors show, in the order in which they should be read.
std::vector<DiffCause> tensor_causes(const Contents& a, const Contents& b, const PairedTensors& pairing,
                                     DiffResult& result);

/// The causes of code and facts.
std::vector<DiffCause> other_causes(const DiffResult& result);

/// "x, y and 3 more".
std::string some_of(const std::vector<std::string>& names, size_t shown = 2);

/// "1 tensor", "3 tensors".
std::string count_of(size_t count, const std::string& noun);

}  // namespace bertjit
