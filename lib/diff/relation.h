// What one tensor is to another where that has a name: rounded, transposed, its rows in another order.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "diff/contents.h"
#include "diff/diff_result.h"

namespace bertjit {

/// A tensor with its elements at hand.
struct LoadedTensor {
  const ContentsTensor& tensor;
  ElementReader reader;
  std::span<const std::byte> bytes;
};

/// Fills `relation`, `relation_text` and `flipped_bits` of `tensor`, whose statistics are there where they can be.
/// Looks for exact relations first; for what is none of them, at how few elements or rows differ.
void describe_relation(const LoadedTensor& a, const LoadedTensor& b, DiffTensor& tensor);

}  // namespace bertjit
