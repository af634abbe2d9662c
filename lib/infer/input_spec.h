// `--input NAME=SPEC`: a tensor from one word of a command line.
//
//   [[101, 7592, 102]]          a JSON literal, nested lists: integers make int64, any other number float32
//   rand:3x4x5  randn:3x4       uniform on [0, 1), normal; float32
//   ones:2x7  zeros:2x7         int64
//   randint(0,100):2x7          integers from 0 to 99; int64
//
// each with an optional `:dtype`, e.g. `ones:2x7:float32`, `[[1, 2]]:int32`.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/ATen.h>

#include "infer/signature.h"

namespace bertjit {

/// Makes the tensor. Random ones depend on `seed` alone: the numbers of torch.manual_seed(seed) in Python.
/// Throws Error(kInvalidArgument) naming `text` and what is wrong with it.
NamedTensor parse_input_spec(const std::string& text, uint64_t seed);

/// Tensor from nested JSON lists; ragged ones are refused. `name` stands in messages.
at::Tensor tensor_from_json(const std::string& json, const std::string& name);

/// "1x7", "8x128" -> {1, 7}, {8, 128}. Throws Error(kInvalidArgument).
std::vector<int64_t> parse_shape(const std::string& text);

}  // namespace bertjit
