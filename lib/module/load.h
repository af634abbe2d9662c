// A TorchScript file to a module in memory, with everything checked that torch::jit::load leaves unchecked.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <torch/csrc/jit/api/module.h>

#include "module/claims.h"

namespace bertjit {

struct LoadedModule {
  torch::jit::Module module;
  std::optional<Claims> claims;  ///< absent if the archive has no extra/bertjit.json
};

/// Loads a TorchScript archive onto the CPU.
///
/// The file is mapped once: the bytes whose CRC-32 is checked are the bytes that are loaded (torch::jit::load ignores
/// the CRCs, and a flipped weight bit loads silently). Weights stay where they lie in it; a module that works in place
/// changes them for itself alone. The file must not be changed in place while the module lives; replacing it (a rename)
/// does no harm. libtorch runs the __setstate__ of objects in it (packed weights
/// of quantized layers have one): a file of a stranger is not safe to load.
/// Throws Error(kNotFound, kIo); Error(kCorrupt) for an archive that is not whole, naming the record;
/// Error(kUnsupported) for a zip that is no TorchScript archive.
LoadedModule load_module(const std::filesystem::path& path);

/// The same for an archive in memory; `name` stands in messages.
torch::jit::Module load_module_from_bytes(std::string_view bytes, const std::string& name);

}  // namespace bertjit
