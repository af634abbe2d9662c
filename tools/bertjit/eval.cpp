// `bertjit eval`: how well models answer a task of GLUE.
#include "evaluate/evaluate.h"

#include <filesystem>
#include <iostream>
#include <memory>
#include <set>

#include "choice_flag.h"
#include "commands.h"
#include "common_options.h"
#include "engine_loader.h"
#include "isolation.h"
#include "load_guard.h"
#include "number_list.h"
#include "report/eval_files.h"
#include "report/eval_report.h"
#include "support/error.h"
#include "support/file.h"
#include "support/words.h"
#include "zoo.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

constexpr const char* kDescription =
    R"(Evaluate models on a task of GLUE, side by side: accuracy, F1, size, time, changed answers.

MODEL is a Hugging Face directory (run untraced), a TorchScript .pt, or FILE.py:NAME. The files of --data are
GLUE's own .tsv, with a byte-order mark, quotes that are no quotes and CRLF as they are. Pairs are tokenized by
the checkpoint's tokenizer; a TorchScript file takes that of the first checkpoint named, or --tokenizer.
Each model runs over all rows once for each number of --threads; the seconds are of that whole loop.

--padding longest sorts pairs by length and pads each batch to its longest: the same answers, less work.
Which output stands for which class is what config.json's id2label says, else GLUE's order (for RoBERTa on MNLI
its own), else --labels.)";

constexpr const char* kResultsFile = "eval_results.txt";

constexpr const char* kFooter = R"(Examples:
  bertjit eval ./minilm-mrpc --task mrpc --data ./glue_data/MRPC
  bertjit eval ./minilm-mrpc traced.pt traced_int8.pt --data ./glue_data --threads 1,4 --padding longest
  bertjit eval traced.pt --tokenizer ./minilm-mrpc --data dev.tsv --logits logits.npz --results out
  bertjit eval ./roberta-mnli --task mnli --data ./glue_data --labels contradiction,neutral,entailment
  bertjit eval ./minilm-mrpc --data ./glue_data --split test --logits answers.json
  bertjit eval --list models.jsonl --data ./glue_data --jobs 4 --output scores.jsonl

Tasks: cola, sst-2, mrpc, sts-b, qqp, mnli (both of its files), qnli, rte, wnli.
Exit code: 0 evaluated, 2 could not, or could not all of --list.)";

struct EvalCommand {
  EvalOptions options;
  SourceOptions source;  ///< flags for all of `models`, most of them for checkpoints
  std::vector<std::string> models;
  std::string logits;
  std::string results;
  OutputOptions output;
  ZooFlags zoo;
};

/// Folders for eval_results.txt: of one model `results` itself, of several a folder in it for each.
std::vector<fs::path> result_folders(const EvalCommand& command) {
  std::vector<fs::path> folders;
  std::set<fs::path> names;
  for (const std::string& model : command.models) {
    const fs::path path = fs::path(model).lexically_normal();
    const fs::path name = path.has_filename() ? path.stem() : path.parent_path().filename();
    folders.push_back(command.models.size() == 1 ? fs::path(command.results) : fs::path(command.results) / name);
    if (!names.insert(folders.back()).second) {
      throw Error(ErrorKind::kInvalidArgument, "--results: two models would write " +
                                                   (folders.back() / kResultsFile).string() +
                                                   "; evaluate them one by one");
    }
  }
  return folders;
}

/// Before the work begins: a folder that cannot be written to is no news for its end.
void refuse_bad_names(const EvalCommand& command) {
  if (!command.logits.empty()) {
    check_logits_name(command.logits);
    const AtomicFile probe(command.logits);
  }
  if (command.results.empty()) {
    return;
  }
  if (command.options.split == "test") {
    throw Error(ErrorKind::kInvalidArgument, "--results: the split test has no labels, so there are no figures");
  }
  for (const fs::path& folder : result_folders(command)) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) {
      throw system_error("cannot create " + folder.string(), error.value());
    }
    const AtomicFile probe(folder / kResultsFile);
  }
}

void write_results(const EvalCommand& command, const EvalResult& result) {
  if (!command.logits.empty()) {
    write_logits(command.logits, result);
  }
  if (command.results.empty()) {
    return;
  }
  const std::vector<fs::path> folders = result_folders(command);
  for (size_t i = 0; i < folders.size(); ++i) {
    write_file_atomically(folders[i] / kResultsFile, eval_results_text(result, i));
  }
}

void tell(const EvalResult& result, std::ostream& err) {
  for (const EvalModel& model : result.models) {
    if (!model.labels.empty()) {
      err << "bertjit eval: " << model.name << ": outputs are " << joined(model.labels) << " (" << model.labels_from
          << ")\n";
    }
    for (const std::string& note : model.notes) {
      err << "bertjit eval: " << note << "\n";
    }
  }
  for (const EvalData& data : result.data) {
    for (const std::string& note : data.notes) {
      err << "bertjit eval: " << note << "\n";
    }
  }
}

