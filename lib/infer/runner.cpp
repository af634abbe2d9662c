#include "infer/runner.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/passes/inliner.h>

#include "infer/guards.h"
#include "infer/values.h"
#include "support/error.h"
#include "support/flight_recorder.h"

namespace bertjit {

namespace {

std::string shapes_text(const Signature& signature, const BoundBatch& batch) {
  std::ostringstream text;
  for (size_t i = 0; i < batch.values.size(); ++i) {
    for (const auto& leaf : leaves_of(batch.values[i], signature.inputs[i].name)) {
      text << (text.tellp() == 0 ? "" : ", ") << leaf.name << " ";
      if (leaf.value.isTensor()) {
        text << leaf.value.toTensor().sizes();
      } else {
        text << python_text(leaf.value);
      }
    }
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
  const Stage stage("run", signature.owner, flight_recorder() < 0 ? "" : shapes_text(signature, batch));
  const GradGuard guard(grad);
  std::string message;
  try {
    return forward();
  } catch (const c10::Error& error) {
    message = essential_message(error.what_without_backtrace());
  } catch (const std::runtime_error& error) {
    message = essential_message(error.what());
  }
  throw RunError(signature.owner + ": does not run on " + shapes_text(signature, batch) + ": " + message + advice);
}

/// Rows of a table that `part` holds packed for quantized::embedding_byte; 0 if it holds none.
int64_t packed_rows(const torch::jit::Module& part) {
  constexpr const char* kPacked = "_packed_params";
  if (!part.hasattr(kPacked) || part.attr(kPacked).type()->str().find("EmbeddingPackedParams") == std::string::npos) {
    return 0;
  }
  torch::jit::Stack stack{part.attr(kPacked)};
  c10::Dispatcher::singleton().findSchemaOrThrow("quantized::embedding_bag_unpack", "").callBoxed(stack);
  return stack.at(0).toTensor().size(0);
}

/// Rows of the embedding table whose name ends in `table`, int8 or not; 0 if there is none.
int64_t rows_of(const torch::jit::Module& module, const std::string& table) {
  for (const auto& parameter : module.named_parameters()) {
    if (parameter.name.ends_with(table) && parameter.value.dim() == 2) {
      return parameter.value.size(0);
    }
  }
  for (const auto& part : module.named_modules()) {
    if ((part.name + ".weight").ends_with(table)) {
      return packed_rows(part.value);
    }
  }
  return 0;
}

/// Rows of the first of the tables that is there; 0 if none is.
int64_t rows_of_first(const torch::jit::Module& module, std::initializer_list<const char*> tables) {
  int64_t rows = 0;
  for (const char* table : tables) {
    rows = rows == 0 ? rows_of(module, table) : rows;
  }
  return rows;
}

/// How many rows of its position table stand before a text's first position. RoBERTa and its kin count from padding:
/// their positions are cumsum(input_ids != padding) + padding, which begins at padding + 1; others begin at 0.
int64_t rows_before_first_position(const torch::jit::Block& code) {
  for (const torch::jit::Node* node : code.nodes()) {
    // The network may stand in a loop over texts, or on one side of a branch.
    for (const torch::jit::Block* inner : node->blocks()) {
      if (const int64_t rows = rows_before_first_position(*inner); rows > 0) {
        return rows;
      }
    }
    if (node->kind() != c10::aten::cumsum) {
      continue;
    }
    const torch::jit::Node* counted = node->input(0)->node();
    while (counted->kind() == c10::aten::to) {
      counted = counted->input(0)->node();
    }
    const auto padding = counted->kind() == c10::aten::ne ? torch::jit::toIValue(counted->input(1)) : std::nullopt;
    if (padding && padding->isInt()) {
      return padding->toInt() + 1;
    }
  }
  return 0;
}

/// The longest sequence that the module's table of positions allows; 0 if it has none.
int64_t guessed_max_positions(const torch::jit::Module& module, const torch::jit::Method& forward) {
  const int64_t rows = rows_of_first(module, {".position_embeddings.weight", ".embed_positions.weight"});
  if (rows == 0) {
    return 0;
  }
  const auto graph = forward.graph()->copy();
  torch::jit::Inline(*graph);
  return std::max<int64_t>(rows - rows_before_first_position(*graph->block()), 0);
}

bool is_tensor_type(const c10::TypePtr& type) {
  return type->kind() == c10::TypeKind::TensorType ||
         (type->kind() == c10::TypeKind::OptionalType &&
          type->expectRef<c10::OptionalType>().getElementType()->kind() == c10::TypeKind::TensorType);
}

/// What is usual for a tensor of this name, when nothing better is known. Encoder-decoders call what is their decoder's
/// decoder_input_ids, decoder_attention_mask.
ModelInput guessed_input(const std::string& name, const LoadedModule& loaded) {
  const torch::jit::Module& module = loaded.module;
  ModelInput input{name, InputDefault::kRequired, 0};
  if (name.ends_with("attention_mask")) {
    input.missing = InputDefault::kOnes;
  } else if (name == "token_type_ids") {
    input.missing = InputDefault::kZeros;
    input.limit = rows_of(module, "token_type_embeddings.weight");
  } else if (name == "input_ids") {
    input.limit = rows_of_first(module, {"word_embeddings.weight", "shared.weight", "encoder.embed_tokens.weight"});
  } else if (name == "decoder_input_ids") {
    input.limit = rows_of_first(module, {"shared.weight", "decoder.embed_tokens.weight"});
  }
  const bool knows_head = loaded.claims && !loaded.claims->head.empty();
  input.rank = !knows_head ? 0 : loaded.claims->head.ends_with("MultipleChoice") ? 3 : 2;
  input.sequence = name.starts_with("decoder_") ? InputSequence::kDecoder : InputSequence::kMain;
  return input;
}

/// Whether it is a model of texts: one whose arguments are limited ids, or go with such.
bool takes_ids(const Signature& signature) {
  return std::ranges::any_of(signature.inputs, [](const Argument& input) {
    return input.limit > 0 || input.missing != InputDefault::kRequired || input.rank != 0;
  });
}

}  // namespace

Signature model_signature(const ModelDescription& description, const std::string& owner) {
  Signature signature{owner, {}, description.max_positions, description.decoder_start_token_id};
  for (const auto& input : description.inputs) {
    signature.inputs.push_back({input});
  }
  return signature;
}

EagerRunner::EagerRunner(const Model& model, const std::string& owner)
    : model_(model), signature_(model_signature(model.description(), owner)) {}

c10::IValue EagerRunner::run(const BoundBatch& batch, GradMode grad) {
  return run_forward(signature_, batch, grad, "", [&] { return model_.forward(batch.tensors()); });
}

ModuleRunner::ModuleRunner(LoadedModule loaded, const std::string& owner, const ModelDescription* known)
    : loaded_(std::move(loaded)) {
  signature_.owner = owner;
  const auto forward = loaded_.module.find_method("forward");
  if (!forward) {
    throw Error(ErrorKind::kUnsupported, owner + ": the module has no forward method");
  }
  const auto& arguments = forward->function().getSchema().arguments();
  // Files of others may call their arguments argument_1, input, x.1; claims say what they are.
  const bool has_claimed_names = loaded_.claims && loaded_.claims->inputs.size() + 1 == arguments.size();
  for (size_t i = 1; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    const std::string& name = has_claimed_names ? loaded_.claims->inputs[i - 1] : argument.name();
    if (!is_tensor_type(argument.type())) {
      signature_.inputs.emplace_back(name, argument.type(), argument.default_value());
      continue;
    }
    ModelInput input = guessed_input(name, loaded_);
    if (known != nullptr) {
      for (const auto& candidate : known->inputs) {
        input = candidate.name == input.name ? candidate : input;
      }
    }
    signature_.inputs.emplace_back(std::move(input), argument.type(), argument.default_value());
  }
  signature_.max_positions = known != nullptr ? known->max_positions : guessed_max_positions(loaded_.module, *forward);
  if (known != nullptr) {
    signature_.decoder_start_token_id = known->decoder_start_token_id;
    output_names_ = known->outputs;
  }
  if (loaded_.claims && !loaded_.claims->outputs.empty()) {
    output_names_ = loaded_.claims->outputs;
  }
}

ModuleRunner ModuleRunner::fresh_copy() const {
  ModuleRunner copy = *this;
  copy.loaded_.module = loaded_.module.clone(/*inplace=*/true);
  c10::IValue::HashIdentityIValueMap copied;
  for (const auto& part : copy.loaded_.module.modules()) {
    const auto& type = part.type();
    for (size_t i = 0; i < type->numAttributes(); ++i) {
      if (!type->is_parameter(i) && !type->getAttribute(i)->is_module()) {
        part._ivalue()->setSlot(i, part._ivalue()->getSlot(i).deepcopy(copied));
      }
    }
  }
  return copy;
}

c10::IValue ModuleRunner::run(const BoundBatch& batch, GradMode grad) {
  const bool fixed = loaded_.claims && loaded_.claims->dynamic_length == false;
  const char* advice = fixed ? "; it was traced with --fixed-shapes: pad the input to the traced length (--pad-to), or "
                               "trace again without --fixed-shapes"
                             : "; a trace made for one length takes no other: pad the input (--pad-to), or trace the "
                               "checkpoint with bertjit, which records sizes";
  return run_forward(signature_, batch, grad, takes_ids(signature_) ? advice : "",
                     [&] { return loaded_.module.forward(batch.values); });
}

}  // namespace bertjit
