// Weights in several files: model.safetensors.index.json, pytorch_model.bin.index.json.
//
// transformers' save_pretrained(max_shard_size=…) writes them: `weight_map` names the shard of every tensor. Reference:
// transformers.utils.hub.get_checkpoint_shard_files, which believes the index; here it is held against the shards,
// since a tensor that the index promises and no shard holds would be left as it was before loading.
#pragma once

#include <filesystem>
#include <vector>

#include "container/tensors.h"

namespace bertjit {

/// The tensors that the index lists, each over the mapping of its own shard. Tensors that a shard holds beside them are
/// not read; a note names them. `metadata` (total_size among it) is not used, as in transformers.
///
/// Shards whose name ends in .safetensors are read as such, others as pytorch_model.bin.
/// Throws what read_safetensors and read_pytorch_bin throw; Error(kUnsafe) for a shard that is not a plain file name
/// beside the index; Error(kNotFound) for one that is absent; Error(kCorrupt) if the index is no JSON object with a
/// `weight_map` of names, holds a name twice, or lists a tensor that its shard does not hold; and if a tensor it lists
/// lies in several shards, of which each reader may take another.
TensorFile read_shards(const std::filesystem::path& index);

/// The shards that the index lists, sorted, in the index's folder. Throws as read_shards for the index itself.
std::vector<std::filesystem::path> list_shards(const std::filesystem::path& index);

}  // namespace bertjit
