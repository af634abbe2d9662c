// `bertjit trace`: a checkpoint, a name of a Python file or an archive to a TorchScript file.
#include "trace/trace.h"

#include <memory>

#include "commands.h"
#include "common_options.h"
#include "engine_loader.h"
#include "isolation.h"
#include "load_guard.h"
#include "report/source_report.h"
#include "report/trace_report.h"
#include "target_flag.h"

namespace bertjit {

namespace {

constexpr const char* kDescription = R"(Trace a model to a TorchScript file, and check the trace.

SOURCE is a Hugging Face directory (config.json and weights), a config.json with --init random,
FILE.py:NAME (a function, a torch.nn.Module class or what the file makes of them), or a TorchScript
.pt, which is traced through its control flow.
Inputs bind to the arguments of forward by name. The file takes every batch size and length that the
position embeddings allow, unless --fixed-shapes. It is written only if every check passed.
With --script a name of a Python file is compiled instead, and keeps its loops and branches.)";

constexpr const char* kFooter = R"(Examples:
  bertjit trace ./bert-base-uncased -o traced_bert.pt
  bertjit trace ./bert-base-uncased -o traced_bert.pt --checksum --check-shapes 1x7 --check-shapes 8x128
  bertjit trace ./bert-base-uncased -o traced_bert.pt --text "Who was Jim Henson ?" --text-pair "Jim Henson was a puppeteer" --mask-index 8
  bertjit trace ./bert-base-uncased --target neuron-inf1 --pad-to 128 -o neuron_bert.pt
  bertjit trace config.json --init random --seed 0 -o random_bert.pt
  bertjit trace loop.py:fn --input 'x=rand:3x4x5' --check-shapes 4x5x6,2x3x4 -o fn.pt
  bertjit trace loop.py:fn --script --input 'x=rand:3x4x5' --check-shapes 4x5x6,2x3x4 -o fn.pt

Exit code: 0 written, 1 a check failed and nothing was written, 2 could not answer.)";

struct TraceCommand {
  TraceOptions options;
  OutputOptions output;
  bool no_check = false;
};

void talk_of_checkpoint(const std::string& source, const TracedCheckpoint& checkpoint, Invocation& invocation) {
  print_choice("bertjit trace", checkpoint.choice, invocation.err);
  if (!checkpoint.unused_weights.empty()) {
    invocation.err << "bertjit trace: " << source << ": " << checkpoint.unused_weights.size()
                   << " tensors are not used by " << checkpoint.choice.head << ":";
    for (const auto& name : checkpoint.unused_weights) {
      invocation.err << "\n  " << name;
    }
    invocation.err << "\n";
  }
}

void talk(const TraceResult& result, bool asked_to_script, Invocation& invocation) {
  if (result.checkpoint) {
    talk_of_checkpoint(result.source, *result.checkpoint, invocation);
  } else if (result.scripted && !asked_to_script) {
    invocation.err << "bertjit trace: " << result.source
                   << ": the file has it scripted: kept so, with its control flow\n";
  }
  for (const auto& warning : result.warnings) {
    invocation.err << "bertjit trace: TracerWarning: " << warning << "\n";
  }
}

void run_trace(TraceCommand& command, Invocation& invocation) {
  command.options.check = !command.no_check;
  guard_load(command.options.source.path, command.options.source.guard);
  const TraceResult result = engine().trace(command.options);
  if (!command.output.quiet) {
    talk(result, command.options.script, invocation);
  }
  if (command.output.format == Format::kJson) {
    print_json(to_json(result), invocation);
  } else {
    print_text(result, choose_color(command.output.color), invocation.out);
  }
  invocation.exit_code = result.passed ? 0 : 1;
}

}  // namespace

void setup_trace(CLI::App& app, Invocation& invocation) {
  auto command = std::make_shared<TraceCommand>();
  TraceOptions& options = command->options;
  CLI::App* trace = app.add_subcommand("trace", kDescription);
  trace->footer(kFooter);
  trace->add_option("SOURCE", options.source.path, "Checkpoint, FILE.py:NAME or TorchScript file")
      ->required()
      ->option_text(" ");
  trace->add_option("-o,--output", options.output, "File to write, as a whole or not at all")
      ->required()
      ->option_text("OUT.pt");
  const auto source_flags = add_source_flags(*trace, options.source);
  add_input_flags(*trace, options.inputs);
  trace
      ->add_option("--check-inputs", options.check_inputs, "File with further inputs to check the trace on; repeatable")
      ->option_text("FILE")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  trace
      ->add_option("--check-shapes", options.check_shapes,
                   "Shapes, e.g. 1x7,8x128, for which further inputs are made up; repeatable")
      ->option_text("BxL,...")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  trace->add_flag("--no-check", command->no_check, "Write the trace unchecked")
      ->excludes("--check-inputs")
      ->excludes("--check-shapes");
  trace->add_flag("--equal-nan", options.equal_nan, "NaN outputs pass against NaN");
  add_grad_flag(*trace, options.grad, {GradMode::kOn, GradMode::kOff});
  trace->add_flag("--fixed-shapes", options.fixed_shapes,
                  "Record sizes as constants: only the example's batch and length");
  add_target_flag(*trace, options.target);
  trace->add_flag("--script", options.script, "Compile FILE.py:NAME instead of tracing it: control flow is kept")
      ->excludes("--fixed-shapes");
  trace->add_flag(
      "--freeze", options.freeze,
      "Write weights and attributes as constants of the code, as torch.jit.freeze does; their names are gone");
  trace
      ->add_flag("--fuse", options.fuse,
                 "Write linear layers, with the activations after them, as oneDNN's operators: faster in float32 on "
                 "CPUs, without gradients")
      ->excludes("--script");
  trace->add_option("--max-nodes", options.max_nodes, "Give up a recording that has more nodes; loops are unrolled")
      ->option_text("N [20000]")
      ->check(CLI::PositiveNumber);
  trace->add_option("--archive-name", options.archive_name, "Root folder in the archive; default: the output's stem")
      ->option_text("NAME");
  trace->add_flag("--strip-debug", options.strip_debug,
                  "Leave out which lines of which files the code came from: same bytes wherever they lie");
  trace->add_flag("--checksum", options.checksum, "Also write OUT.pt.sha512, hashed while writing");
  add_load_flags(*trace, command->options.source.guard);
  add_isolation_flags(*trace, invocation);
  add_threads_flag(*trace, options.threads);
  add_output_flags(*trace, command->output);
  trace->callback([trace, command, source_flags, &invocation] {
    refuse_source_flags(command->options.source.path, source_flags);
    apply_target(*trace, command->options);
    run_isolated(invocation, command->options.source.path, [&] { run_trace(*command, invocation); });
  });
}

}  // namespace bertjit
