// Where the bytes of a module go.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include "inspect/inspect_result.h"

namespace bertjit {

/// "embeddings", "encoder", "decoder", "heads" or "other weights", by the parts of a tensor's name as models of the
/// BERT family have them: "bert.encoder.layer.0.output.dense.weight" -> "encoder".
std::string size_group(const std::string& tensor_name);

/// `archive` is the file that `module` was loaded from, nullptr if there is none. Records that hold the storages of
/// named tensors count for the tensor's group; a shared storage counts for the first of its names.
SizeBreakdown measure_sizes(const torch::jit::Module& module, const ArchiveListing* archive);

}  // namespace bertjit
