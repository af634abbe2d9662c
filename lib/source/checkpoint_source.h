// A checkpoint opened for running: the C++ network and its tokenizer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "models/model.h"
#include "source/source_choice.h"
#include "source/source_options.h"
#include "tokenize/tokenizer.h"

namespace bertjit {

struct CheckpointSource {
  std::string name;  ///< the path as given
  std::unique_ptr<Model> model;
  SourceChoice choice;
  std::unique_ptr<Tokenizer> tokenizer;  ///< nullptr if neither the checkpoint nor the caller has one
};

/// Opens a checkpoint. `tokenizer_directory` names another folder for the tokenizer; empty: the checkpoint's own.
///
/// Throws what open_checkpoint and build_model throw; Error(kInvalidArgument) for an unknown init or dtype;
/// Error(kNotFound) if a named tokenizer folder holds none.
CheckpointSource open_checkpoint_source(const SourceOptions& options, uint64_t seed,
                                        const std::string& tokenizer_directory);

/// The floating dtype of that name, nullopt for another word.
std::optional<DType> floating_dtype(const std::string& name);

/// The tokenizer of `directory`; nullptr if it holds none.
std::unique_ptr<Tokenizer> find_tokenizer(const std::filesystem::path& directory);

}  // namespace bertjit
