#include "infer/runner.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "infer/guards.h"
#include "support/error.h"

namespace bertjit {

namespace {

std::string shapes_text(const Signature& signature, const BoundBatch& batch) {
  std::ostringstream text;
  for (size_t i = 0; i < batch.tensors.size(); ++i) {
    text << (i == 0 ? "" : ", ") << signature.inputs[i].name << " " << batch.tensors[i].sizes();
  }
  return text.str();
}

/// libtorch's message without the TorchScript stack around it: the last line of the interpreter's report.
std::string essential_message(const std::string& message) {
  const std::string marker = "RuntimeError: ";
  const size_t start = message.rfind(marker);
  const std::string essence = start == std::string::npos ? message : message.substr(start + marker.size());
  return essence.substr(0, essence.find_last_not_of(" \n") + 1);
}

template <typename Forward>
c10::IValue run_forward(const Signature& signature, const BoundBatch& batch, GradMode grad, const char* advice,
                        Forward forward) {
  const GradGuard guard(grad);
  std::string message;
  try {
    return forward();
  } catch (const c10::Error& error) {
    message = essential_message(error.what_without_backtrace());
  } catch (const std::runtime_error& error) {
    message = essential_message(error.what());
  }
  throw Error(ErrorKind::kInvalidArgument,
              signature.owner + ": does not run on " + shapes_text(signature, batch) + ": " + message + advice);
}

/// Rows of the embedding table whose name ends in `table`; 0 if there is none.
int64_t rows_of(const torch::jit::Module& module, const std::string& table) {
  for (const auto& parameter : module.named_parameters()) {
    if (parameter.name.ends_with(table) && parameter.value.dim() == 2) {
      return parameter.value.size(0);
    }
  }
  return 0;
}

/// What is usual for an argument of this name, when nothing better is known.
ModelInput guessed_input(const std::string& name, const torch::jit::Module& module) {
  if (name == "attention_mask") {
    return {name, InputDefault::kOnes, 0};
  }
  if (name == "token_type_ids") {
    return {name, InputDefault::kZeros, rows_of(module, "token_type_embeddings.weight")};
  }
  return {name, InputDefault::kRequired, name == "input_ids" ? rows_of(module, "word_embeddings.weight") : 0};
}

}  // namespace

Signature model_signature(const ModelDescription& description, const std::string& owner) {
  return {owner, description.inputs, description.max_positions};
}

EagerRunner::EagerRunner(const Model& model, const std::string& owner)
    : model_(model), signature_(model_signature(model.description(), owner)) {}

c10::IValue EagerRunner::run(const BoundBatch& batch, GradMode grad) {
  return run_forward(signature_, batch, grad, "", [&] { return model_.forward(batch.tensors); });
}

ModuleRunner::ModuleRunner(LoadedModule loaded, const std::string& owner, const ModelDescription* known)
    : loaded_(std::move(loaded)) {
  signature_.owner = owner;
  const auto forward = loaded_.module.find_method("forward");
  if (!forward) {
    throw Error(ErrorKind::kUnsupported, owner + ": the module has no forward method");
  }
  const auto& arguments = forward->function().getSchema().arguments();
  for (size_t i = 1; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    if (argument.type()->kind() != c10::TypeKind::TensorType) {
      throw Error(ErrorKind::kUnsupported, owner + ": argument '" + argument.name() + "' of forward is " +
                                               argument.type()->annotation_str() + ", only tensors are supported");
    }
    ModelInput input = guessed_input(argument.name(), loaded_.module);
    if (known != nullptr) {
      for (const auto& candidate : known->inputs) {
        input = candidate.name == input.name ? candidate : input;
      }
    }
    signature_.inputs.push_back(std::move(input));
  }
  signature_.max_positions =
      known != nullptr ? known->max_positions : rows_of(loaded_.module, ".position_embeddings.weight");
  if (known != nullptr) {
    output_names_ = known->outputs;
  }
  if (loaded_.claims && !loaded_.claims->outputs.empty()) {
    output_names_ = loaded_.claims->outputs;
  }
}

ModuleRunner ModuleRunner::fresh_copy() const {
  ModuleRunner copy = *this;
  copy.loaded_.module = loaded_.module.clone();
  return copy;
}

c10::IValue ModuleRunner::run(const BoundBatch& batch, GradMode grad) {
  const bool fixed = loaded_.claims && loaded_.claims->dynamic_length == false;
  const char* advice = fixed ? "; it was traced with --fixed-shapes: pad the input to the traced length (--pad-to), or "
                               "trace again without --fixed-shapes"
                             : "; a trace made for one length takes no other: pad the input (--pad-to), or trace the "
                               "checkpoint with bertjit, which records sizes";
  return run_forward(signature_, batch, grad, advice, [&] {
    return loaded_.module.forward(std::vector<c10::IValue>(batch.tensors.begin(), batch.tensors.end()));
  });
}

}  // namespace bertjit
