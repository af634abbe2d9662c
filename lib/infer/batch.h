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

/// The batch that `options` ask for.
///
/// Without any: the guide's sentence pair where `tokenizer` is not null, else ids made from options.seed, [1, 14].
/// A text makes one row: one choice where the model takes several, and decoder_input_ids that hold the start token
/// alone where it has a decoder. Throws Error(kInvalidArgument) if options contradict one another, a text is given
/// without a tokenizer, mask_index is beyond the text, or a text is longer than pad_to; and what the readers throw.
Batch make_batch(const InputOptions& options, const Signature& signature, const Tokenizer* tokenizer);

/// A file's entries as named tensors: .npz, .safetensors, or .json ({"input_ids": [[101, 102]]}). What numpy.savez
/// named arr_0, arr_1, … has no name and is in that order.
Batch read_batch(const std::filesystem::path& path);

/// Inputs of `shape` ([batch, length], or [batch, choices, length] where the model takes choices) that exercise it:
/// random ids, two segments, and padding at the end of every second row. What is its decoder's is one token shorter,
/// so that a trace which takes one of the lengths for the other shows. The same for the same seed.
///
/// Throws Error(kInvalidArgument) if the model takes other dimensions, or the argument's values cannot be guessed (no
/// known name, no limit).
Batch shape_batch(const std::vector<int64_t>& shape, const Signature& signature, uint64_t seed);

/// The further inputs of --check-inputs and --check-shapes, in that order, bound to `signature`.
/// Throws what read_batch, parse_shape, shape_batch and bind_batch throw.
std::vector<BoundBatch> further_batches(const std::vector<std::string>& files, const std::vector<std::string>& shapes,
                                        const Signature& signature, uint64_t seed);

}  // namespace bertjit
