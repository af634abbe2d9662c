// A checkpoint opened for running: the C++ network and its tokenizer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "infer/source_options.h"
#include "models/model.h"
#include "tokenize/tokenizer.h"

namespace bertjit {

struct Source {
  std::string name;  ///< the path as given
  std::unique_ptr<Model> model;
  std::unique_ptr<Tokenizer> tokenizer;  ///< nullptr if neither the checkpoint nor the caller has one
};

/// Opens a checkpoint. `tokenizer_directory` names another folder for the tokenizer; empty: the checkpoint's own.
///
/// Throws what open_checkpoint and build_model throw; Error(kInvalidArgument) for an unknown init; Error(kNotFound) if
/// a named tokenizer folder holds none.
Source open_source(const SourceOptions& options, uint64_t seed, const std::string& tokenizer_directory);

/// The tokenizer of `directory`; nullptr if it holds none.
std::unique_ptr<Tokenizer> find_tokenizer(const std::filesystem::path& directory);

}  // namespace bertjit
