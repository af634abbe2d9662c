// Small TorchScript modules for tests: of this room, and of those above it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <torch/csrc/jit/api/module.h>

#include "module/claims.h"
#include "module/save.h"

namespace bertjit::testing {

/// A module with a word table [16, 4] under `word_embeddings.weight` and a `scale` [4], both requiring grad, and the
/// methods of `code`, e.g. "def forward(self, input_ids):\n  return …".
inline torch::jit::Module scripted(const std::string& code) {
  torch::jit::Module words("Words");
  const at::Tensor table = at::arange(64, at::kFloat).reshape({16, 4}).sin().set_requires_grad(true);
  words.register_parameter("weight", table, /*is_buffer=*/false);
  torch::jit::Module module("Scripted");
  module.register_module("word_embeddings", words);
  module.register_parameter("scale", at::linspace(1, 2, 4).set_requires_grad(true), /*is_buffer=*/false);
  module.register_attribute("training", c10::BoolType::get(), false);
  module.define(code);
  return module;
}

/// The forward that has no fault: takes every batch and length.
inline constexpr const char* kSoundForward = R"(
def forward(self, input_ids):
    return torch.embedding(self.word_embeddings.weight, input_ids) * self.scale
)";

/// Saves under `path` and returns it.
inline std::string save(const torch::jit::Module& module, const std::filesystem::path& path,
                        const std::optional<Claims>& claims = std::nullopt) {
  SaveOptions options{default_archive_name(path), {}};
  if (claims) {
    options.extra_files[kClaimsRecord] = claims_to_json(*claims);
  }
  save_module(module, path, options, HashWhileWriting::kNo);
  return path.string();
}

}  // namespace bertjit::testing
