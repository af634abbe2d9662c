#include "quantize/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "compare/outputs.h"
#include "infer/guards.h"
#include "infer/runner.h"
#include "locate/stepped_run.h"
#include "module/copy.h"

namespace bertjit {

namespace jit = torch::jit;

namespace {

/// Signal and noise of one or several tensors together.
struct NoiseSums {
  double signal = 0;
  double noise = 0;
  double max_abs_error = 0;

  void add(const at::Tensor& expected, const at::Tensor& actual) {
    if (!expected.is_floating_point() || expected.sizes() != actual.sizes() || expected.numel() == 0) {
      return;
    }
    const at::Tensor wide = expected.to(at::kDouble);
    const at::Tensor difference = actual.to(at::kDouble) - wide;
    signal += wide.square().sum().item<double>();
    noise += difference.square().sum().item<double>();
    max_abs_error = std::max(max_abs_error, difference.abs().max().item<double>());
  }
  double sqnr_db() const {
    return noise == 0 ? std::numeric_limits<double>::infinity() : 10 * std::log10(signal / noise);
  }
};

/// Adds what sets two outputs apart to `sums`.
void compare(const c10::IValue& expected, const c10::IValue& actual, NoiseSums& sums) {
  const auto expected_leaves = flatten_outputs(expected);
  const auto actual_leaves = flatten_outputs(actual);
  for (size_t i = 0; i < std::min(expected_leaves.size(), actual_leaves.size()); ++i) {
    if (expected_leaves[i].value.isTensor() && actual_leaves[i].value.isTensor()) {
      sums.add(expected_leaves[i].value.toTensor(), actual_leaves[i].value.toTensor());
    }
  }
}

/// One layer as a module of its own: what is done to it in the file can be done to it here.
jit::Module lone_layer(const UsedLayer& layer) {
  jit::Module module("Layer");
  module.register_parameter("weight", layer.weight.detach(), /*is_buffer=*/false);
  if (layer.kind == LayerUseKind::kEmbedding) {
    module.define("def forward(self, x):\n  return torch.embedding(self.weight, x)\n");
  } else if (layer.held_bias.tensor.defined()) {
    module.register_parameter("bias", layer.held_bias.tensor.detach(), /*is_buffer=*/false);
    module.define("def forward(self, x):\n  return torch.linear(x, self.weight, self.bias)\n");
  } else {
    module.define("def forward(self, x):\n  return torch.linear(x, self.weight)\n");
  }
  return module;
}

jit::Module quantized_layer(const UsedLayer& layer, const RewriteOptions& options) {
  const jit::Module module = lone_layer(layer);
  const ModuleLayers found = find_layers(module);
  rewrite_layers(module, {&found.layers.at(0)}, options);
  return module;
}

/// Measures every layer as its operator comes by, on the input it is given then.
class LayerWatcher : public StepWatcher {
 public:
  LayerWatcher(const jit::Module& module, const std::vector<UsedLayer>& layers, const std::vector<size_t>& indices,
               const RewriteOptions& options)
      : sums(layers.size()) {
    std::unordered_map<const void*, std::string> paths;
    for (const auto& item : module.named_modules()) {
      paths.emplace(item.value._ivalue().get(), item.name);
    }
    for (const size_t index : indices) {
      const auto pair =
          std::make_shared<Pair>(Pair{lone_layer(layers[index]), quantized_layer(layers[index], options), index});
      for (const auto& use : layers[index].uses) {
        const auto& inputs = use.product->inputs();
        const auto position = std::find(inputs.begin(), inputs.end(), use.input) - inputs.begin();
        places_[{use.product, paths[use.object.get()]}] = {pair, static_cast<size_t>(position)};
      }
    }
  }

  void entering(int64_t /*id*/, const jit::Node& node, const std::string& module, Slots& inputs) override {
    const auto it = places_.find({&node, module});
    if (it == places_.end()) {
      return;
    }
    const auto& [pair, position] = it->second;
    const c10::IValue& input = inputs.at(position).value;
    sums[pair->index].add(pair->plain.forward({input}).toTensor(), pair->quantized.forward({input}).toTensor());
  }

  std::vector<NoiseSums> sums;  ///< by index of the layer

 private:
  struct Pair {
    jit::Module plain;
    jit::Module quantized;
    size_t index;
  };
  std::map<std::pair<const jit::Node*, std::string>, std::pair<std::shared_ptr<Pair>, size_t>> places_;
};

std::vector<NoiseSums> measure_layers(const jit::Module& module, const std::vector<UsedLayer>& layers,
                                      const std::vector<size_t>& indices, const RewriteOptions& options,
                                      const std::vector<BoundBatch>& batches) {
  const GradGuard guard(GradMode::kInference);
  LayerWatcher watcher(module, layers, indices, options);
  for (const BoundBatch& batch : batches) {
    SteppedRun(module, watcher, QuantizedLinear::kAsWritten).run(batch.copy());
  }
  return watcher.sums;
}

/// The outputs' errors where one layer alone is int8.
NoiseSums errors_of_one(const jit::Module& module, size_t index, const RewriteOptions& options,
                        const RankingData& data) {
  const jit::Module copy = copy_module(module);
  const ModuleLayers found = find_layers(copy);
  rewrite_layers(copy, {&found.layers.at(index)}, options);
  ModuleRunner runner({copy, std::nullopt}, found.layers[index].name);
  NoiseSums sums;
  for (size_t i = 0; i < data.batches.size(); ++i) {
    compare(data.expected[i], runner.run_on_copy(data.batches[i], GradMode::kInference), sums);
  }
  return sums;
}

}  // namespace

std::vector<LayerSensitivity> rank_layers(const jit::Module& module, const std::vector<UsedLayer>& layers,
                                          const std::vector<size_t>& indices, const RewriteOptions& options,
                                          const RankingData& data, const std::function<void()>& done) {
  const auto own = measure_layers(module, layers, indices, options, data.batches);
  std::vector<LayerSensitivity> ranked;
  for (const size_t index : indices) {
    const NoiseSums outputs = errors_of_one(module, index, options, data);
    const auto weights = static_cast<uint64_t>(layers[index].weight.numel());
    ranked.push_back({.name = layers[index].name,
                      .layer_sqnr_db = own[index].sqnr_db(),
                      .output_sqnr_db = outputs.sqnr_db(),
                      .max_abs_error = outputs.max_abs_error,
                      .saved_bytes = weights * (sizeof(float) - 1)});
    done();
  }
  std::ranges::stable_sort(ranked, {}, &LayerSensitivity::output_sqnr_db);
  return ranked;
}

}  // namespace bertjit
