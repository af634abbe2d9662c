// What a checkpoint says of how it generates: generation_config.json, or the fields of config.json that came before it.
//
// Reference: transformers 4.57.6 `GenerationMixin.generate(num_beams=1, do_sample=False)` (generation/utils.py), with
// its defaults and its order of precedence. What only matters to sampling and to beam search is not read: num_beams,
// temperature, length_penalty.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace bertjit {

struct GenerationRules {
  int64_t decoder_start_token_id = 0;
  std::vector<int64_t> eos_token_ids;  ///< any of them ends a row; none: rows have max_length
  int64_t pad_token_id = 0;            ///< what follows in a row that has ended before others
  int64_t max_length = 20;             ///< with the start token
  bool is_default_length = false;      ///< max_length is transformers' default of 20, which counts new tokens alone
  std::optional<int64_t> max_new_tokens;
  int64_t min_length = 0;
  std::optional<int64_t> min_new_tokens;
  std::vector<std::vector<int64_t>> bad_words_ids;  ///< the last token of each never follows the others of it
  std::vector<int64_t> suppress_tokens;             ///< never chosen
  std::optional<int64_t> forced_bos_token_id;       ///< always first after the start token
  std::vector<int64_t> forced_eos_token_ids;        ///< last where a row reaches max_length
};

/// Reads config.json and, where it is there, generation_config.json of `directory`.
///
/// generation_config.json alone counts, unless it says that it was derived from a config.json (_from_model_config)
/// which has settings of its own: then config.json does. Throws Error(kNotFound) without a config.json; Error(kCorrupt)
/// naming file and field; Error(kUnsupported) naming a setting that changes what greedy search chooses and is not
/// listed above (repetition_penalty, no_repeat_ngram_size, ...), or if nothing says what a decoder starts with.
GenerationRules read_generation_rules(const std::filesystem::path& directory);

}  // namespace bertjit
