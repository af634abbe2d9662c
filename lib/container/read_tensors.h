// Any file of named tensors, whatever its format.
#pragma once

#include <array>
#include <filesystem>

#include "container/tensors.h"

namespace bertjit {

/// Names of weights in a model's folder, in the order in which transformers looks for them
/// (PreTrainedModel.from_pretrained, 4.57).
inline constexpr std::array kWeightsFiles{"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                                          "pytorch_model.bin.index.json"};

/// Reads a .safetensors, .npz, .npy, or .bin, .pt, .pth, .ckpt (torch.save) file, or the shards that an .index.json
/// lists. Another suffix, or none, is read as what its first bytes say. Throws as the reader of that format;
/// Error(kUnsupported) if they say nothing known.
TensorFile read_tensors(const std::filesystem::path& path);

}  // namespace bertjit
