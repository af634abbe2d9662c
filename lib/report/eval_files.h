// Files that `bertjit eval` writes beside what it prints.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "evaluate/evaluate_result.h"

namespace bertjit {

/// eval_results.txt of one model as the tutorial on quantizing BERT writes it: a line for each metric, "f1 = 0.857…",
/// sorted by name, numbers as Python prints them. Empty without labels.
std::string eval_results_text(const EvalResult& result, size_t model);

/// Throws Error(kInvalidArgument) unless the name ends in .npz or .json.
void check_logits_name(const std::filesystem::path& path);

/// Every logit, by the file's extension.
///
/// .npz: `logits` [rows, outputs], and `labels` or `scores`, `lines`; of several models `logits.0`, `logits.1`, …; of
/// MNLI's two files each with "mnli." or "mnli-mm." before it. float32 where that holds them exactly, else float64.
/// .json: schema "bertjit.eval-logits/1".
void write_logits(const std::filesystem::path& path, const EvalResult& result);

}  // namespace bertjit
