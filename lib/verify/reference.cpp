#include "verify/reference.h"

#include <algorithm>

namespace bertjit {

namespace {

/// Files of others may call their arguments argument_1, input, x.1.
bool knows_names(const Signature& source, const Signature& module) {
  return std::ranges::all_of(module.inputs, [&](const Argument& input) {
    return std::ranges::find(source.inputs, input.name, &Argument::name) != source.inputs.end();
  });
}

}  // namespace

Reference::Reference(const Source& source, const Signature& signature, const BoundBatch& example)
    : source_(source),
      signature_(signature),
      by_name_(!is_program() || knows_names(source.program->signature(), signature)) {
  source_.program->settle(to_source(example));
}

BoundBatch Reference::to_source(const BoundBatch& batch) const {
  Batch given{batch.origin, {}};
  for (size_t i = 0; i < batch.values.size(); ++i) {
    given.values.push_back({by_name_ ? signature_.inputs[i].name : "", batch.values[i]});
  }
  return source_.program->bind(given);
}

c10::IValue Reference::run(const BoundBatch& batch, GradMode grad) {
  return source_.program->run(to_source(batch), grad);
}

Recording Reference::record(const BoundBatch& batch, const RecordOptions& options) {
  return source_.program->record(to_source(batch), options);
}

}  // namespace bertjit
