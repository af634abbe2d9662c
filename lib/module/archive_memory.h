// Loading a TorchScript archive whose bytes are in memory already, with its weights left where they lie.
//
// torch::jit::load copies every storage. A file of 440 MB that is mapped, and read a few times, then takes twice its
// size, and half a second. torch.package's loader takes storages that exist already
// (torch/csrc/jit/serialization/storage_context.h), from an archive whose records have other names; so it is given one
// with the same code and pickles under those names, and the storages of this one.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <torch/csrc/jit/api/module.h>

namespace bertjit {

/// An archive's bytes, in one piece or several that follow each other. `owner` keeps them alive for as long as a
/// module's weights lie in them; they may be written to by a module that works in place.
class ArchiveMemory {
 public:
  ArchiveMemory(std::vector<std::span<std::byte>> pieces, std::shared_ptr<const void> owner);

  size_t size() const {
    return size_;
  }
  /// Copies `n` bytes from `position`, or fewer at the end; returns how many.
  size_t read(size_t position, void* buffer, size_t n) const;
  /// The bytes themselves where they lie in one piece, else an empty span.
  std::span<std::byte> in_place(size_t position, size_t n) const;
  const std::shared_ptr<const void>& owner() const {
    return owner_;
  }

 private:
  std::vector<std::span<std::byte>> pieces_;
  std::vector<size_t> begins_;
  size_t size_ = 0;
  std::shared_ptr<const void> owner_;
};

/// Loads onto the CPU what torch::jit::load would. `is_stored` says of a record whether it is not compressed.
/// `name` stands in messages. Throws Error(kCorrupt) with libtorch's words.
torch::jit::Module load_archive(std::shared_ptr<const ArchiveMemory> memory, const std::string& name,
                                const std::function<bool(const std::string& record)>& is_stored);

}  // namespace bertjit
