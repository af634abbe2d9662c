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
/// Throws Error(kInvalidArgument) if options contradict one another, a text is given without a tokenizer, mask_index is
/// beyond the text, or a text is longer than pad_to; and what the readers throw.
Batch make_batch(const InputOptions& options, const Signature& signature, const Tokenizer* tokenizer);

/// A file's entries as named tensors: .npz, .safetensors, or .json ({"input_ids": [[101, 102]]}).
Batch read_batch(const std::filesystem::path& path);

/// Inputs of `shape` ([batch, length]) that exercise the model: random ids, two segments, and padding at the end of
/// every second row. The same for the same seed.
///
/// Throws Error(kInvalidArgument) if the argument's values cannot be guessed (no known name, no limit).
Batch shape_batch(const std::vector<int64_t>& shape, const Signature& signature, uint64_t seed);

/// The further inputs of --check-inputs and --check-shapes, in that order, bound to `signature`.
/// Throws what read_batch, parse_shape, shape_batch and bind_batch throw.
std::vector<BoundBatch> further_batches(const std::vector<std::string>& files, const std::vector<std::string>& shapes,
                                        const Signature& signature, uint64_t seed);

}  // namespace bertjit
