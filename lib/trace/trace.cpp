#include "trace/trace.h"

#include <algorithm>
#include <filesystem>

#include "checksum/checksum_list.h"
#include "compare/outputs.h"
#include "infer/batch.h"
#include "infer/guards.h"
#include "infer/residency.h"
#include "infer/runner.h"
#include "module/claims.h"
#include "module/save.h"
#include "record/record.h"
#include "source/source.h"
#include "support/error.h"
#include "support/file.h"
#include "trace/checks.h"

namespace bertjit {

namespace {

void describe_model(TraceResult& result, const Model& model) {
  const ModelDescription& description = model.description();
  result.attention = attention_name(description.attention);
  result.tie = description.tie ? tie_name(*description.tie) : "";
  result.unused_weights = description.unused_weights;
  for (const auto& parameter : model.module().parameters()) {
    result.parameter_count += parameter.numel();
  }
}

void describe_outputs(TraceResult& result, const Model& model, const c10::IValue& outputs) {
  const auto leaves = flatten_outputs(outputs);
  for (size_t i = 0; i < leaves.size(); ++i) {
    const at::Tensor tensor = leaves[i].value.toTensor();
    result.outputs.push_back(
        {model.description().outputs.at(i), dtype_name(container_dtype(tensor.scalar_type())), tensor.sizes().vec()});
  }
}

std::string claims_text(const TraceResult& result) {
  Claims claims;
  claims.architecture = result.choice.architecture;
  claims.head = result.choice.head;
  for (const auto& input : result.inputs) {
    claims.inputs.push_back(input.name);
  }
  for (const auto& output : result.outputs) {
    claims.outputs.push_back(output.name);
  }
  claims.dtype = result.choice.dtype;
  claims.dynamic_batch = result.dynamic_shapes;
  claims.dynamic_length = result.dynamic_shapes;
  claims.attn_implementation = result.attention;
  return claims_to_json(claims);
}

bool none_failed(const std::vector<CheckResult>& checks) {
  return std::none_of(checks.begin(), checks.end(),
                      [](const CheckResult& check) { return check.verdict == Verdict::kFail; });
}

void save(TraceResult& result, const torch::jit::Module& module, const TraceOptions& options) {
  const SaveOptions save_options{result.archive_name, {{kClaimsRecord, claims_text(result)}}};
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

}  // namespace

TraceResult trace(const TraceOptions& options) {
  if (options.archive_name.find('/') != std::string::npos) {
    throw Error(ErrorKind::kInvalidArgument,
                "--archive-name " + options.archive_name + ": holds a '/'; libtorch loads one root folder only");
  }
  const ThreadGuard threads(options.threads);
  const ResidencyGuard residency;
  const Shapes shapes = options.fixed_shapes ? Shapes::kFixed : Shapes::kDynamic;
  const Source source = open_source(options.source, options.inputs.seed, options.inputs.tokenizer);
  const Signature signature = model_signature(source.model->description(), source.name);
  const BoundBatch example = bind_batch(make_batch(options.inputs, signature, source.tokenizer.get()), signature);
  const std::vector<BoundBatch> further =
      further_batches(options.check_inputs, options.check_shapes, signature, options.inputs.seed);

  TraceResult result;
  result.source = source.name;
  result.choice = source.choice;
  result.archive_name = options.archive_name.empty() ? default_archive_name(options.output) : options.archive_name;
  result.dynamic_shapes = !options.fixed_shapes;
  describe_model(result, *source.model);
  result.example = example.origin;
  result.inputs = describe_inputs(example, signature);

  const Recording recording = record_model(*source.model, example.tensors, {options.grad, shapes});
  describe_outputs(result, *source.model, recording.outputs);
  result.warnings = recording.warnings;

  if (options.check) {
    ModuleRunner traced({recording.module, std::nullopt}, "the trace", &source.model->description());
    result.checks.push_back(check_example(traced, example, recording.outputs));
    result.checks.push_back(check_retrace(*source.model, recording.module, example, options.grad, shapes));
    result.checks.push_back(check_inputs(*source.model, traced, further, options.grad, shapes));
  }
  result.passed = none_failed(result.checks);
  if (result.passed) {
    save(result, recording.module, options);
  }
  return result;
}

}  // namespace bertjit
