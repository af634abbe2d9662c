// `bertjit verify`: is this TorchScript file right?
#include "verify/verify.h"

#include <algorithm>
#include <memory>

#include "commands.h"
#include "common_options.h"
#include "engine_loader.h"
#include "load_guard.h"
#include "report/source_report.h"
#include "report/verify_report.h"
#include "report_files.h"

namespace bertjit {

namespace {

constexpr const char* kDescription = R"(Judge a TorchScript file: every check that the arguments allow is run.

Checks: safety, checksum (with --checksums), grad-mode, roundtrip, repeat, train-mode, shapes, check-inputs
(with --source, and --check-inputs or --check-shapes), metamorphic, inputs, constants, source (with --source),
rebuilt, golden (with --golden), claims, weights.

SOURCE is what MODULE was made from: a Hugging Face directory or config.json, FILE.py:NAME (run operator by
operator, as Python would), or a TorchScript .pt. Without inputs, those that a torch.jit.trace(...) in the
file has are taken.)";

constexpr const char* kFooter = R"(Examples:
  bertjit verify traced_bert.pt --source ./bert-base-uncased
  bertjit verify traced_bert.pt --checksums SHA512SUMS --only checksum
  bertjit verify traced_bert.pt --source ./bert-base-uncased --check-shapes 1x7,8x128 --format json
  bertjit verify traced_bert.pt --inputs batch.npz --golden outputs.npz
  bertjit verify traced_bert.pt --source ./bert-base-uncased --html report.html --junit report.xml
  bertjit verify fn.pt --source loop.py:fn --input 'x=rand:3x4x5' --check-shapes 4x5x6,2x3x4

Exit code: 0 no check failed, 1 one did, 2 could not answer or nothing was checked, 3 refused as unsafe.)";

struct VerifyCommand {
  VerifyOptions options;
  OutputOptions output;
  ReportFiles reports;
};

/// Every file the command reads.
std::vector<std::string> files_read(const VerifyOptions& options) {
  std::vector<std::string> files{options.module,    options.source.path,   options.claims,          options.golden,
                                 options.checksums, options.inputs.inputs, options.inputs.tokenizer};
  files.push_back(options.source.path.substr(0, options.source.path.rfind(':')));  // of FILE.py:NAME
  files.insert(files.end(), options.check_inputs.begin(), options.check_inputs.end());
  files.insert(files.end(), options.check_golden.begin(), options.check_golden.end());
  return files;
}

VerifyResult verify_and_report_errors(const VerifyCommand& command, const Invocation& invocation) {
  try {
    return engine().verify(command.options);
  } catch (const std::exception& error) {
    write_error_report(command.reports, command.options.module, error.what(), invocation);
    throw;
  }
}

void run_verify(const VerifyCommand& command, Invocation& invocation) {
  refuse_bad_targets(command.reports, files_read(command.options));
  const auto& skip = command.options.skip;
  guard_load(command.options.source.path, {.no_scan = std::ranges::find(skip, "safety") != skip.end(), .allow = {}});
  const VerifyResult result = verify_and_report_errors(command, invocation);
  if (result.choice && !command.output.quiet) {
    print_choice("bertjit verify", *result.choice, invocation.err);
  }
  if (command.output.format == Format::kJson) {
    print_json(to_json(result), invocation);
  } else {
    print_text(result, choose_color(command.output.color), invocation.out);
  }
  write_reports(command.reports, result, command.options.werror ? WarningsFail::kYes : WarningsFail::kNo, invocation);
  invocation.exit_code = result.unsafe ? 3 : result.nothing_checked ? 2 : result.passed ? 0 : 1;
}

CLI::Option* add_list(CLI::App& command, const std::string& flag, std::vector<std::string>& field,
                      const std::string& help, const std::string& value) {
  return command.add_option(flag, field, help)
      ->option_text(value)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

}  // namespace

void setup_verify(CLI::App& app, Invocation& invocation) {
  auto command = std::make_shared<VerifyCommand>();
  VerifyOptions& options = command->options;
  CLI::App* verify = app.add_subcommand("verify", kDescription);
  verify->footer(kFooter);
  verify->add_option("MODULE", options.module, "TorchScript file")->required()->option_text(" ");
  CLI::Option* source = verify->add_option("--source", options.source.path,
                                           "What it was exported from: a checkpoint, FILE.py:NAME or TorchScript file");
  source->option_text("SOURCE");
  const auto source_flags = add_source_flags(*verify, options.source);
  for (CLI::Option* flag : source_flags) {
    flag->needs(source);
  }
  add_input_flags(*verify, options.inputs);
  add_list(*verify, "--check-inputs", options.check_inputs, "File with further inputs; repeatable", "FILE");
  add_list(*verify, "--check-shapes", options.check_shapes,
           "Shapes, e.g. 1x7,8x128, for which further inputs are made up; repeatable", "BxL,...")
      ->delimiter(',');
  verify->add_option("--golden", options.golden, "Recorded outputs for the inputs: .npz, .safetensors or .json")
      ->option_text("FILE");
  add_list(*verify, "--check-golden", options.check_golden, "Recorded outputs for each --check-inputs, in order",
           "FILE");
  verify->add_option("--checksums", options.checksums, "List with the file's SHA-512")->option_text("SHA512SUMS");
  verify->add_option("--claims", options.claims, "What MODULE is said to be, in place of what it says of itself (JSON)")
      ->option_text("FILE");
  add_list(*verify, "--only", options.only, "Run these checks only", "ID,...")->delimiter(',');
  add_list(*verify, "--skip", options.skip, "Leave these checks out", "ID,...")->delimiter(',');
  verify->add_flag("--werror", options.werror, "Warnings fail");
  verify->add_flag("--fail-fast", options.fail_fast, "Skip the checks after the first that fails");
  verify->add_option("--rtol", options.rtol, "Relative tolerance of outputs")
      ->option_text("X [float32 1.3e-6, float16 1e-2, bfloat16 8e-2]")
      ->check(CLI::NonNegativeNumber);
  verify->add_option("--atol", options.atol, "Absolute tolerance of outputs")
      ->option_text("X [float32 2e-5, float16 1e-2, bfloat16 8e-2]")
      ->check(CLI::NonNegativeNumber);
  verify->add_flag("--equal-nan", options.equal_nan, "NaN outputs pass against NaN");
  add_report_flags(*verify, command->reports);
  add_threads_flag(*verify, options.threads);
  add_output_flags(*verify, command->output);
  verify->callback([command, source_flags, &invocation] {
    refuse_source_flags(command->options.source.path, source_flags);
    run_verify(*command, invocation);
  });
}

}  // namespace bertjit
