// Dynamic int8 files for tests, made of float ones as torch.ao.quantization.quantize_dynamic makes them.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

namespace bertjit::testing {

/// The weights packed for quantized::linear_dynamic: int8, one scale for the tensor.
inline c10::IValue packed_weights(const at::Tensor& weight, const c10::IValue& bias) {
  const at::Tensor values = weight.detach();
  const double scale = values.abs().max().item<double>() / 127;
  torch::jit::Stack stack{at::quantize_per_tensor(values, scale, 0, at::kQInt8), bias};
  c10::Dispatcher::singleton().findSchemaOrThrow("quantized::linear_prepack", "").callBoxed(stack);
  return stack.at(0);
}

/// Puts quantized::linear_dynamic in place of the `linear` of every module that has a weight and a bias of its own.
/// Returns how many there were.
inline int quantize_linear_layers(const torch::jit::Module& root) {
  int count = 0;
  for (auto part : root.modules()) {
    if (!part.hasattr("weight") || !part.hasattr("bias") || !part.find_method("forward")) {
      continue;
    }
    const auto graph = part.get_method("forward").graph();
    for (torch::jit::Node* node : std::vector<torch::jit::Node*>(graph->nodes().begin(), graph->nodes().end())) {
      if (node->kind() != c10::aten::linear) {
        continue;
      }
      const c10::IValue packed = packed_weights(part.attr("weight").toTensor(), part.attr("bias"));
      part.register_attribute("_packed_params", packed.type(), packed);
      const torch::jit::WithInsertPoint before(node);
      torch::jit::Node* get = graph->insertNode(graph->createGetAttr(graph->inputs().at(0), "_packed_params"));
      torch::jit::Value* reduce = graph->insertConstant(true);
      torch::jit::Node* dynamic = graph->insertNode(graph->create(
          c10::Symbol::fromQualString("quantized::linear_dynamic"), {node->input(0), get->output(), reduce}, 1));
      node->output()->replaceAllUsesWith(dynamic->output());
      node->destroy();
      ++count;
    }
  }
  return count;
}

}  // namespace bertjit::testing
