// What this room's tests share: traces in memory as files of others, and what they and the rebuilt networks answer.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/native/quantized/PackedParams.h>

#include "checkpoint/checkpoint.h"
#include "checkpoint/weights.h"
#include "compare/outputs.h"
#include "infer/batch.h"
#include "infer/runner.h"
#include "module/save.h"
#include "recognise/recognise.h"
#include "record/record.h"
#include "testing/testing.h"

namespace bertjit::testing {

/// A trace of `model`, saved and loaded again, without claims.
inline LoadedModule traced(const Model& model) {
  const Signature signature = model_signature(model.description(), "the model");
  const bool has_choices = model.description().inputs[0].rank == 3;
  const std::vector<int64_t> shape = has_choices ? std::vector<int64_t>{2, 3, 7} : std::vector<int64_t>{2, 7};
  const BoundBatch example = bind_batch(shape_batch(shape, signature, 1), signature);
  const Recording recording = record_model(model, example.tensors(), {GradMode::kOn, Shapes::kDynamic});
  std::string bytes;
  serialize_module(recording.module, {"traced", {}}, [&](std::span<const std::byte> part) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return {load_module_from_bytes(bytes, "traced.pt"), std::nullopt};
}

inline LoadedModule traced(const std::filesystem::path& directory, AttentionKind attention = AttentionKind::kSdpa) {
  ModelOptions options;
  options.attention = attention;
  return traced(*build_model(open_checkpoint(directory), options));
}

/// The other inputs of the network beside ids: some padding, two segments.
inline std::vector<at::Tensor> arguments_for(const Recognition& recognition) {
  const bool has_choices = recognition.head.ends_with("MultipleChoice");
  const std::vector<int64_t> shape = has_choices ? std::vector<int64_t>{2, 3, 9} : std::vector<int64_t>{3, 9};
  const auto vocabulary = recognition.config.at("vocab_size").get<int64_t>();
  at::Tensor ids = at::arange(3 * 9 * (has_choices ? 2 : 1), at::kLong).mul(7).add(2).remainder(vocabulary - 3).add(3);
  ids = ids.reshape(shape);
  at::Tensor mask = at::ones_like(ids);
  mask.select(0, 1).narrow(-1, 6, 3).zero_();
  at::Tensor segments = at::zeros_like(ids);
  if (recognition.config.value("type_vocab_size", 0) > 1) {
    segments.narrow(-1, 4, 5).fill_(1);
  }
  std::vector<at::Tensor> arguments;
  for (const auto& input : recognition.inputs) {
    arguments.push_back(input.meaning == "input_ids" ? ids : input.meaning == "token_type_ids" ? segments : mask);
  }
  return arguments;
}

/// Greatest difference of the module's outputs and the rebuilt network's that have one name, and how many there are.
struct Agreement {
  size_t compared = 0;
  size_t outputs = 0;
  double max_abs_error = 0;
};

inline Agreement agreement(LoadedModule& loaded, const Recognition& recognition,
                           const std::vector<at::Tensor>& arguments, const RebuildOptions& options = {}) {
  const at::NoGradGuard no_grad;
  const auto network = rebuild(recognition, options);
  const auto actual = flatten_outputs(loaded.module.forward({arguments.begin(), arguments.end()}));
  const auto expected = flatten_outputs(network->forward(network_inputs(recognition, *network, arguments)));
  const auto& names = network->description().outputs;
  Agreement result{0, actual.size(), 0};
  for (size_t i = 0; i < actual.size() && i < recognition.outputs.size(); ++i) {
    const auto name = std::find(names.begin(), names.end(), recognition.outputs[i]);
    if (name == names.end()) {
      continue;
    }
    const at::Tensor reference = expected[static_cast<size_t>(name - names.begin())].value.toTensor();
    const at::Tensor found = actual[i].value.toTensor();
    REQUIRE(reference.sizes() == found.sizes());
    const double error = (reference.to(at::kDouble) - found.to(at::kDouble)).abs().max().item<double>();
    // NaN is no agreement.
    result.max_abs_error =
        std::isnan(error) ? std::numeric_limits<double>::infinity() : std::max(result.max_abs_error, error);
    ++result.compared;
  }
  return result;
}

/// An int8 weight packed for quantized::linear_dynamic.
inline c10::IValue packed_int8(const at::Tensor& weight, const at::Tensor& bias) {
  using Packed = c10::intrusive_ptr<LinearPackedParamsBase>;
  return c10::IValue(c10::Dispatcher::singleton()
                         .findSchemaOrThrow("quantized::linear_prepack", "")
                         .typed<Packed(at::Tensor, std::optional<at::Tensor>)>()
                         .call(weight, bias.defined() ? std::optional(bias) : std::nullopt));
}

/// Calls `change` on the nodes `kind` ("aten::gelu") in the code of the module at `path`; requires that there are any.
inline void edit(const torch::jit::Module& root, const std::string& path, const std::string& kind,
                 const std::function<void(torch::jit::Node*)>& change) {
  int found = 0;
  for (const auto& module : root.named_modules()) {
    const auto method = module.name == path ? module.value.find_method("forward") : std::nullopt;
    if (!method) {
      continue;
    }
    const auto graph = method->graph();
    for (torch::jit::Node* node : graph->nodes()) {
      if (node->kind() == c10::Symbol::fromQualString(kind)) {
        const torch::jit::WithInsertPoint guard(node);
        change(node);
        ++found;
      }
    }
  }
  REQUIRE(found > 0);
}

/// Replaces the `index`-th input of a node by a constant.
inline std::function<void(torch::jit::Node*)> set_input(size_t index, const c10::IValue& value) {
  return [=](torch::jit::Node* node) { node->replaceInput(index, node->owningGraph()->insertConstant(value)); };
}

/// "field @ where: found -> taken" of every contradiction, one a line.
inline std::string contradictions_of(const Recognition& recognition) {
  std::ostringstream text;
  for (const auto& item : recognition.contradictions) {
    text << item.field << " @ " << item.where << ": " << item.found << " -> " << item.taken << "\n";
  }
  return text.str();
}

}  // namespace bertjit::testing
