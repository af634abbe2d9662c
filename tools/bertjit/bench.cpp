// `bertjit bench`: how long models take.
#include "bench/bench.h"

#include <iostream>
#include <memory>

#include "commands.h"
#include "common_options.h"
#include "engine_loader.h"
#include "isolation.h"
#include "load_guard.h"
#include "number_list.h"
#include "report/bench_report.h"
#include "report/bench_svg.h"
#include "report/command_line.h"
#include "report_files.h"
#include "support/error.h"
#include "support/file.h"
#include "support/words.h"

namespace bertjit {

namespace {

constexpr const char* kDescription =
    R"(Measure how long models take, and what memory, by batch size, length and threads, or on inputs that are given.

MODEL is a Hugging Face directory or config.json with --init random (run untraced), a TorchScript .pt, or
FILE.py:NAME (run operator by operator; what the file scripts or traces is run by TorchScript).
Inputs are ids at every --batch and --seq; those that are given; or without either those that a
torch.jit.trace(...) in the file has. Runs 1, 2 and 3 of every row, in which TorchScript still rewrites its
graph, come first and are listed apart. Then models take turns, run by run, so that a slow spell of the
machine meets all of them; speed is the first model's time over a model's own in the same turn. A percentile
is shown where at least one run lies beyond it: p90 from 10 runs, p95 from 20, p99 from 100. Spread is that
of the middle half of the runs.

With --texts or --data: how long these texts are in tokens, what share of the work is padding when they are
padded to the greatest --seq or to the longest text of each batch, and the time that costs.)";

constexpr const char* kFooter = R"(Examples:
  bertjit bench traced_bert.pt
  bertjit bench ./bert-base-uncased traced_bert.pt --batch 1,8 --seq 32,128 --threads 1,4 --svg latency.svg
  bertjit bench traced_bert.pt traced_bert_int8.pt --duration 10 --json bench.json
  bertjit bench traced_bert.pt --tokenizer ./bert-base-uncased --texts questions.txt --batch 8,32
  bertjit bench loop.py:fn loop.py:scripted_fn fn.pt --input 'x=rand:3x4x5'

Exit code: 0 measured, 2 could not.)";

struct BenchCommand {
  BenchOptions options;
  SourceOptions source;  ///< flags for all of `models`, most of them for checkpoints
  std::vector<std::string> models;
  std::string json;
  std::string svg;
  bool verbose = false;
  OutputOptions output;
};

/// Found before the long measurement, not after it.
void refuse_bad_targets(const BenchCommand& command) {
  std::vector<std::string> inputs = command.models;
  inputs.push_back(command.options.inputs.inputs);
  inputs.push_back(command.options.texts.file);
  inputs.push_back(command.options.texts.data);
  for (const std::string& model : command.models) {
    inputs.push_back(model.substr(0, model.rfind(':')));  // of FILE.py:NAME
  }
  if (is_same_file(command.json, command.svg)) {
    throw Error(ErrorKind::kInvalidArgument, "--json and --svg both name " + command.svg);
  }
  refuse_bad_target("--json", command.json, inputs);
  refuse_bad_target("--svg", command.svg, inputs);
}

BenchResult bench_with_bar(BenchCommand& command, Invocation& invocation) {
  const bool to_terminal = &invocation.err == &std::cerr && progress_wanted();
  Progress progress(invocation.err, {.shown = to_terminal && !command.output.quiet, .unit = "runs"});
  command.options.progress = &progress;
  return engine().bench(command.options);
}

void tell(const BenchResult& result, std::ostream& err) {
  for (const BenchModel& model : result.models) {
    for (const std::string& note : model.notes) {
      err << "bertjit bench: " << note << "\n";
    }
  }
  for (const std::string& note : result.notes) {
    err << "bertjit bench: " << note << "\n";
  }
}

void write_files(const BenchCommand& command, const BenchResult& result, const Invocation& invocation) {
  if (!command.json.empty()) {
    write_file_atomically(command.json, to_json(result).dump(2) + "\n");
  }
  if (!command.svg.empty()) {
    write_file_atomically(command.svg, bench_svg(result, command_line(invocation.arguments)));
  }
}

