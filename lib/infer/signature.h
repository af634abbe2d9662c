// The arguments a runner takes, and binding a batch to them by name.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "infer/bound_input.h"
#include "models/model.h"

namespace bertjit {

/// One argument of forward: what is known of its values, and what type they have.
struct Argument : ModelInput {
  Argument() : ModelInput{"", InputDefault::kRequired, 0, 0} {}
  Argument(ModelInput input, c10::TypePtr argument_type = c10::TensorType::get(),
           std::optional<c10::IValue> value = std::nullopt)
      : ModelInput(std::move(input)), type(std::move(argument_type)), default_value(std::move(value)) {}
  Argument(std::string argument_name, InputDefault missing_one, int64_t value_limit, int64_t dimensions = 2,
           InputSequence its_sequence = InputSequence::kMain)
      : ModelInput{std::move(argument_name), missing_one, value_limit, dimensions, its_sequence} {}
  /// One of which nothing is known but its type.
  Argument(std::string argument_name, c10::TypePtr argument_type, std::optional<c10::IValue> value = std::nullopt)
      : Argument(ModelInput{std::move(argument_name), InputDefault::kRequired, 0, 0}, std::move(argument_type),
                 std::move(value)) {}

  /// What TorchScript says it is; nullptr: not annotated, anything goes.
  c10::TypePtr type = c10::TensorType::get();
  std::optional<c10::IValue> default_value;
};

/// Arguments of forward in call order, and what is known of their values.
struct Signature {
  std::string owner;  ///< file or folder, for messages
  std::vector<Argument> inputs;
  int64_t max_positions = 0;  ///< longest sequence; 0 if not known
  /// What decoder_input_ids begin with; absent if not known, or where there are none.
  std::optional<int64_t> decoder_start_token_id = std::nullopt;
};

/// One value for an argument; without a name it binds in order.
struct NamedInput {
  std::string name;
  c10::IValue value;
};

/// Inputs for one call, and where they come from ("--text", "inputs.npz", "shape 8x128").
struct Batch {
  std::string origin;
  std::vector<NamedInput> values;
};

/// A batch in call order, with the missing optional arguments made.
struct BoundBatch {
  std::string origin;
  std::vector<c10::IValue> values;  ///< one for each argument
  /// How each was bound: "given", "given, in order", "made of ones", "made of zeros", "default".
  std::vector<std::string> sources;

  /// The value of argument `i`, which must be a tensor. Throws Error(kInvalidArgument) if it is not.
  const at::Tensor& tensor(size_t i) const;
  /// All of them, which must be tensors.
  std::vector<at::Tensor> tensors() const;
  /// With tensors, lists and dicts of its own: for a program that changes its inputs in place.
  BoundBatch copy() const;
};

/// Puts `batch` in call order. A tensor without a name binds to the argument after the one before it, unless that would
/// be a guess between attention_mask and token_type_ids.
///
/// A missing argument takes its default value; of a network's, ones or zeros as long as its ids. A value is fitted to
/// the argument's type as conform() does. Shapes are asked of sequences alone: of a network's arguments, or of a module
/// that has positions and calls the argument by a usual name.
///
/// Throws Error(kInvalidArgument), naming argument, value and limit: for an unknown or doubly given name (the known
/// ones are listed), a required one that is missing, a value of another type, one that is not an integer tensor where
/// ids are meant, ids beyond the limit, a sequence longer than max_positions, shapes that differ between sequences, or
/// a nameless tensor that could be mask or segments.
BoundBatch bind_batch(const Batch& batch, const Signature& signature);

/// A bound batch in plain data, for results: one row a tensor or other value, however nested.
std::vector<BoundInput> describe_inputs(const BoundBatch& batch, const Signature& signature);

}  // namespace bertjit
