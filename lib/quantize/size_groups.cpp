#include "quantize/size_groups.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include <ATen/native/quantized/PackedParams.h>
#include <ATen/native/quantized/cpu/EmbeddingPackedParams.h>

namespace bertjit {

namespace {

/// Of a quantized tensor with its scales and zero points, as libtorch writes them.
uint64_t bytes_of(const at::Tensor& tensor) {
  uint64_t bytes = tensor.nbytes();
  if (tensor.is_quantized() && tensor.qscheme() != at::kPerTensorAffine) {
    bytes += tensor.q_per_channel_scales().nbytes() + tensor.q_per_channel_zero_points().nbytes();
  }
  return bytes;
}

bool holds(const c10::IValue& value, const char* what) {
  return value.isObject() && value.toObject()->type()->name() &&
         value.toObject()->type()->name()->name() == std::string(what);
}

uint64_t packed_linear_bytes(const c10::IValue& value) {
  const auto [weight, bias] = value.toCustomClass<LinearPackedParamsBase>()->unpack();
  return bytes_of(weight) + (bias && bias->defined() ? bytes_of(*bias) : 0);
}

}  // namespace

SizeGrouper::SizeGrouper(const torch::jit::Module& module, const std::vector<UsedLayer>& layers) {
  std::unordered_map<const void*, std::string> paths;
  for (const auto& item : module.named_modules()) {
    paths.emplace(item.value._ivalue().get(), item.name);
  }
  for (const auto& layer : layers) {
    const bool is_linear = layer.kind == LayerUseKind::kLinear;
    if (layer.held_weight.owner != nullptr) {
      (is_linear ? linear_ : embeddings_).push_back(paths[layer.held_weight.owner.get()]);
    }
  }
  std::ranges::sort(linear_);
  std::ranges::sort(embeddings_);
}

SizeGrouper::Group SizeGrouper::group_of(const std::string& module_path) const {
  // Positions may be sliced in place of being looked up: no layer says that they are embeddings.
  if (std::ranges::binary_search(embeddings_, module_path) || module_path.ends_with("embeddings")) {
    return Group::kEmbeddings;
  }
  return std::ranges::binary_search(linear_, module_path) ? Group::kLinear : Group::kRest;
}

GroupBytes SizeGrouper::measure(const torch::jit::Module& module) const {
  GroupBytes bytes;
  std::set<const void*> counted;
  const auto count = [&](const at::Tensor& tensor, Group group) {
    if (!tensor.defined() || !counted.insert(tensor.storage().data()).second) {
      return;
    }
    const uint64_t size = tensor.storage().nbytes();
    bytes.embeddings += group == Group::kEmbeddings ? size : 0;
    bytes.linear += group == Group::kLinear ? size : 0;
  };
  // Tables first: a decoder that shares one's storage adds nothing to it.
  for (const bool of_embeddings : {true, false}) {
    for (const auto& part : module.named_modules()) {
      const Group group = group_of(part.name);
      for (const auto& attribute : part.value.named_attributes(/*recurse=*/false)) {
        const c10::IValue& value = attribute.value;
        if (value.isTensor() && (group == Group::kEmbeddings) == of_embeddings) {
          count(value.toTensor(), group);
        } else if (of_embeddings && holds(value, "LinearPackedParamsBase")) {
          bytes.linear += packed_linear_bytes(value);
        } else if (of_embeddings && holds(value, "EmbeddingPackedParamsBase")) {
          bytes.embeddings += bytes_of(value.toCustomClass<EmbeddingPackedParamsBase>()->unpack());
        }
      }
    }
  }
  return bytes;
}

std::vector<ByteGroup> size_groups(const GroupBytes& before, uint64_t before_bytes, const GroupBytes& after,
                                   uint64_t after_bytes) {
  const auto rest = [](const GroupBytes& groups, uint64_t all) {
    const uint64_t known = groups.embeddings + groups.linear;
    return all > known ? all - known : 0;
  };
  return {{"embeddings", before.embeddings, after.embeddings},
          {"linear layers", before.linear, after.linear},
          {"rest", rest(before, before_bytes), rest(after, after_bytes)}};
}

}  // namespace bertjit
