// Everything by name that is neither tensor nor code: values of modules, configuration, claims, files, format.
#pragma once

#include <vector>

#include "diff/contents.h"
#include "diff/diff_result.h"
#include "diff/tensor_diff.h"

namespace bertjit {

/// Values that modules keep, training flags, modules by their class.
std::vector<DiffFact> diff_values(const Contents& a, const Contents& b);

/// requires_grad, strides, role and device of tensors that both have, and which names share one storage.
std::vector<DiffFact> diff_traits(const Contents& a, const Contents& b, const std::vector<TensorPair>& pairs);

/// config.json and claims key by key, text files line by line, others as a whole; safetensors' metadata.
std::vector<DiffFact> diff_files(const Contents& a, const Contents& b);

/// How the same things are stored: archive name, order, compression and alignment of records, debug records, mangling,
/// numbers of storages. `renamed`: classes are mangled otherwise.
std::vector<DiffFact> diff_formats(const Contents& a, const Contents& b, const std::vector<TensorPair>& pairs,
                                   bool renamed);

}  // namespace bertjit
