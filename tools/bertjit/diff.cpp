// `bertjit diff`: what sets two model files apart.
#include "diff/diff.h"

#include <memory>

#include "commands.h"
#include "common_options.h"
#include "report/diff_report.h"
#include "support/error.h"

namespace bertjit {

namespace {

constexpr const char* kDescription =
    R"(Say whether two model files are the same model, and if not, what differs and why.

A and B are each a TorchScript or torch.save .pt, a .safetensors, .bin, .npz or .npy file, or a Hugging Face directory. Of two kinds (a checkpoint and the file traced from it) only the weights are compared.
Tensors are compared by name, code by class, values by the module that keeps them. How a file is stored does not count: archive name, order, alignment and compression of records, debug records, mangled class names. requires_grad, tied weights, claims and extra files do count; the first line says how far. libtorch is not loaded, and no code of the files is run.)";

constexpr const char* kFooter = R"(Examples:
  bertjit diff traced_bert.pt deployed.pt
  bertjit diff ./bert-base-uncased traced_bert.pt       are these the weights it was traced from?
  bertjit diff old.pt new.pt --code --full              all lines of code that changed
  bertjit diff a.pt b.pt --format json | jq '.causes[0]'

Exit code: 0 the same model (or, with --bytes, the same bytes), 1 they differ, 2 could not answer.)";

struct DiffCommand {
  DiffOptions options;
  DiffTextOptions text;
  OutputOptions output;
  bool weights = false, code = false, bytes = false;
};

DiffLevel choose_level(const DiffCommand& command) {
  if (command.weights + command.code + command.bytes > 1) {
    throw Error(ErrorKind::kInvalidArgument, "--weights, --code and --bytes exclude each other");
  }
  return command.weights ? DiffLevel::kWeights
         : command.code  ? DiffLevel::kCode
         : command.bytes ? DiffLevel::kBytes
                         : DiffLevel::kContent;
}

void run_diff(DiffCommand& command, Invocation& invocation) {
  command.options.level = choose_level(command);
  const DiffResult result = diff_models(command.options);
  if (!command.output.quiet) {
    for (const std::string& note : result.notes) {
      invocation.err << "bertjit diff: " << note << "\n";
    }
  }
  if (command.output.format == Format::kJson) {
    print_json(to_json(result), invocation);
  } else {
    command.text.color = choose_color(command.output.color);
    print_text(result, command.text, invocation.out);
  }
  invocation.exit_code = result.verdict == DiffVerdict::kDifferent ? 1 : 0;
}

}  // namespace

void setup_diff(CLI::App& app, Invocation& invocation) {
  auto command = std::make_shared<DiffCommand>();
  DiffOptions& options = command->options;
  CLI::App* diff = app.add_subcommand("diff", kDescription);
  diff->footer(kFooter);
  diff->add_option("A", options.a, "The file or directory to start from")->required()->option_text(" ");
  diff->add_option("B", options.b, "The one to compare with it")->required()->option_text(" ");
  diff->add_flag("--weights", command->weights, "Compare tensors alone: names, dtypes, shapes, values");
  diff->add_flag("--code", command->code, "Compare code alone, and the constants in it");
  diff->add_flag("--bytes", command->bytes,
                 "Every byte counts: exit code 1 if the same model is stored in other bytes");
  diff->add_flag("--full", command->text.full, "Show every tensor, value and line of code, not the first ones of each");
  diff->add_option("--threads", options.threads, "Threads that read and compare; 0: one per core")
      ->option_text("N [0]")
      ->check(CLI::Range(0, 1024));
  add_output_flags(*diff, command->output);
  diff->callback([command, &invocation] { run_diff(*command, invocation); });
}

}  // namespace bertjit
