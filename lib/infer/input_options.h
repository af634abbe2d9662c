// What a model is run on, in plain data: the flags every command that runs a model has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bertjit {

struct InputOptions {
  /// A text for the checkpoint's tokenizer. One that starts with its [CLS] is taken as it stands: nothing is put around
  /// it, and segment 1 begins after the first [SEP].
  std::string text;
  std::string text_pair;
  /// Position of a token that becomes [MASK], counted from 0 with the special tokens.
  std::optional<int64_t> mask_index;
  /// Folder whose tokenizer is used in place of the checkpoint's.
  std::string tokenizer;
  /// Length up to which a text is padded; of ids that are made up, how many.
  std::optional<int64_t> pad_to;
  /// .npz, .safetensors or .json file; entries named as the arguments.
  std::string inputs;
  /// `NAME=SPEC` or `SPEC`, in order; see input_spec.h.
  std::vector<std::string> input;
  /// Of random inputs.
  uint64_t seed = 0;
};

}  // namespace bertjit
