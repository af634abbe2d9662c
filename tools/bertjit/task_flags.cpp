#include "task_flags.h"

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "common_options.h"

namespace bertjit {

namespace {

constexpr int64_t kMostTokens = int64_t{1} << 16;
/// From Matthews' 1 to its -1.
constexpr double kGreatestDrop = 2;

/// CLI::Range lets NaN through.
std::string expect_drop(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool is_drop = !text.empty() && *end == '\0' && value >= 0 && value <= kGreatestDrop;
  return is_drop ? "" : "'" + text + "' is not a number from 0 to 2";
}

}  // namespace

void add_task_flags(CLI::App& command, TaskOptions& options, TaskLimits& limits, const std::string& padding) {
  CLI::Option* data = command.add_option(
      "--data", options.data, "Ask a task of GLUE: folder with dev.tsv, or with the task's folder; or a file");
  data->option_text("DIR")->check(refuse_empty);
  const auto add = [&](const char* flag, auto& field, const std::string& help, const std::string& value) {
    return command.add_option(flag, field, help)->option_text(value)->needs(data);
  };
  add("--task", options.task, "Which task", "NAME [mrpc]");
  add("--max-flips", limits.max_flips, "At most so many answers other than float32's", "N")
      ->check(CLI::NonNegativeNumber);
  add("--max-f1-drop", limits.max_metric_drop,
      "At most so much lower F1, as a fraction (0.005); of tasks without F1 their own: accuracy, Matthews, Pearson",
      "X")
      ->check(expect_drop);
  add("--split", options.split, "Which file", "train|dev [dev]")
      ->check(CLI::IsMember(std::vector<std::string>{"train", "dev"}));
  add("--limit", options.limit, "Take the first N rows", "N")->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  add("--max-seq-length", options.max_seq_length, "Tokens of a pair; longer ones are cut", "N [128]")
      ->check(CLI::Range(int64_t{1}, kMostTokens));
  add("--batch-size", options.batch_size, "Rows that run together", "N [8]")
      ->check(CLI::Range(int64_t{1}, kMostTokens));
  const std::map<std::string, EvalPadding> paddings = {{"max", EvalPadding::kMax}, {"longest", EvalPadding::kLongest}};
  add("--padding", options.padding, "To --max-seq-length, or to the longest of a batch; default: " + padding,
      "max|longest")
      ->transform(CLI::CheckedTransformer(paddings));
  add("--labels", options.labels, "Class of each output, in the model's order", "CLASS,...")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

}  // namespace bertjit
