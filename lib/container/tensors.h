// Named tensors as bytes: what safetensors, .npz and pytorch_model.bin files hold, before any of them is a libtorch
// tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bertjit {

enum class DType {
  kBool,
  kUInt8,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
};

/// Bytes of one element.
size_t dtype_size(DType dtype);
/// PyTorch's word without "torch.": "float32", "bool".
const char* dtype_name(DType dtype);

/// "[2, 3]", "[]".
std::string shape_text(const std::vector<int64_t>& shape);
/// Bytes of a tensor of that shape, nullopt if a dimension is negative or the product (of the dimensions that are not
/// 0) does not fit in 63 bits.
std::optional<uint64_t> tensor_size_bytes(DType dtype, const std::vector<int64_t>& shape);

/// One tensor whose bytes belong to somebody else: row-major, without gaps, little-endian.
/// `bytes.size()` is always the product of `shape` times dtype_size. They need not be aligned.
struct TensorView {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  std::span<std::byte> bytes;
  /// Keeps `bytes` alive: the mapping they lie in, which views share. nullptr if the maker of the view does.
  std::shared_ptr<void> storage = nullptr;
};

/// Throws Error(kInvalidArgument) if the view's bytes are not as many as its dtype and shape need.
void check_view(const TensorView& tensor);

/// The tensors of one file, or of the several that an index lists, sorted by name. Each keeps its own bytes alive.
struct TensorFile {
  std::filesystem::path path;
  std::vector<TensorView> tensors;
  std::map<std::string, std::string> metadata;  ///< safetensors' __metadata__; empty for other formats
  /// What the file holds and the reader passed over, or chose, in words; they begin with the path.
  std::vector<std::string> notes;

  /// nullptr if there is none of that name. Relies on `tensors` being sorted.
  const TensorView* find(const std::string& name) const;
};

/// Puts `tensors` in the order TensorFile promises. Throws Error(kCorrupt) that starts with the path if a name occurs
/// twice.
void sort_by_name(TensorFile& file);

/// Throws Error(kNotFound) if the file's `text` is what Git leaves where LFS has not fetched the file itself, the most
/// common reason for weights that are no weights.
void refuse_git_lfs_pointer(const std::filesystem::path& path, std::string_view text);

/// One tensor that owns its bytes; the same layout as TensorView.
struct Array {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;
};

}  // namespace bertjit
