// Elements of any dtype as float64 numbers, in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "container/torchscript.h"

namespace bertjit {

enum class ElementForm {
  kBool,
  kUInt8,
  kInt8,
  kUInt16,
  kInt16,
  kUInt32,
  kInt32,
  kUInt64,
  kInt64,
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
  kOpaque,  ///< compared byte by byte only: float8, complex, 4-bit integers
};

/// By PyTorch's word: "float32"; "qint8" is kInt8, for instance. kOpaque for all that is not among them.
ElementForm element_kind(const std::string& dtype);

bool is_floating(ElementForm kind);

/// How the elements of one tensor become numbers. `quantization` is borrowed, and nullptr for plain tensors.
struct ElementReader {
  ElementForm kind = ElementForm::kOpaque;
  size_t size = 0;  ///< bytes of an element
  const ScriptQuantization* quantization = nullptr;
  int64_t channel_stride = 1;  ///< elements from one index of the quantization's axis to the next

  /// Fills `out` with elements from `first` on, out.size() of them. Integers above 2^53 are rounded;
  /// quantized ones are multiplied out.
  void read(std::span<const std::byte> bytes, int64_t first, std::span<double> out) const;
};

/// For a tensor of that dtype, shape and quantization, which must outlive the reader.
ElementReader make_element_reader(const std::string& dtype, size_t element_size, const std::vector<int64_t>& shape,
                                  const ScriptQuantization* quantization);

/// float32 rounded to the nearest float16, ties to even, and back: infinite from 65520 on.
float round_to_float16(float value);
/// The same for bfloat16.
float round_to_bfloat16(float value);

/// The index of the element at `position` of a row-major tensor.
std::vector<int64_t> index_at(int64_t position, const std::vector<int64_t>& shape);

}  // namespace bertjit
