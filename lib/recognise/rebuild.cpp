#include <cmath>

#include "checkpoint/weights.h"
#include "recognise/recognise.h"
#include "support/error.h"

namespace bertjit {

namespace {

constexpr const char* kName = "the file's weights";

/// Whether `name` belongs to the projection of queries.
bool is_query(const std::string& name) {
  for (const char* part : {".query.", ".q_lin.", ".attn.q."}) {
    if (name.find(part) != std::string::npos) {
      return true;
    }
  }
  return false;
}

/// A view of a tensor's own memory, which it keeps alive.
TensorView view_of(const std::string& name, const at::Tensor& tensor) {
  const auto kept = std::make_shared<at::Tensor>(tensor.cpu().contiguous());
  auto* bytes = static_cast<std::byte*>(const_cast<void*>(kept->const_data_ptr()));
  return {name, container_dtype(kept->scalar_type()), kept->sizes().vec(), {bytes, kept->nbytes()}, kept};
}

double root_of_head_size(const nlohmann::json& config) {
  const bool is_distilbert = config.contains("dim");
  const auto hidden = config.at(is_distilbert ? "dim" : "hidden_size").get<int64_t>();
  const auto heads = config.at(is_distilbert ? "n_heads" : "num_attention_heads").get<int64_t>();
  return std::sqrt(static_cast<double>(hidden / std::max<int64_t>(heads, 1)));
}

TensorFile weights_of(const Recognition& recognition) {
  const at::NoGradGuard no_grad;
  TensorFile file{kName, {}, {}, {}};
  for (const auto& [name, tensor] : recognition.weights) {
    if (!tensor.is_floating_point()) {
      continue;
    }
    const bool is_scaled = recognition.scale_is_in_queries && is_query(name);
    file.tensors.push_back(view_of(name, is_scaled ? tensor * root_of_head_size(recognition.config) : tensor));
  }
  sort_by_name(file);
  return file;
}

/// One tensor in the place of an input that the module does not take.
at::Tensor missing_input(const ModelInput& input, const at::Tensor& ids) {
  return input.missing == InputDefault::kOnes ? at::ones_like(ids, at::kLong) : at::zeros_like(ids, at::kLong);
}

}  // namespace

std::unique_ptr<Model> rebuild(const Recognition& recognition, const RebuildOptions& options) {
  if (!recognition.recognised()) {
    throw Error(ErrorKind::kUnsupported, "no network to build: " + recognition.why_not);
  }
  ModelOptions model;
  model.head = recognition.head;
  model.attention = options.attention.value_or(recognition.attention);
  model.dtype = options.dtype.value_or(recognition.dtype);
  model.tie = Tie::kShare;
  return build_model({{}, Config(recognition.config, "the file's configuration"), weights_of(recognition)}, model);
}

std::vector<at::Tensor> network_inputs(const Recognition& recognition, const Model& network,
                                       const std::vector<at::Tensor>& arguments) {
  std::map<std::string, at::Tensor> given;
  for (size_t i = 0; i < arguments.size() && i < recognition.inputs.size(); ++i) {
    const RecognisedInput& input = recognition.inputs[i];
    if (!input.meaning.empty()) {
      given[input.meaning] = arguments[i];
    }
    if (input.meaning == "position_ids" || input.meaning == "inputs_embeds" || input.meaning == "head_mask") {
      throw Error(ErrorKind::kUnsupported, "the network that is built anew takes no " + input.meaning);
    }
  }
  if (!given.contains("input_ids")) {
    throw Error(ErrorKind::kUnsupported, "no argument of the module is known to be input_ids");
  }
  std::vector<at::Tensor> inputs;
  for (const auto& input : network.description().inputs) {
    const auto it = given.find(input.name);
    inputs.push_back(it == given.end() ? missing_input(input, given.at("input_ids")) : it->second);
  }
  return inputs;
}

}  // namespace bertjit
