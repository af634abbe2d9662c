#include "verify/reference.h"

#include <algorithm>

#include "compare/outputs.h"
#include "infer/residency.h"

namespace bertjit {

namespace {

/// Files of others may call their arguments argument_1, input, x.1.
bool knows_names(const Signature& source, const Signature& module) {
  return std::ranges::all_of(module.inputs, [&](const Argument& input) {
    return std::ranges::find(source.inputs, input.name, &Argument::name) != source.inputs.end();
  });
}

/// Position ids that a network makes itself where nobody gives them: one after the other.
bool are_consecutive(const c10::IValue& value) {
  if (!value.isTensor() || value.toTensor().dim() == 0 || value.toTensor().numel() == 0) {
    return false;
  }
  const at::Tensor ids = value.toTensor().to(at::kLong);
  return ids.diff().eq(1).all().item<bool>() && ids.select(-1, 0).eq(ids.flatten()[0]).all().item<bool>();
}

}  // namespace

Reference::Reference(const Source& source, const Signature& signature, const BoundBatch& example,
                     const std::vector<std::string>& claimed)
    : source_(source),
      signature_(signature),
      by_name_(!is_program() || knows_names(source.program->signature(), signature)) {
  source_.program->settle(to_source(example));
  const auto& all = source_.program->output_names();
  for (const auto& name : is_program() || claimed == all ? std::vector<std::string>() : claimed) {
    const auto at = std::ranges::find(all, name);
    if (at == all.end()) {
      chosen_.clear();
      break;
    }
    names_.push_back(name);
    chosen_.push_back(static_cast<size_t>(at - all.begin()));
  }
}

BoundBatch Reference::to_source(const BoundBatch& batch) const {
  Batch given{batch.origin, {}};
  const auto& own = source_.program->signature().inputs;
  for (size_t i = 0; i < batch.values.size(); ++i) {
    const std::string& name = signature_.inputs[i].name;
    const bool is_made_anew = !is_program() && name == "position_ids" && are_consecutive(batch.values[i]) &&
                              std::ranges::find(own, name, &Argument::name) == own.end();
    if (!is_made_anew) {
      given.values.push_back({by_name_ ? name : "", batch.values[i]});
    }
  }
  return source_.program->bind(given);
}

c10::IValue Reference::run(const BoundBatch& batch, GradMode grad) {
  std::optional<ResidencyGuard> residency;
  if (!is_program()) {  // else the checkpoint and the module are both in memory, each of them whole
    residency.emplace();
  }
  c10::IValue outputs = source_.program->run(to_source(batch), grad);
  if (chosen_.empty()) {
    return outputs;
  }
  const auto leaves = flatten_outputs(outputs);
  std::vector<c10::IValue> wanted;
  for (const size_t i : chosen_) {
    wanted.push_back(leaves.at(i).value);
  }
  return c10::ivalue::Tuple::create(std::move(wanted));
}

Recording Reference::record(const BoundBatch& batch, const RecordOptions& options) {
  return source_.program->record(to_source(batch), options);
}

}  // namespace bertjit
