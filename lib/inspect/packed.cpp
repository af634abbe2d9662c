#include "inspect/packed.h"

#include <cstdio>
#include <string_view>

#include <torch/csrc/jit/runtime/operator.h>

namespace bertjit {

namespace {

constexpr std::string_view kClasses = ".classes.quantized.";

/// The operator that takes a class's weights out: "Conv2dPackedParamsBase" -> "quantized::conv2d_unpack".
std::string unpacking_operator(const std::string& class_name) {
  for (const auto& [begin, name] : {std::pair("LinearPackedParams", "quantized::linear_unpack"),
                                    std::pair("Conv2dPackedParams", "quantized::conv2d_unpack"),
                                    std::pair("Conv3dPackedParams", "quantized::conv3d_unpack"),
                                    std::pair("EmbeddingPackedParams", "quantized::embedding_bag_unpack")}) {
    if (class_name.starts_with(begin)) {
      return name;
    }
  }
  return "";
}

}  // namespace

bool is_packed_type(const c10::TypePtr& type) {
  const auto class_type = type->cast<c10::ClassType>();
  return class_type != nullptr && class_type->name() &&
         class_type->name()->qualifiedName().find(kClasses) != std::string::npos;
}

std::vector<std::pair<std::string, at::Tensor>> unpack_weights(const c10::IValue& value) {
  if (!value.isObject() || !is_packed_type(value.type())) {
    return {};
  }
  const std::string name = unpacking_operator(value.type()->expectRef<c10::ClassType>().name()->name());
  const auto operators = name.empty() ? std::vector<std::shared_ptr<torch::jit::Operator>>()
                                      : torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(name));
  if (operators.empty()) {
    return {};
  }
  torch::jit::Stack stack{value};
  try {
    operators.front()->getOperation()(stack);
  } catch (const c10::Error&) {
    return {};  // packed for a kernel that this processor has not
  }
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (size_t i = 0; i < stack.size() && i < 2; ++i) {
    if (stack[i].isTensor() && stack[i].toTensor().defined()) {
      tensors.emplace_back(i == 0 ? "weight" : "bias", stack[i].toTensor());
    }
  }
  return tensors;
}

std::string scale_text(const at::Tensor& tensor) {
  if (!tensor.is_quantized()) {
    return "";
  }
  if (tensor.qscheme() != c10::kPerTensorAffine) {
    return std::to_string(tensor.q_per_channel_scales().numel()) + " scales along dimension " +
           std::to_string(tensor.q_per_channel_axis());
  }
  char scale[32];
  std::snprintf(scale, sizeof scale, "%.9g", tensor.q_scale());
  return "scale " + std::string(scale) + ", zero point " + std::to_string(tensor.q_zero_point());
}

}  // namespace bertjit
