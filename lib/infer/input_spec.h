// `--input NAME=SPEC`: a value from one word of a command line.
//
//   [[101, 7592, 102]]          a JSON literal, nested lists: integers make int64, true and false bool, other numbers
//                               float32
//   rand:3x4x5  randn:3x4       uniform on [0, 1), normal; float32
//   ones:2x7  zeros:2x7         int64
//   randint(0,100):2x7          integers from 0 to 99; int64
//   3  0.5  true  null  "text"  numbers and words; Python's True, False, None, inf, nan and 'text' too
//   [SPEC, …]  (SPEC, …)  {"k": SPEC, …}    lists, tuples and dicts of these
//
// Tensors take an optional `:dtype`, e.g. `ones:2x7:float32`, `[[1, 2]]:int32`; `rand:` has no dimensions.
//
// What a SPEC means depends on the type that the argument is declared with: `12` is an int for an int and a tensor
// without dimensions for a Tensor. Where nothing is declared, numbers and lists of numbers are tensors, as everything
// that torch.jit.trace takes is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "infer/signature.h"

namespace bertjit {

/// "NAME=SPEC" taken apart; the name is empty where there is none.
struct InputSpec {
  std::string name;
  std::string spec;
};
InputSpec split_input_spec(const std::string& text);

/// The value that `spec` is for an argument of `type` (null: not declared). Random tensors are drawn from `generator`
/// in the order of the text: seeded alike, they are the numbers of torch.rand(…) after torch.manual_seed(…) in Python.
/// For a str, what does not start with a quote is taken as it stands.
///
/// Throws Error(kInvalidArgument) naming `text`, the whole word, and what is wrong with it.
c10::IValue parse_input_spec(const std::string& spec, const c10::TypePtr& type, at::Generator& generator,
                             const std::string& text);

/// The same for a JSON value of a file; `name` stands in messages.
c10::IValue value_from_json(const nlohmann::json& json, const c10::TypePtr& type, const std::string& name);

/// "1x7", "8x128" -> {1, 7}, {8, 128}. Throws Error(kInvalidArgument).
std::vector<int64_t> parse_shape(const std::string& text);

}  // namespace bertjit
