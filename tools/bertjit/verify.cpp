// `bertjit verify`: is this TorchScript file right?
#include "verify/verify.h"

#include <algorithm>
#include <memory>

#include "commands.h"
#include "common_options.h"
#include "engine_loader.h"
#include "isolation.h"
#include "load_guard.h"
#include "report/source_report.h"
#include "report/verify_report.h"
#include "report_files.h"
#include "scan/safety.h"
#include "support/flight_recorder.h"
#include "target_flag.h"
#include "task_flags.h"
#include "verify_casualty.h"
#include "zoo.h"

namespace bertjit {

namespace {

constexpr const char* kDescription = R"(Judge a TorchScript file: every check that the arguments allow is run.

Checks: safety, checksum (with --checksums), grad-mode, roundtrip, repeat, train-mode, shapes, check-inputs
(with --source, and --check-inputs or --check-shapes), metamorphic, inputs, constants, source (with --source),
rebuilt, golden (with --golden), task (with --source and --data), claims, target (with --target), weights.

SOURCE is what MODULE was made from: a Hugging Face directory or config.json, FILE.py:NAME (run operator by
operator, as Python would), or a TorchScript .pt. Without inputs, those that a torch.jit.trace(...) in the
file has are taken.)";

constexpr const char* kFooter = R"(Examples:
  bertjit verify traced_bert.pt --source ./bert-base-uncased
  bertjit verify traced_bert.pt --checksums SHA512SUMS --only checksum
  bertjit verify traced_bert.pt --source ./bert-base-uncased --check-shapes 1x7,8x128 --format json
  bertjit verify traced_bert.pt --inputs batch.npz --golden outputs.npz
  bertjit verify traced_bert.pt --source ./bert-base-uncased --html report.html --junit report.xml
  bertjit verify int8.pt --source ./minilm-mrpc --data ./glue_data/MRPC --max-flips 8
  bertjit verify traced_bert.pt --target mobile
  bertjit verify --list zoo.jsonl --jobs 4 --output results.jsonl --resume
  bertjit verify fn.pt --source loop.py:fn --input 'x=rand:3x4x5' --check-shapes 4x5x6,2x3x4

Exit code: 0 no check failed, 1 one did, 2 could not answer or nothing was checked, 3 refused as unsafe;
of --list the highest of its jobs.)";

struct VerifyCommand {
  VerifyOptions options;
  OutputOptions output;
  ReportFiles reports;
  ZooFlags zoo;
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

bool contains(const std::vector<std::string>& ids, const char* id) {
  return std::ranges::find(ids, id) != ids.end();
}

/// Whether MODULE is to be looked at beyond its checksum.
bool asks_for_more_than_a_checksum(const VerifyOptions& options) {
  return options.only.empty() || std::ranges::any_of(options.only, [](const auto& id) { return id != "checksum"; });
}

/// What there is to say of a file that libtorch does not get to see.
VerifyResult refusal(const VerifyOptions& options) {
  VerifyResult result{.module = options.module, .source = options.source.path};
  result.environment.bertjit = BERTJIT_VERSION;
  result.environment.seed = options.inputs.seed;
  result.checks = {*options.safety};
  result.blamed = options.safety->id;
  result.where = options.safety->where;
  result.unsafe = true;
  return result;
}

/// The scan comes before libtorch is loaded: there is then nothing in reach of an unsafe file, and it takes
/// milliseconds.
VerifyResult verify_what_is_safe(VerifyOptions& options) {
  options.source.guard.no_scan = contains(options.skip, "safety");
  guard_load(options.source.path, options.source.guard);
  if (!options.source.guard.no_scan && asks_for_more_than_a_checksum(options)) {
    options.safety = judge_safety(options.module, {.allow = options.source.guard.allow, .threads = options.threads});
    if (found_unsafe(*options.safety)) {
      return refusal(options);
    }
  }
  return engine().verify(options);
}

VerifyResult verify_and_report_errors(VerifyCommand& command, const Invocation& invocation) {
  try {
    return verify_what_is_safe(command.options);
  } catch (const std::exception& error) {
    write_error_report(command.reports, command.options.module, error.what(), invocation);
    throw;
  }
}

void report(const VerifyCommand& command, const VerifyResult& result, Invocation& invocation) {
  const Stage stage(kReportStage);
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

void run_verify(VerifyCommand& command, Invocation& invocation) {
  refuse_bad_targets(command.reports, files_read(command.options));
  command.options.progress = flight_recorder() < 0 ? nullptr : note_verify_progress();
  report(command, verify_and_report_errors(command, invocation), invocation);
}

/// For a process that died. False where that leaves no answer.
bool report_casualty(const VerifyCommand& command, const Casualty& casualty, Invocation& invocation) {
  if (const auto result = result_of_casualty(command.options, casualty)) {
    report(command, *result, invocation);
    return true;
  }
  write_error_report(command.reports, command.options.module, casualty.summary, invocation);
  return false;
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
  CLI::Option* module = verify->add_option("MODULE", options.module, "TorchScript file")->option_text(" ");
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
  add_task_flags(*verify, options.task, options.limits, "longest, of an int8 file max");
  add_target_flag(*verify, options.target);
  verify->add_option("--checksums", options.checksums, "List with the file's SHA-512")->option_text("SHA512SUMS");
  verify->add_option("--claims", options.claims, "What MODULE is said to be, in place of what it says of itself (JSON)")
      ->option_text("FILE");
  add_list(*verify, "--only", options.only, "Run these checks only", "ID,...")->delimiter(',');
  add_list(*verify, "--skip", options.skip, "Leave these checks out", "ID,...")->delimiter(',');
  add_allow_flag(*verify, options.source.guard);
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
  add_zoo_flags(*verify, module, command->zoo);
  add_isolation_flags(*verify, invocation);
  add_threads_flag(*verify, options.threads);
  add_output_flags(*verify, command->output);
  verify->callback([command, verify, module, source_flags, &invocation] {
    require_operand_or_list(*module, command->zoo);
    if (!command->zoo.list.empty()) {
      run_zoo(command->zoo, *verify, job_form(*verify, "module", false), command->output, command->reports, invocation);
      return;
    }
    refuse_source_flags(command->options.source.path, source_flags);
    run_isolated(
        invocation, command->options.module, [&] { run_verify(*command, invocation); },
        [&](const Casualty& casualty) { return report_casualty(*command, casualty, invocation); });
  });
}

}  // namespace bertjit