void run_bench(BenchCommand& command, Invocation& invocation) {
  refuse_bad_targets(command);
  for (const auto& model : command.models) {
    guard_load(model, command.source.guard);
    SourceOptions source = command.source;
    source.path = model;
    command.options.models.push_back(source);
  }
  const BenchResult result = bench_with_bar(command, invocation);
  if (!command.output.quiet) {
    tell(result, invocation.err);
  }
  if (command.output.format == Format::kJson) {
    print_json(to_json(result), invocation);
  } else {
    print_text(result, command.verbose ? BenchDetail::kVerbose : BenchDetail::kUsual, invocation.out);
  }
  write_files(command, result, invocation);
}

void add_run_flags(CLI::App& command, BenchOptions& options) {
  add_number_list(command, "--batch", options.batch, "Batch sizes of made up inputs", "N,... [1]",
                  CLI::Range(1, 1 << 16));
  add_number_list(command, "--seq", options.seq, "Lengths of made up inputs; with texts [16,32,64,128]", "N,... [128]",
                  CLI::Range(1, 1 << 16));
  add_number_list(command, "--threads", options.threads, "Threads inside one operator; 0: one per core", "N,... [1]",
                  CLI::Range(0, 1024));
  command
      .add_option("--runs", options.runs,
                  "Runs that count, at least; without it and --duration as many more as a second allows")
      ->option_text("N [10]")
      ->check(CLI::Range(1, 1000000));
  command
      .add_option("--duration", options.duration_s,
                  "Measure each shape and number of threads for at least so long, all models together")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.0, 1e6));
  command.add_option("--engine", options.engine, "What runs int8 layers; without it the fastest for this CPU")
      ->option_text("x86|fbgemm|onednn|qnnpack")
      ->check(refuse_empty);
  command.add_option("--warmup", options.warmup, "Runs that do not count, after the first three")
      ->option_text("N [0]")
      ->check(CLI::Range(0, 1000000));
}

void add_text_flags(CLI::App& command, BenchTextOptions& options) {
  command.add_option("--texts", options.file, "Texts to look at for padding, one a line; a tab splits a pair")
      ->option_text("FILE")
      ->check(refuse_empty);
  CLI::Option* data =
      command.add_option("--data", options.data, "The same of a task of GLUE: folder with dev.tsv, or one file");
  data->option_text("DIR")->check(refuse_empty);
  command.add_option("--task", options.task, "Which task of GLUE")->option_text("NAME [mrpc]")->needs(data);
  command.add_option("--split", options.split, "Which file of --data")
      ->option_text("train|dev|test [dev]")
      ->check(CLI::IsMember(std::vector<std::string>{"train", "dev", "test"}))
      ->needs(data);
}

}  // namespace

void setup_bench(CLI::App& app, Invocation& invocation) {
  auto command = std::make_shared<BenchCommand>();
  CLI::App* bench = app.add_subcommand("bench", kDescription);
  bench->footer(kFooter);
  bench->add_option("MODEL", command->models, "Checkpoints, TorchScript files, FILE.py:NAME")
      ->required()
      ->option_text("...");
  add_run_flags(*bench, command->options);
  add_text_flags(*bench, command->options.texts);
  bench->add_option("--json", command->json, "Also write the document of --format json to a file")
      ->option_text("FILE")
      ->check(refuse_empty);
  bench->add_option("--svg", command->svg, "Also write a plot: latency by length, a panel for each batch and threads")
      ->option_text("FILE")
      ->check(refuse_empty);
  add_input_flags(*bench, command->options.inputs);
  add_source_flags(*bench, command->source);
  add_load_flags(*bench, command->source.guard);
  bench->add_flag("--verbose", command->verbose, "Also print what libtorch says of its threads and libraries");
  add_isolation_flags(*bench, invocation);
  add_output_flags(*bench, command->output);
  bench->callback([command, &invocation] {
    run_isolated(invocation, joined(command->models), [&] { run_bench(*command, invocation); });
  });
}

}  // namespace bertjit
