#include "quantize/packing.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/cpu/Utils.h>

namespace bertjit {

namespace {

constexpr double kLeastInt8 = -128, kMostInt8 = 127, kStepsUInt8 = 254;

/// As UniformQuantizationObserverBase keeps scales off zero.
at::Tensor above_epsilon(const at::Tensor& scale) {
  return at::max(scale, at::scalar_tensor(std::numeric_limits<float>::epsilon()));
}

/// max(|least|, |greatest|) over half of the steps there are.
at::Tensor symmetric_scale(const at::Tensor& least, const at::Tensor& greatest) {
  const at::Tensor range = at::max(-least.clamp_max(0), greatest.clamp_min(0));
  return above_epsilon(range / ((kMostInt8 - kLeastInt8) / 2));
}

c10::IValue call(const char* name, torch::jit::Stack stack) {
  c10::Dispatcher::singleton().findSchemaOrThrow(name, "").callBoxed(stack);
  return stack.at(0);
}

}  // namespace

at::Tensor quantize_weight(const at::Tensor& weight, QuantizeScheme scheme) {
  const at::Tensor values = weight.detach().contiguous();
  if (scheme == QuantizeScheme::kPerTensor) {
    const auto [least, greatest] = at::aminmax(values);
    return at::quantize_per_tensor(values, symmetric_scale(least, greatest).item<float>(), 0, at::kQInt8);
  }
  const auto [least, greatest] = at::aminmax(values, 1);
  const at::Tensor scales = symmetric_scale(least, greatest);
  return at::quantize_per_channel(values, scales.to(at::kDouble), at::zeros(scales.sizes(), at::kLong), 0, at::kQInt8);
}

at::Tensor quantize_table(const at::Tensor& table) {
  const at::Tensor values = table.detach().contiguous();
  // Zero is in every row's range, as PyTorch's observers have it: numbers are then at most 255 steps from it.
  const at::Tensor least = at::amin(values, 1).clamp_max(0);
  const at::Tensor greatest = at::amax(values, 1).clamp_min(0);
  const at::Tensor steps = (greatest - least) / kStepsUInt8;
  // A row of one number, or of next to nothing, is one step from zero.
  const at::Tensor size = at::maximum(greatest, -least);
  const at::Tensor lone = at::where(size == 0, at::ones_like(size), size);
  const at::Tensor is_one = at::amin(values, 1) == at::amax(values, 1);
  const at::Tensor has_steps = (steps > std::numeric_limits<float>::epsilon()).logical_and(is_one.logical_not());
  const at::Tensor scales = at::where(has_steps, steps, lone);
  return at::quantize_per_channel(values, scales, (-least / scales).round(), 0, at::kQUInt8);
}

c10::IValue pack_linear(const at::Tensor& weight, const at::Tensor& bias) {
  const c10::IValue given = bias.defined() ? c10::IValue(bias.detach().contiguous()) : c10::IValue();
  return call("quantized::linear_prepack", {weight, given});
}

c10::IValue pack_embedding(const at::Tensor& table) {
  return call("quantized::embedding_bag_prepack", {table});
}

std::pair<double, double> scale_range(const at::Tensor& quantized) {
  if (quantized.qscheme() == at::kPerTensorAffine) {
    return {quantized.q_scale(), quantized.q_scale()};
  }
  const auto [least, greatest] = at::aminmax(quantized.q_per_channel_scales().to(at::kDouble));
  return {least.item<double>(), greatest.item<double>()};
}

bool has_int8_instructions() {
  return at::cpu::is_avx512_vnni_supported();
}

}  // namespace bertjit
