#include "record/recordable.h"

#include <algorithm>
#include <utility>

#include "infer/guards.h"
#include "record/arguments.h"
#include "record/interpreter.h"
#include "support/error.h"

namespace bertjit {

Recording RecordableModel::record(const BoundBatch& batch, const RecordOptions& options) {
  return record_model(*rebuild_model(model_), batch.tensors(), options);
}

BoundBatch drop_defaults(const BoundBatch& example, Signature& signature) {
  BoundBatch kept{example.origin, {}, {}};
  std::vector<Argument> inputs;
  for (size_t i = 0; i < example.values.size(); ++i) {
    if (example.sources[i] != "default") {  // signature.h
      inputs.push_back(signature.inputs[i]);
      kept.values.push_back(example.values[i]);
      kept.sources.push_back(example.sources[i]);
    }
  }
  signature.inputs = std::move(inputs);
  return kept;
}

RecordableModule::RecordableModule(LoadedModule loaded, const std::string& owner)
    : program_(module_program(loaded.module, owner)) {
  const ModuleRunner runner(std::move(loaded), owner);
  signature_ = runner.signature();
  arguments_ = signature_.inputs;
  output_names_ = runner.output_names();
}

BoundBatch RecordableModule::settle(const BoundBatch& example) {
  BoundBatch settled = drop_defaults(example, signature_);
  for (size_t i = 0; i < arguments_.size(); ++i) {
    if (std::ranges::find(signature_.inputs, arguments_[i].name, &Argument::name) == signature_.inputs.end()) {
      program_.fixed[i] = arguments_[i].default_value.value();
    }
  }
  return settled;
}

c10::IValue RecordableModule::run(const BoundBatch& batch, GradMode grad) {
  const GradGuard guard(grad);
  try {
    return interpret(program_, batch.values);
  } catch (const Error& error) {
    throw Error(error.kind(), signature_.owner + ": does not run on these inputs: " + error.what());
  }
}

Recording RecordableModule::record(const BoundBatch& batch, const RecordOptions& options) {
  return record_program(program_, batch.values, options);
}

}  // namespace bertjit
