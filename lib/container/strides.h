// Strided tensors to row-major ones: Fortran-ordered .npy files and transposed views in PyTorch checkpoints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace bertjit {

/// Strides are in elements, as PyTorch counts them, and never negative.
std::vector<int64_t> row_major_strides(const std::vector<int64_t>& shape);
/// First index fastest (numpy's order='F').
std::vector<int64_t> column_major_strides(const std::vector<int64_t>& shape);

/// Whether the elements already lie one after another in row-major order; strides of dimensions of size 1 mean nothing.
bool is_row_major(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides);

/// Elements from the first to the last that such a tensor touches, 0 if it is empty; nullopt if that does not fit in 63
/// bits or a stride is negative. A tensor lies within a storage of n elements if its offset plus this is at most n.
std::optional<int64_t> strided_extent(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides);

/// Hands the elements to `sink` in row-major order, copied through a buffer of up to 256 KiB. `bytes` begins with
/// element [0, …, 0] and holds at least strided_extent() elements of `element_size` bytes; what `sink` gets comes to
/// the product of `shape` times `element_size`, which the caller bounds.
void walk_row_major(std::span<const std::byte> bytes, size_t element_size, const std::vector<int64_t>& shape,
                    const std::vector<int64_t>& strides, const std::function<void(std::span<const std::byte>)>& sink);

/// All of them at once.
std::vector<std::byte> copy_row_major(std::span<const std::byte> bytes, size_t element_size,
                                      const std::vector<int64_t>& shape, const std::vector<int64_t>& strides);

}  // namespace bertjit
