// `bertjit run`: a model on some inputs.
#include "run/run.h"

#include <memory>

#include "commands.h"
#include "common_options.h"
#include "engine_loader.h"
#include "isolation.h"
#include "load_guard.h"
#include "report/run_report.h"
#include "report/source_report.h"

namespace bertjit {

namespace {

constexpr const char* kDescription = R"(Run a checkpoint or a TorchScript file and print its outputs as Python does.

MODEL is a Hugging Face directory (run untraced), a config.json with --init random, a TorchScript .pt, or
FILE.py:NAME (a function or module of a Python file).
Inputs bind to the arguments of forward by name; how they were bound is said on standard error.)";

constexpr const char* kFooter = R"(Examples:
  bertjit run traced_bert.pt --tokenizer ./bert-base-uncased --text "Who was Jim Henson ?"
  bertjit run traced_bert.pt --input 'input_ids=[[101, 2040, 2001, 102]]' --grad off
  bertjit run ./bert-base-uncased --inputs batch.npz --output outputs.npz --quiet
  bertjit run ./opus-mt-en-de --text "The weather is fine." --generate
  bertjit run traced_bert.pt --input input_ids='randint(0,30522):2x7' --seed 1 --format json
  bertjit run model.pt --input 'xs=[rand:3x4,rand:2x4]' --input scale=0.5 --executor eager
  bertjit run loop.py:loop_in_traced_fn --input rand:3

Exit code: 0 ran, 2 could not.)";

struct RunCommand {
  RunOptions options;
  OutputOptions output;
};

Executor executor_of(const std::string& word) {
  for (const Executor executor : {Executor::kEager, Executor::kSimple, Executor::kProfiling}) {
    if (word == executor_name(executor)) {
      return executor;
    }
  }
  throw CLI::ValidationError("--executor", "'" + word + "' is not one of eager|simple|profiling");
}

void run_run(const RunCommand& command, Invocation& invocation) {
  guard_load(command.options.source.path, command.options.source.guard);
  const RunResult result = engine().run(command.options);
  if (!command.output.quiet) {
    if (result.choice) {
      print_choice("bertjit run", *result.choice, invocation.err);
    }
    print_binding(result, invocation.err);
  }
  if (command.output.format == Format::kJson) {
    print_json(to_json(result), invocation);
  } else {
    print_text(result, invocation.out);
  }
}

}  // namespace

void setup_run(CLI::App& app, Invocation& invocation) {
  auto command = std::make_shared<RunCommand>();
  RunOptions& options = command->options;
  CLI::App* run = app.add_subcommand("run", kDescription);
  run->footer(kFooter);
  run->add_option("MODEL", options.source.path, "Checkpoint, TorchScript file or FILE.py:NAME")
      ->required()
      ->option_text(" ");
  const auto source_flags = add_source_flags(*run, options.source);
  add_input_flags(*run, options.inputs);
  add_grad_flag(*run, options.grad, {GradMode::kOn, GradMode::kOff, GradMode::kInference});
  run->add_option_function<std::string>(
         "--executor", [&options](const std::string& word) { options.executor = executor_of(word); },
         "What runs TorchScript. eager: operator by operator, as written, errors with their source lines (the purpose "
         "of PYTORCH_JIT=0); simple: libtorch, optimized once; profiling: libtorch, optimized after it has seen the "
         "first runs. Default: profiling, and eager for Python that its file does not compile")
      ->option_text("eager|simple|profiling");
  run->add_option("-o,--output", options.output, "Also write the outputs, by name")
      ->option_text("FILE.npz|.safetensors");
  run->add_flag("--generate", options.generate, "For encoder-decoders: also translate, greedily, until the text ends");
  run->add_option("--max-new-tokens", options.max_new_tokens,
                  "For --generate: at most N tokens; default: what the checkpoint says, else 20")
      ->option_text("N")
      ->check(CLI::Range(1, 1 << 20));
  add_load_flags(*run, command->options.source.guard);
  add_isolation_flags(*run, invocation);
  add_threads_flag(*run, options.threads);
  add_output_flags(*run, command->output);
  run->callback([command, source_flags, &invocation] {
    refuse_source_flags(command->options.source.path, source_flags);
    run_isolated(invocation, command->options.source.path, [&] { run_run(*command, invocation); });
  });
}

}  // namespace bertjit
