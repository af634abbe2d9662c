// Tensors in a pickle of torch.save: calls of torch._utils._rebuild_* over storages that lie elsewhere in the file.
//
// torch/_tensor.py (__reduce_ex__), torch/_utils.py, torch/_weights_only_unpickler.py. What both forms of
// pytorch_model.bin (pytorch_bin.h) share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "container/pickle.h"
#include "container/tensors.h"

namespace bertjit {

/// A storage as a persistent id describes it.
struct StorageRef {
  std::string key;
  DType dtype;
  int64_t count;  ///< elements

  uint64_t size_bytes() const {
    return static_cast<uint64_t>(count) * dtype_size(dtype);
  }
};

/// A storage of any type, those too whose elements DType lacks.
struct AnyStorage {
  std::string key;
  std::string type;  ///< "torch.ComplexFloatStorage"
  uint64_t element_size;
  int64_t count;

  uint64_t size_bytes() const {
    return static_cast<uint64_t>(count) * element_size;
  }
};

/// The bytes of a storage, exactly as many as the reference says.
using StorageFinder = std::function<std::span<std::byte>(const StorageRef&)>;

/// What keeps the bytes alive that the finder returns, and how many there are in all: no more are copied, since a few
/// bytes can claim to be expanded (stride 0) to any size.
struct StorageSource {
  StorageFinder find;
  std::shared_ptr<void> keeper;
  uint64_t size_bytes;
};

/// Whether a dict of tensors and plain values may refer to that global. Includes tensors and dtypes that are not read,
/// so that the message can say so rather than call them unsafe.
bool is_tensor_global(const std::string& name);

/// Reads ("storage", type, key, location, count), and in the old form a sixth item for views of storages.
/// Throws Error(kCorrupt) if it is something else, Error(kUnsupported) for storages of other types.
AnyStorage parse_any_storage(const std::filesystem::path& path, const PicklePersistentId& persistent);
/// The same; Error(kUnsupported) also for storages of elements that DType lacks.
StorageRef parse_storage(const std::filesystem::path& path, const PicklePersistentId& persistent);

/// Adds the tensors of the dict `root` to `result`, sorted; if it has none, those under its key "state_dict" or
/// "model". What was passed over becomes a note.
///
/// Throws Error(kCorrupt) for tensors that reach out of their storages; Error(kUnsupported), naming the tensor, for
/// kinds and dtypes that are not read, and if there are no tensors by name.
void read_state_dict(const PickleNode* root, const StorageSource& storages, TensorFile& result);

/// Holds every dense tensor that the pickle makes, of whatever dtype and wherever in it, against its storage. Returns
/// how many there are.
///
/// Throws Error(kCorrupt) for tensors that reach out of their storages; Error(kUnsupported) for sparse, nested and
/// quantized tensors, and for calls of what is no part of a tensor or a plain value.
size_t check_tensors(const std::filesystem::path& path, const Pickle& pickle);

}  // namespace bertjit
