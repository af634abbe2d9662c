// `check-inputs`: the module against the source on every further input.
//
// Proves that the outputs are the source's on those inputs, each of which is tried; and where the module is a recording
// of the source, that recordings made from them are the same graph. Does not prove anything of others.
//
// Whether it is one shows on the example: a recording made from that is the module's graph. Where it is not, as for
// what was scripted, frozen, quantized or traced by another tracer, other graphs are no fault. Recordings are then
// compared with one another, and only where outputs differ, to show where the source goes another way.
#include <optional>

#include "module/save.h"
#include "trial/trial.h"
#include "verify/check.h"

namespace bertjit {

namespace {

/// The source recorded on the example; nullopt if it cannot be.
std::optional<Recording> record_example(const VerifyContext& context, const RecordOptions& options) {
  Trial trial(context.module.module());
  if (const auto module = context.source->module()) {
    trial.watch(*module);
  }
  std::optional<Recording> recording;
  trial.run(context.example, [&](const BoundBatch& batch) {
    recording = context.source->record(batch, options);
    return recording->outputs;
  });
  return recording;
}

/// Whether `recording`, saved and loaded, is the module's graph. A file holds code, not a graph, and what is made of
/// that when it is loaded reads otherwise.
bool is_recording(ModuleRunner& module, const Recording& recording) {
  const SaveOptions save_options{"archive", {}};
  std::string bytes;
  serialize_module(recording.module, save_options, [&](std::span<const std::byte> piece) {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  });
  const torch::jit::Module loaded = load_module_from_bytes(bytes, "a recording of the source");
  return diff_graphs(*module.module().get_method("forward").graph(), *loaded.get_method("forward").graph()).matches();
}

}  // namespace

CheckResult check_check_inputs(const VerifyContext& context) {
  if (context.further.empty()) {
    return skipped("check-inputs", "no --check-inputs or --check-shapes given");
  }
  if (context.source == nullptr) {
    return skipped("check-inputs", "needs --source to compare with");
  }
  InputCheckOptions options = source_comparison(context);
  std::optional<Recording> recording;
  if (context.source->is_program()) {
    recording = record_example(context, options.record);
  }
  if (recording) {
    options.retrace = is_recording(context.module, *recording) ? Retrace::kYes : Retrace::kExplain;
    options.graph = &recorded_graph(*recording);
  }
  return check_inputs(*context.source, context.module, context.further, options);
}

}  // namespace bertjit
