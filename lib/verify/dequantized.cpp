#include "verify/dequantized.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include <torch/csrc/jit/ir/ir.h>

namespace bertjit {

namespace {

namespace jit = torch::jit;

constexpr std::string_view kLinear = "quantized::linear_dynamic";
constexpr std::string_view kLinearRelu = "quantized::linear_relu_dynamic";

// What rounds activations to integers, or computes with such.
constexpr std::array<std::string_view, 6> kQuantizing = {
    "aten::quantize_per_tensor",        "aten::quantize_per_tensor_dynamic", "aten::quantize_per_channel",
    "aten::_choose_qparams_per_tensor", "aten::choose_qparams_optimized",    "aten::_int_mm"};

// Of quantized::, what reads weights, or computes in float16 or floats.
constexpr std::array<std::string_view, 5> kNotQuantizing = {
    "quantized::linear_unpack", "quantized::linear_unpack_fp16", "quantized::linear_prepack",
    "quantized::linear_dynamic_fp16", "quantized::linear_relu_dynamic_fp16"};

bool quantizes(std::string_view name) {
  return std::ranges::find(kQuantizing, name) != kQuantizing.end() ||
         (name.starts_with("quantized::") && !name.starts_with("quantized::embedding") &&
          std::ranges::find(kNotQuantizing, name) == kNotQuantizing.end());
}

bool computes_in_integers(const jit::Block& block) {
  return std::ranges::any_of(block.nodes(), [](const jit::Node* node) {
    return quantizes(node->kind().toQualString()) ||
           std::ranges::any_of(node->blocks(), [](const jit::Block* inner) { return computes_in_integers(*inner); });
  });
}

void replace(jit::Node* node, bool with_relu) {
  jit::Graph& graph = *node->owningGraph();
  const jit::WithInsertPoint before(node);
  jit::Node* unpack =
      graph.insertNode(graph.create(c10::Symbol::fromQualString("quantized::linear_unpack"), {node->input(1)}, 2));
  unpack->output(1)->setType(c10::OptionalType::ofTensor());
  jit::Value* weight = graph.insert(c10::aten::dequantize, {unpack->output(0)});
  jit::Value* result = graph.insert(c10::aten::linear, {node->input(0), weight, unpack->output(1)});
  if (with_relu) {
    result = graph.insert(c10::aten::relu, {result});
  }
  node->output()->replaceAllUsesWith(result);
  node->destroy();
}

int64_t dequantize(jit::Block& block) {
  const std::vector<jit::Node*> nodes(block.nodes().begin(), block.nodes().end());
  int64_t left = 0;
  for (jit::Node* node : nodes) {
    for (jit::Block* inner : node->blocks()) {
      left += dequantize(*inner);
    }
    const std::string_view name = node->kind().toQualString();
    if (name == kLinear || name == kLinearRelu) {
      replace(node, name == kLinearRelu);
    } else {
      left += quantizes(name) ? 1 : 0;
    }
  }
  return left;
}

}  // namespace

bool computes_in_integers(const torch::jit::Module& module) {
  for (const auto& part : module.modules()) {
    for (const auto& method : part.get_methods()) {
      if (computes_in_integers(*method.graph()->block())) {
        return true;
      }
    }
  }
  return false;
}

int64_t dequantize_linear_layers(const torch::jit::Module& module) {
  int64_t left = 0;
  for (const auto& part : module.modules()) {
    for (const auto& method : part.get_methods()) {
      left += dequantize(*method.graph()->block());
    }
  }
  return left;
}

}  // namespace bertjit
