#include "trace/trace.h"

#include <algorithm>
#include <filesystem>

#include <torch/csrc/jit/api/module.h>

#include "checkpoint/weights.h"
#include "checksum/checksum_list.h"
#include "compare/outputs.h"
#include "conform/conform.h"
#include "conform/free_devices.h"
#include "infer/batch.h"
#include "infer/guards.h"
#include "infer/random_state.h"
#include "infer/residency.h"
#include "infer/runner.h"
#include "module/claims.h"
#include "module/debug_info.h"
#include "module/fused_layers.h"
#include "module/save.h"
#include "record/record.h"
#include "source/origin.h"
#include "source/source.h"
#include "support/error.h"
#include "support/file.h"
#include "trace/checks.h"
#include "trace/pitfalls.h"
#include "trial/trial.h"

namespace bertjit {

namespace {

TracedCheckpoint describe_checkpoint(const CheckpointSource& checkpoint) {
  const ModelDescription& description = checkpoint.model->description();
  return {checkpoint.choice, attention_name(description.attention), description.tie ? tie_name(*description.tie) : "",
          description.unused_weights};
}

int64_t count_parameters(const torch::jit::Module& module) {
  int64_t count = 0;
  for (const auto& parameter : module.parameters()) {
    count += parameter.numel();
  }
  return count;
}

/// `names` where they are known, else the outputs' paths.
std::vector<TracedOutput> describe_outputs(const std::vector<std::string>& names, const c10::IValue& outputs) {
  std::vector<TracedOutput> described;
  for (const auto& leaf : flatten_outputs(outputs)) {
    TracedOutput output{
        described.size() < names.size() ? names[described.size()] : leaf.name, leaf.value.tagKind(), {}};
    if (leaf.value.isTensor()) {
      const at::Tensor& tensor = leaf.value.toTensor();
      output.dtype = dtype_name(container_dtype(tensor.scalar_type()));
      output.shape = tensor.sizes().vec();
    }
    described.push_back(std::move(output));
  }
  return described;
}

std::string claims_text(const TraceResult& result, const Source& source, const Origin& origin) {
  Claims claims = source.checkpoint ? checkpoint_claims(*source.checkpoint, result.dynamic_shapes) : Claims{};
  for (const auto& input : result.inputs) {
    claims.inputs.push_back(input.name);
  }
  for (const auto& output : result.outputs) {
    claims.outputs.push_back(output.name);
  }
  claims.source_sha512 = origin.source_sha512;
  claims.tokenizer_sha512 = origin.tokenizer_sha512;
  return claims_to_json(claims);
}

bool none_failed(const std::vector<CheckResult>& checks) {
  return std::none_of(checks.begin(), checks.end(),
                      [](const CheckResult& check) { return check.verdict == Verdict::kFail; });
}

void save(TraceResult& result, const torch::jit::Module& module, const Source& source, const Origin& origin,
          const TraceOptions& options) {
  const SaveOptions save_options{result.archive_name, {{kClaimsRecord, claims_text(result, source, origin)}}};
  const SavedFile saved = save_module(module, options.output, save_options,
                                      options.checksum ? HashWhileWriting::kYes : HashWhileWriting::kNo);
  result.output = options.output;
  result.size_bytes = saved.size_bytes;
  if (saved.digest) {
    // As `sha512sum traced.pt` in the file's own folder prints it, so that `sha512sum -c` there accepts it.
    const std::string name = std::filesystem::path(options.output).filename().string();
    result.sha512 = to_hex(*saved.digest);
    result.checksum_file = options.output + ".sha512";
    write_file_atomically(result.checksum_file, format_checksum_line(name, *saved.digest, LineFormat{}));
  }
}

/// The example, with what it leaves to defaults out of the source's signature: the command line's, else the one that
/// the file itself traces with, else a made one.
BoundBatch settle_example(const Source& source, const TraceOptions& options) {
  const Signature& signature = source.program->signature();
  const bool written = source.written.example && !names_inputs(options.inputs);
  const InputOptions inputs = options.target ? inputs_for(*options.target, signature, options.inputs) : options.inputs;
  return source.program->settle(
      source.program->bind(written ? *source.written.example : make_batch(inputs, signature, source.tokenizer())));
}

std::vector<BoundBatch> gather_further(const Source& source, const TraceOptions& options, const BoundBatch& example) {
  std::vector<BoundBatch> further;
  for (const auto& batch : source.written.check_inputs) {
    further.push_back(source.program->bind(batch));
  }
  const auto given = further_batches(options.check_inputs, options.check_shapes, source.program->signature(),
                                     options.inputs.seed, &example);
  further.insert(further.end(), given.begin(), given.end());
  return further;
}

void describe(TraceResult& result, const Source& source, const BoundBatch& example, const c10::IValue& outputs) {
  result.example = example.origin;
  result.inputs = describe_inputs(example, source.program->signature());
  result.outputs = describe_outputs(source.program->output_names(), outputs);
}

/// What runs the result when it is checked: names and limits of a checkpoint's arguments are known from its network.
ModuleRunner runner_of(const Source& source, const torch::jit::Module& module, const char* owner) {
  return {{module, std::nullopt}, owner, source.checkpoint ? &source.checkpoint->model->description() : nullptr};
}

void add(TraceResult& result, std::optional<CheckResult> check) {
  if (check) {
    result.checks.push_back(std::move(*check));
  }
}

/// Whether what is written fits where it is to run; nothing if no target was named.
std::optional<CheckResult> fit_check(ModuleRunner& module, const BoundBatch& example, const TraceOptions& options) {
  if (!options.target) {
    return std::nullopt;
  }
  std::optional<Claims> claims;
  if (!options.script) {
    claims.emplace();
    claims->dynamic_batch = claims->dynamic_length = !options.fixed_shapes;
  }
  CheckResult result =
      check_target(*options.target, {module, example, claims, Tolerance{.equal_nan = options.equal_nan}});
  if (result.verdict == Verdict::kFail) {
    result.advice = "no flag of trace mends this: export a model without it, or for another target";
  }
  return result;
}

/// What is written of a recording or of a compiled module.
torch::jit::Module frozen(const torch::jit::Module& module, bool is_recording, const std::string& name) {
  torch::jit::Module copy = module.clone();
  if (copy.is_training() && !is_recording) {
    throw Error(ErrorKind::kInvalidArgument,
                name + ": is in training mode, and --freeze would fix that; call eval() on the module first");
  }
  copy.eval();  // of a recording, whose code asks for the flag no more
  return torch::jit::freeze(copy);
}

/// What is written of a recording, which stays as it is.
torch::jit::Module finish(const torch::jit::Module& recorded, const TraceOptions& options, const std::string& name) {
  const bool frees = options.target && !options.target->takes_device("cpu");
  if (!options.fuse && !frees) {
    return options.freeze ? frozen(recorded, /*is_recording=*/true, name) : recorded;
  }
  // A copy of the code, with the recording's own weights.
  torch::jit::Module copy =
      options.freeze ? frozen(recorded, /*is_recording=*/true, name) : recorded.clone(/*inplace=*/true);
  if (options.fuse) {
    fuse_linear_layers(copy);
  }
  if (frees) {
    free_devices(copy);
  }
  return copy;
}

torch::jit::Module record_and_check(const Source& source, const TraceOptions& options, TraceResult& result) {
  const RecordOptions record{.grad = options.grad,
                             .shapes = options.fixed_shapes ? Shapes::kFixed : Shapes::kDynamic,
                             .max_nodes = options.max_nodes};
  Recordable& program = *source.program;
  const BoundBatch example = settle_example(source, options);
  const std::vector<BoundBatch> further = gather_further(source, options, example);
  const RandomState random;
  const Recording recording = program.record(copy_batch(example), record);
  describe(result, source, example, recording.outputs);
  result.parameter_count = count_parameters(recording.module);
  result.warnings = recording.warnings;
  const torch::jit::Module written = finish(recording.module, options, source.name);
  if (options.check) {
    const Tolerance tolerance{.equal_nan = options.equal_nan};
    ModuleRunner unfrozen = runner_of(source, recording.module, "the trace");
    ModuleRunner traced = runner_of(source, written, "the trace");
    result.checks.push_back(check_example(traced, example, recording.outputs, random, tolerance));
    result.checks.push_back(check_retrace(program, unfrozen, example, record, random));
    result.checks.push_back(check_inputs(
        program, traced, further, {.record = record, .graph = &recorded_graph(recording), .tolerance = tolerance}));
    add(result, check_nondeterminism(program, traced, example, recording.findings, options.grad));
    add(result, check_warnings(recording.warnings));
    add(result, check_passed_over(source.notes));
    for (auto& check : pitfall_checks(recording.findings)) {
      result.checks.push_back(std::move(check));
    }
    add(result, fit_check(traced, example, options));
  }
  return written;
}

/// Compiles, and compares with the text run operator by operator. Without inputs there is nothing to compare on.
torch::jit::Module script_and_check(const Source& source, const TraceOptions& options, TraceResult& result) {
  torch::jit::Module module =
      source.compiled ? source.compiled->module : open_scripted(options.source, options.inputs.seed).module;
  result.scripted = true;
  result.parameter_count = count_parameters(module);
  if (options.freeze) {
    module = frozen(module, /*is_recording=*/false, source.name);
  }
  if (!names_inputs(options.inputs) && !source.written.example && !source.program->signature().inputs.empty()) {
    result.checks.push_back({"example", Verdict::kSkip, "no inputs given: compiled, not run", "", {}});
    return module;
  }
  const BoundBatch example = settle_example(source, options);
  const RandomState random;
  const c10::IValue outputs = source.program->run(copy_batch(example), options.grad);
  describe(result, source, example, outputs);
  if (options.check) {
    const Tolerance tolerance{.equal_nan = options.equal_nan};
    ModuleRunner scripted = runner_of(source, module, "the scripted module");
    result.checks.push_back(check_example(scripted, example, outputs, random, tolerance));
    result.checks.push_back(
        check_inputs(*source.program, scripted, gather_further(source, options, example),
                     {.record = {.grad = options.grad}, .retrace = Retrace::kNo, .tolerance = tolerance}));
    add(result, fit_check(scripted, example, options));
  }
  return module;
}

}  // namespace

TraceResult trace(const TraceOptions& options) {
  if (options.archive_name.find('/') != std::string::npos) {
    throw Error(ErrorKind::kInvalidArgument,
                "--archive-name " + options.archive_name + ": holds a '/'; libtorch loads one root folder only");
  }
  const ThreadGuard threads(options.threads);
  const ResidencyGuard residency;
  const Source source = open_source(options.source, options.inputs.seed, options.inputs.tokenizer);
  if (options.script && source.kind == SourceKind::kCheckpoint) {
    throw Error(ErrorKind::kInvalidArgument, "--script: " + source.name + " is a checkpoint, which is traced");
  }

  std::future<Origin> origin = digest_origin(source, options.source, options.inputs.tokenizer);

  TraceResult result;
  result.source = source.name;
  result.kind = source.kind;
  result.archive_name = options.archive_name.empty() ? default_archive_name(options.output) : options.archive_name;
  result.dynamic_shapes = !options.fixed_shapes;
  if (source.checkpoint) {
    result.checkpoint = describe_checkpoint(*source.checkpoint);
  }
  // What a file has scripted stays so, as torch.jit.trace leaves it; an archive is traced through its control flow.
  const bool keep =
      options.script || (source.compiled && source.kind != SourceKind::kArchive && !source.written.example);
  if (keep && options.fuse) {
    throw Error(ErrorKind::kInvalidArgument,
                "--fuse: " + source.name + " stays scripted; trace the file it is saved to");
  }
  const torch::jit::Module module =
      keep ? script_and_check(source, options, result) : record_and_check(source, options, result);
  result.passed = none_failed(result.checks);
  if (result.passed) {
    if (options.strip_debug) {
      strip_debug_info(module);
    }
    save(result, module, source, origin.get(), options);
  }
  return result;
}

}  // namespace bertjit
