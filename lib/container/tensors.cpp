#include "container/tensors.h"

#include <algorithm>
#include <limits>

#include "container/bytes.h"
#include "support/error.h"

namespace bertjit {

size_t dtype_size(DType dtype) {
  switch (dtype) {
    case DType::kBool:
    case DType::kUInt8:
    case DType::kInt8:
      return 1;
    case DType::kInt16:
    case DType::kFloat16:
    case DType::kBFloat16:
      return 2;
    case DType::kInt32:
    case DType::kFloat32:
      return 4;
    case DType::kInt64:
    case DType::kFloat64:
      return 8;
  }
  throw Error(ErrorKind::kInvalidArgument, "dtype " + std::to_string(static_cast<int>(dtype)) + " does not exist");
}

const char* dtype_name(DType dtype) {
  switch (dtype) {
    case DType::kBool:
      return "bool";
    case DType::kUInt8:
      return "uint8";
    case DType::kInt8:
      return "int8";
    case DType::kInt16:
      return "int16";
    case DType::kInt32:
      return "int32";
    case DType::kInt64:
      return "int64";
    case DType::kFloat16:
      return "float16";
    case DType::kBFloat16:
      return "bfloat16";
    case DType::kFloat32:
      return "float32";
    case DType::kFloat64:
      return "float64";
  }
  throw Error(ErrorKind::kInvalidArgument, "dtype " + std::to_string(static_cast<int>(dtype)) + " does not exist");
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (const int64_t size : shape) {
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  }
  return text + "]";
}

std::optional<uint64_t> tensor_size_bytes(DType dtype, const std::vector<int64_t>& shape) {
  auto product = static_cast<int64_t>(dtype_size(dtype));
  bool empty = false;
  for (const int64_t size : shape) {
    if (size < 0 || (size > 0 && __builtin_mul_overflow(product, size, &product))) {
      return std::nullopt;
    }
    empty = empty || size == 0;
  }
  return empty ? 0 : static_cast<uint64_t>(product);
}

void check_view(const TensorView& tensor) {
  if (tensor_size_bytes(tensor.dtype, tensor.shape) != tensor.bytes.size()) {
    throw Error(ErrorKind::kInvalidArgument, "tensor " + in_quotes(tensor.name) + " has " +
                                                 std::to_string(tensor.bytes.size()) + " bytes, not those of " +
                                                 shape_text(tensor.shape) + " of " + dtype_name(tensor.dtype));
  }
}

const TensorView* TensorFile::find(const std::string& name) const {
  const auto found = std::ranges::lower_bound(tensors, name, {}, &TensorView::name);
  return found != tensors.end() && found->name == name ? &*found : nullptr;
}

void refuse_git_lfs_pointer(const std::filesystem::path& path, std::string_view text) {
  if (text.starts_with("version https://git-lfs.github.com/")) {
    throw Error(ErrorKind::kNotFound,
                path.string() + ": is a Git LFS pointer, not the weights themselves; fetch them with 'git lfs pull'");
  }
}

void sort_by_name(TensorFile& file) {
  std::ranges::sort(file.tensors, {}, &TensorView::name);
  const auto twice = std::ranges::adjacent_find(file.tensors, {}, &TensorView::name);
  if (twice != file.tensors.end()) {
    throw Error(ErrorKind::kCorrupt, file.path.string() + ": tensor " + in_quotes(twice->name) + " occurs twice");
  }
}

}  // namespace bertjit
