// `bertjit scan`: is a model file safe to load?
#include "scan/scan.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "commands.h"
#include "common_options.h"
#include "report/scan_report.h"

namespace bertjit {

namespace {

constexpr const char* kDescription =
    R"(Say whether model files are safe to load, without loading them.

torch.jit.load runs code from the file, torch.load calls whatever a pickle names. scan reads TorchScript and torch.save archives, old torch.save files, .safetensors, .npz and .npy as data: structure and CRCs of the zip, imports of every pickle, operators and hooks of the code, offsets of tensors. What a model has no need of is refused: imports and operators are held against lists of what is known to do no more than compute. libtorch is not loaded.)";

constexpr const char* kFooter = R"(Examples:
  bertjit scan downloaded.pt
  bertjit scan models/*.pt --format json | jq '.files[] | select(.safety != "safe")'
  bertjit scan model.pt --allow my::op         an operator of one's own

Exit code: 0 all files are safe, 2 of one it cannot tell (damaged, not a model, no such file), 3 one is unsafe.)";

struct ScanCommand {
  std::vector<std::string> files;
  ScanOptions options;
  OutputOptions output;
  bool full = false;
};

int exit_code_of(ScanVerdict verdict) {
  return verdict == ScanVerdict::kSafe ? 0 : verdict == ScanVerdict::kUnsafe ? 3 : 2;
}

void run_scan(const ScanCommand& command, Invocation& invocation) {
  const Color color = choose_color(command.output.color);
  std::vector<ScanResult> results;
  for (const std::string& file : command.files) {
    results.push_back(scan_file(file, command.options));
    invocation.exit_code = std::max(invocation.exit_code, exit_code_of(results.back().verdict));
    if (command.output.format == Format::kText) {
      print_text(results.back(), command.full, color, invocation.out);
    }
  }
  if (command.output.format == Format::kJson) {
    print_json(to_json(results), invocation);
  }
}

}  // namespace

void setup_scan(CLI::App& app, Invocation& invocation) {
  auto command = std::make_shared<ScanCommand>();
  CLI::App* scan = app.add_subcommand("scan", kDescription);
  scan->footer(kFooter);
  scan->add_option("FILE", command->files, "Files to scan")->required()->option_text("...");
  scan->add_option("--allow", command->options.allow,
                   "An operator to let pass: aten::from_file, my::op, or my::* for a namespace; may be repeated")
      ->option_text("OP")
      ->allow_extra_args(false);
  scan->add_flag("--full", command->full, "Show every finding, not the first ten of each file");
  scan->add_option("--threads", command->options.threads, "Threads that check CRCs; 0: one per core")
      ->option_text("N [0]")
      ->check(CLI::Range(0, 1024));
  add_output_flags(*scan, command->output);
  scan->callback([command, &invocation] { run_scan(*command, invocation); });
}

}  // namespace bertjit
