// `bertjit bench`: how long models take.
#include "bench/bench.h"

#include <memory>

#include "commands.h"
#include "common_options.h"
#include "engine_loader.h"
#include "load_guard.h"
#include "number_list.h"
#include "report/bench_report.h"

namespace bertjit {

namespace {

constexpr const char* kDescription =
    R"(Measure how long models take, by batch size, length and threads, or on inputs that are given.

MODEL is a Hugging Face directory or config.json with --init random (run untraced), a TorchScript .pt, or
FILE.py:NAME (run operator by operator; what the file scripts or traces is run by TorchScript).
Inputs are ids at every --batch and --seq; those that are given; or without either those that a
torch.jit.trace(...) in the file has. Models take turns, run by run, so that a slow spell of the machine
meets all of them. The first three runs, in which TorchScript still rewrites its graph, are listed apart.)";

constexpr const char* kFooter = R"(Examples:
  bertjit bench traced_bert.pt
  bertjit bench ./bert-base-uncased traced_bert.pt --batch 1,8 --seq 32,128 --threads 1,4
  bertjit bench traced_bert.pt traced_bert_int8.pt --runs 50 --format json
  bertjit bench loop.py:fn loop.py:scripted_fn fn.pt --input 'x=rand:3x4x5'

Exit code: 0 measured, 2 could not.)";

struct BenchCommand {
  BenchOptions options;
  SourceOptions source;  ///< flags for those of `models` that are checkpoints
  std::vector<std::string> models;
  LoadGuard guard;
  OutputOptions output;
};

void run_bench(BenchCommand& command, Invocation& invocation) {
  for (const auto& model : command.models) {
    guard_load(model, command.guard);
    SourceOptions source = command.source;
    source.path = model;
    command.options.models.push_back(source);
  }
  const BenchResult result = engine().bench(command.options);
  if (command.output.format == Format::kJson) {
    print_json(to_json(result), invocation);
  } else {
    print_text(result, invocation.out);
  }
}

}  // namespace

void setup_bench(CLI::App& app, Invocation& invocation) {
  auto command = std::make_shared<BenchCommand>();
  CLI::App* bench = app.add_subcommand("bench", kDescription);
  bench->footer(kFooter);
  bench->add_option("MODEL", command->models, "Checkpoints, TorchScript files, FILE.py:NAME")
      ->required()
      ->option_text("...");
  add_number_list(*bench, "--batch", command->options.batch, "Batch sizes of made up inputs", "N,... [1]",
                  CLI::Range(1, 1 << 16));
  add_number_list(*bench, "--seq", command->options.seq, "Lengths of made up inputs", "N,... [128]",
                  CLI::Range(1, 1 << 16));
  add_number_list(*bench, "--threads", command->options.threads, "Threads inside one operator", "N,... [1]",
                  CLI::Range(1, 1024));
  bench->add_option("--runs", command->options.runs, "Runs that count, after the first three")
      ->option_text("N [10]")
      ->check(CLI::Range(1, 1000000));
  add_input_flags(*bench, command->options.inputs);
  add_source_flags(*bench, command->source);
  add_load_flags(*bench, command->guard);
  add_output_flags(*bench, command->output);
  bench->callback([command, &invocation] { run_bench(*command, invocation); });
}

}  // namespace bertjit
