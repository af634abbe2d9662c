// Tensors as Python prints them, so that output can be held beside what a notebook or a bug report shows.
//
// The rules are those of torch 2.13 with its default print options (precision 4, threshold 1000, edge items 3, line
// width 80), read in torch/_tensor_str.py. Quirks are kept: an element of a 1-d list is padded to a width that the
// suffix ", " is counted for even on the last one, and the first line is taken to be two characters longer than it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "container/tensors.h"

namespace bertjit {

/// One tensor to print. The bytes belong to the caller: row-major, without gaps, little-endian; they need not be
/// aligned.
struct PrintedTensor {
  DType dtype;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
  std::string grad_fn;         ///< name of the autograd node, e.g. "NativeLayerNormBackward0"; empty if none
  bool requires_grad = false;  ///< printed only where there is no grad_fn, as Python does
};

struct PrintedValue;

struct PrintedTuple {
  std::vector<PrintedValue> items;
};

struct PrintedList {
  std::vector<PrintedValue> items;
};

struct PrintedDict {
  std::vector<std::pair<std::string, PrintedValue>> items;  ///< keys as Python writes them: `'logits'`, `3`
};

/// A NamedTuple: `State(h=tensor([1.]), steps=3)`.
struct PrintedNamedTuple {
  std::string name;
  std::vector<std::pair<std::string, PrintedValue>> fields;
};

/// What a model returned: a tensor, or tensors nested in tuples, lists and dicts. A string stands for any other value
/// and holds its Python form: `None`, `True`, `0.5`.
struct PrintedValue {
  std::variant<PrintedTensor, std::string, PrintedTuple, PrintedList, PrintedDict, PrintedNamedTuple> value;
};

/// `repr(tensor)`: "tensor([[1., 2.]], grad_fn=<AddmmBackward0>)", without a line end.
///
/// Above 1000 elements only the three at each end of every dimension are shown and read, so the time does not grow
/// with the tensor. Throws Error(kInvalidArgument) if a size is negative or `bytes` is not shape times element size.
std::string tensor_text(const PrintedTensor& tensor);

/// `repr(value)`: "(tensor([1.]), None)", "(tensor([1.]),)", "{'logits': tensor([1.])}", without a line end.
///
/// As in Python, a tensor inside a tuple is not indented further. Throws as tensor_text does.
std::string value_text(const PrintedValue& value);

}  // namespace bertjit
