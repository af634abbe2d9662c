// The archive that a module would be saved as, in memory, without a copy of its weights.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "module/save.h"

namespace bertjit {

/// What save_module would write. Large parameters are pieces that lie where the module has them: they must not change
/// while the image lives.
class SavedImage {
 public:
  SavedImage(const torch::jit::Module& module, const SaveOptions& options);

  uint64_t size_bytes() const;
  /// Of the archive's bytes.
  const Sha512Digest& sha512();
  /// Whether both are the same bytes. A weight that lies in the same place in both counts as the same if the archives
  /// have the same CRC-32 of it.
  bool same_bytes(const SavedImage& other) const;
  /// Loads the archive; the weights of the result lie where those of the saved module do. `name` stands in messages.
  torch::jit::Module load(const std::string& name) const;

 private:
  struct Piece {
    std::span<std::byte> bytes;
    std::shared_ptr<const std::vector<std::byte>> copy;  ///< where the module does not have them
  };

  torch::jit::Module module_;  ///< keeps the weights
  std::vector<Piece> pieces_;
  std::optional<Sha512Digest> sha512_;
};

}  // namespace bertjit
