// A published model on disk: config.json, weights and tokenizer files in one folder, as on the Hugging Face hub.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "checkpoint/config.h"
#include "container/tensors.h"

namespace bertjit {

struct Checkpoint {
  /// The folder; for a bare config.json the folder it lies in.
  std::filesystem::path directory;
  Config config;
  /// Absent for a bare config.json, whose weights are random.
  std::optional<TensorFile> weights;
};

/// Whether `path` can be a checkpoint: a directory, or a file that ends in .json.
bool names_checkpoint(const std::filesystem::path& path);

/// Opens a Hugging Face directory, or a bare config.json. Weights are mapped, not read.
///
/// As in transformers, the first of model.safetensors, model.safetensors.index.json, pytorch_model.bin and
/// pytorch_model.bin.index.json is taken. Throws Error(kNotFound) naming what was looked for; Error(kUnsupported) that
/// also names weights of other formats, where only these are there; what the readers throw.
Checkpoint open_checkpoint(const std::filesystem::path& path);

}  // namespace bertjit
