#include "verify/rebuilt_network.h"

#include <algorithm>
#include <utility>

#include "compare/outputs.h"
#include "infer/guards.h"
#include "support/error.h"

namespace bertjit {

RebuiltNetwork::RebuiltNetwork(const LoadedModule& loaded, Signature signature)
    : loaded_(loaded), signature_(std::move(signature)) {}

const Recognition& RebuiltNetwork::recognition() {
  if (!recognition_) {
    recognition_ = recognise(loaded_, loaded_.claims);
  }
  return *recognition_;
}

const std::string& RebuiltNetwork::why_not() {
  if (model_ == nullptr && why_not_.empty()) {
    why_not_ = recognition().why_not;
    if (why_not_.empty()) {
      try {
        model_ = rebuild(recognition());
      } catch (const Error& error) {
        why_not_ = error.what();
      }
    }
  }
  return why_not_;
}

std::string RebuiltNetwork::name() const {
  return recognition_ && recognition_->recognised() ? recognition_->architecture + " " + recognition_->head : "";
}

const std::vector<std::string>& RebuiltNetwork::output_names() const {
  static const std::vector<std::string> kNone;
  return recognition_ ? recognition_->outputs : kNone;
}

const std::vector<std::string>& RebuiltNetwork::all_output_names() const {
  return model_->description().outputs;
}

const Model& RebuiltNetwork::model() {
  if (!why_not().empty()) {
    throw Error(ErrorKind::kUnsupported, why_not_);
  }
  return *model_;
}

BoundBatch RebuiltNetwork::inputs_for(const BoundBatch& batch) {
  BoundBatch inputs{batch.origin, {}, {}};
  for (auto& tensor : network_inputs(recognition(), model(), batch.tensors())) {
    // Embedding tables take int32 ids as well; a mask of floats or bools means the same as one of integers.
    inputs.values.emplace_back(tensor.scalar_type() == at::kInt ? tensor : tensor.to(at::kLong));
    inputs.sources.emplace_back("given");
  }
  return inputs;
}

c10::IValue RebuiltNetwork::run(const BoundBatch& batch, GradMode grad) {
  const auto leaves = flatten_outputs(program().run(inputs_for(batch), grad));
  const auto& names = all_output_names();
  std::vector<c10::IValue> wanted;
  for (const auto& name : output_names()) {
    const auto at = name.empty() ? names.end() : std::find(names.begin(), names.end(), name);
    wanted.push_back(at == names.end() ? c10::IValue() : leaves.at(static_cast<size_t>(at - names.begin())).value);
  }
  return c10::ivalue::Tuple::create(std::move(wanted));
}

std::optional<OutputDifference> RebuiltNetwork::compare(const BoundBatch& batch, const c10::IValue& actual,
                                                        const Tolerance& tolerance) {
  const c10::IValue expected = run(batch, GradMode::kOff);
  const auto& wanted = expected.toTupleRef().elements();
  const auto leaves = flatten_outputs(actual);
  std::vector<c10::IValue> left, right;
  std::vector<std::string> names;
  for (size_t i = 0; i < leaves.size() && i < wanted.size(); ++i) {
    if (!wanted[i].isNone()) {
      left.push_back(wanted[i]);
      right.push_back(leaves[i].value);
      names.push_back(output_names()[i]);
    }
  }
  if (left.empty()) {
    return std::nullopt;
  }
  return compare_named(c10::ivalue::Tuple::create(std::move(left)), c10::ivalue::Tuple::create(std::move(right)), names,
                       tolerance);
}

Recording RebuiltNetwork::record(const BoundBatch& batch, const RecordOptions& options) {
  return program().record(inputs_for(batch), options);
}

Recordable& RebuiltNetwork::program() {
  if (!program_) {
    program_.emplace(model(), signature_.owner + ", built anew");
  }
  return *program_;
}

std::optional<torch::jit::Module> RebuiltNetwork::module() const {
  return model_ == nullptr ? std::nullopt : std::make_optional(model_->module());
}

}  // namespace bertjit
