// Checkpoints that torch.save wrote: pytorch_model.bin, in its zip form (PyTorch 1.6 and later) and the one before.
//
// torch/serialization.py. Both hold a pickle that says how tensors view storages, and the storages' bytes. The pickle
// is read as data (pickle.h): no class is imported, no function called.
#pragma once

#include <filesystem>

#include "container/tensors.h"

namespace bertjit {

/// The tensors of a state dict; if the file holds a dict without tensors, those under its key "state_dict" or "model".
///
/// Contiguous tensors are mapped, not copied, and tensors that share a storage share bytes; others are copied to
/// row-major. CRCs of the zip records that are used are checked. What is not a tensor is passed over; a note says so.
///
/// Throws what MappedFile and ZipArchive throw; Error(kUnsafe) if the pickle refers to any global that a dict of
/// tensors does not need, naming it; Error(kCorrupt) if storages are missing, cut short or tensors reach out of them;
/// Error(kUnsupported) for dtypes that DType lacks, sparse and quantized tensors, big-endian files, tar archives of
/// PyTorch before 0.1.10, TorchScript archives and files without tensors; Error(kNotFound) for a Git LFS pointer.
TensorFile read_pytorch_bin(const std::filesystem::path& path);

/// Checks what read_pytorch_bin checks, of every tensor in the file: those too that have no name (a tensor alone,
/// lists, the state of an optimizer), of dtypes that DType lacks, and in compressed records, whose CRCs it leaves
/// alone. Returns how many there are; a file without tensors has none.
///
/// Throws as read_pytorch_bin otherwise.
size_t check_pytorch_bin(const std::filesystem::path& path);

}  // namespace bertjit