EvalResult evaluate_with_bar(EvalCommand& command, Invocation& invocation) {
  const bool to_terminal = &invocation.err == &std::cerr && progress_wanted();
  Progress progress(invocation.err, {.shown = to_terminal && !command.output.quiet, .unit = "rows"});
  command.options.progress = &progress;
  return engine().evaluate(command.options);
}

void run_eval(EvalCommand& command, const std::vector<CLI::Option*>& source_flags, Invocation& invocation) {
  for (const auto& model : command.models) {
    guard_load(model, command.source.guard);
    SourceOptions source = command.source;
    source.path = model;
    command.options.models.push_back(source);
    if (command.models.size() == 1) {
      refuse_source_flags(model, source_flags);
    }
  }
  refuse_bad_names(command);
  const EvalResult result = evaluate_with_bar(command, invocation);
  if (!command.output.quiet) {
    tell(result, invocation.err);
  }
  if (command.output.format == Format::kJson) {
    print_json(to_json(result), invocation);
  } else {
    print_text(result, invocation.out);
  }
  write_results(command, result);
}

void add_data_flags(CLI::App& command, EvalOptions& options) {
  command.add_option("--task", options.task, "Task of GLUE")->option_text("NAME [mrpc]");
  command
      .add_option("--data", options.data,
                  "Folder with dev.tsv, or with the task's folder in it, such as MRPC; or one file")
      ->option_text("DIR")
      ->check(refuse_empty);
  command.add_option("--split", options.split, "Which file; test may be without labels")
      ->option_text("train|dev|test [dev]")
      ->check(CLI::IsMember(std::vector<std::string>{"train", "dev", "test"}));
  command.add_option("--limit", options.limit, "Take the first N rows")
      ->option_text("N")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  command.add_option("--tokenizer", options.tokenizer, "Folder of another tokenizer, for all models")
      ->option_text("DIR");
  command.add_option("--labels", options.labels, "Class of each output, in the model's order")
      ->option_text("CLASS,...")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

}  // namespace

void setup_eval(CLI::App& app, Invocation& invocation) {
  auto command = std::make_shared<EvalCommand>();
  EvalOptions& options = command->options;
  CLI::App* eval = app.add_subcommand("eval", kDescription);
  eval->footer(kFooter);
  CLI::Option* models =
      eval->add_option("MODEL", command->models, "Checkpoints, TorchScript files, FILE.py:NAME")->option_text("...");
  add_data_flags(*eval, options);
  eval->add_option("--max-seq-length", options.max_seq_length, "Tokens of a pair; longer ones are cut")
      ->option_text("N [128]")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 16));
  eval->add_option("--batch-size", options.batch_size, "Rows that run together")
      ->option_text("N [8]")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 16));
  add_choice<EvalPadding>(*eval, "--padding", options.padding,
                          {{"max", EvalPadding::kMax}, {"longest", EvalPadding::kLongest}},
                          "Pad all to --max-seq-length, or sort by length and pad to the longest of a batch");
  add_number_list(*eval, "--threads", options.threads, "Threads inside one operator; 0: one per core; a pass for each",
                  "N,... [1]", CLI::Range(0, 1024));
  eval->add_option("--engine", options.engine, "What runs int8 layers; without it the fastest for this CPU")
      ->option_text("x86|fbgemm|onednn|qnnpack")
      ->check(refuse_empty);
  eval->add_option("--logits", command->logits, "Also write every output: .npz or .json")
      ->option_text("FILE")
      ->check(refuse_empty);
  eval->add_option("--results", command->results,
                   "Also write DIR/eval_results.txt; of several models DIR/NAME/eval_results.txt")
      ->option_text("DIR")
      ->check(refuse_empty);
  add_seed_flag(*eval, options.seed, "Seed of random weights");
  const auto source_flags = add_source_flags(*eval, command->source);
  add_load_flags(*eval, command->source.guard);
  add_zoo_flags(*eval, models, command->zoo);
  add_isolation_flags(*eval, invocation);
  add_output_flags(*eval, command->output);
  eval->callback([command, eval, models, source_flags, &invocation] {
    require_operand_or_list(*models, command->zoo);
    if (!command->zoo.list.empty()) {
      run_zoo(command->zoo, *eval, job_form(*eval, "models", true), command->output, {}, invocation);
      return;
    }
    if (command->options.data.empty()) {
      throw CLI::RequiredError("--data");
    }
    run_isolated(invocation, joined(command->models), [&] { run_eval(*command, source_flags, invocation); });
  });
}

}  // namespace bertjit
