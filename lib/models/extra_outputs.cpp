#include "models/extra_outputs.h"

#include <utility>

namespace bertjit {

ExtraOutputs::ExtraOutputs(const ModelParts& parts)
    : hidden_states(parts.options.output_hidden_states || parts.config.flag("output_hidden_states", false)),
      attentions(parts.options.output_attentions || parts.config.flag("output_attentions", false)),
      attention(attentions ? AttentionKind::kEager : parts.options.attention) {}

void append_names(bool wanted, const std::string& name, int64_t count, std::vector<std::string>& outputs) {
  for (int64_t i = 0; wanted && i < count; ++i) {
    outputs.push_back(name + "." + std::to_string(i));
  }
}

void append_tuple(bool wanted, const std::vector<at::Tensor>& tensors, std::vector<c10::IValue>& items) {
  if (wanted) {
    std::vector<c10::IValue> elements(tensors.begin(), tensors.end());
    items.emplace_back(c10::ivalue::Tuple::create(std::move(elements)));
  }
}

}  // namespace bertjit
