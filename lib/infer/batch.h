// Making the inputs of a call from text, files, `--input` words, shapes, or nothing at all.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "infer/input_options.h"
#include "infer/signature.h"
#include "tokenize/tokenizer.h"

namespace bertjit {

/// The example of the Hugging Face TorchScript guide, used where nothing else is given.
inline constexpr const char* kGuideText = "Who was Jim Henson ?";
inline constexpr const char* kGuideTextPair = "Jim Henson was a puppeteer";
/// Its length with special tokens.
inline constexpr int64_t kGuideLength = 14;

/// The batch that `options` ask for.
///
/// Without any: the guide's sentence pair where `tokenizer` is not null, else ids made from options.seed, [1, 14],
/// or as long as options.pad_to says; arguments that are no ids are left to their defaults.
/// The random inputs of options.input are drawn in order from one generator with options.seed. A text makes one row:
/// one choice where the model takes several, and decoder_input_ids that hold the start token alone where it has a
/// decoder. Throws Error(kInvalidArgument) if options contradict one another, a text is given without a tokenizer,
/// mask_index is beyond the text, or a text is longer than pad_to; and what the readers throw.
Batch make_batch(const InputOptions& options, const Signature& signature, const Tokenizer* tokenizer);

/// Whether `options` say what to run on.
bool names_inputs(const InputOptions& options);

/// A file's entries as named tensors: .npz, .safetensors, or .json ({"input_ids": [[101, 102]]}). What numpy.savez
/// named arr_0, arr_1, … has no name and is in that order.
Batch read_batch(const std::filesystem::path& path);

/// The same for arguments of any type: what a .json file holds is read as input_spec.h says, by the types in
/// `signature`.
Batch read_batch(const std::filesystem::path& path, const Signature& signature);

/// Inputs of `shape` that exercise the model. The same for the same seed.
///
/// Ids and what goes with them, [batch, length], or [batch, choices, length] where the model takes choices: random ids,
/// two segments, and padding at the end of every second row. What is its decoder's is one token shorter, so that a
/// trace which takes one of the lengths for the other shows.
/// position_ids count from the example's first, without one from 0. Other arguments need `example`, inputs that the
/// model takes: a tensor with as many dimensions as `shape` has that shape and the example's dtype, floating ones
/// uniform on [0, 1), integers between the example's least and greatest; all else is the example's. Without an example
/// an argument that has a default is left to it.
///
/// Throws Error(kInvalidArgument) if the model takes other dimensions, or an argument's values cannot be guessed (no
/// known name, no limit).
Batch shape_batch(const std::vector<int64_t>& shape, const Signature& signature, uint64_t seed,
                  const BoundBatch* example = nullptr);

/// The further inputs of --check-inputs and --check-shapes, in that order, bound to `signature`. `example` as for
/// shape_batch. Throws what read_batch, parse_shape, shape_batch and bind_batch throw.
std::vector<BoundBatch> further_batches(const std::vector<std::string>& files, const std::vector<std::string>& shapes,
                                        const Signature& signature, uint64_t seed, const BoundBatch* example = nullptr);

}  // namespace bertjit
