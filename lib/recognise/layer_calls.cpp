#include "recognise/layer_calls.h"

#include <cmath>

namespace bertjit {

namespace {

constexpr int kDeepest = 64;

/// "a.b.weight" is of "a.b"; packed weights of a quantised layer are of the layer that holds them.
std::string owner_of(const std::string& attribute) {
  std::string name = attribute;
  while (name.ends_with("._packed_params")) {
    name.resize(name.size() - std::string("._packed_params").size());
    if (!name.ends_with("._packed_params")) {
      return name;
    }
  }
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

bool is_product(std::string_view name) {
  return name == "matmul" || name == "bmm" || name == "baddbmm";
}

}  // namespace

LayerCalls::LayerCalls(const ModuleCode& code) : code_(code) {
  for (const CodeNode* node : code.nodes()) {
    add_call(*node);
  }
  for (const CodeNode* node : code.nodes()) {
    add_attention(*node);
  }
}

void LayerCalls::add(LayerKind kind, const CodeNode& node, const CodeValue* input, const CodeValue* weight,
                     const CodeValue* bias, const CodeValue* output) {
  const std::string attribute = code_.attribute(weight);
  LayerCall call{kind, owner_of(attribute), &node, input, output, code_.tensor(weight), {}};
  if (bias != nullptr) {
    call.bias = code_.tensor(bias);
  }
  const std::string_view name = operator_name(node);
  // A transpose of a constant was folded into it, by whoever made it one.
  if ((name == "addmm" || name == "matmul") && weight->node()->kind() == c10::prim::Constant && call.weight.defined()) {
    call.weight = call.weight.dim() == 2 ? call.weight.t() : at::Tensor();
  }
  if (attribute.empty() && !call.weight.defined()) {
    return;  // neither an attribute nor a constant: a product of two activations
  }
  by_output_[output] = calls_.size();
  calls_.push_back(std::move(call));
}

void LayerCalls::add_call(const CodeNode& node) {
  const std::string_view name = operator_name(node);
  const size_t count = node.inputs().size();
  if (node.outputs().size() != 1) {
    return;
  }
  if (name == "linear" && count == 3) {
    add(LayerKind::kLinear, node, node.input(0), node.input(1), node.input(2), node.output());
  } else if ((name == "linear_dynamic" || name == "linear_dynamic_fp16") && count >= 2) {
    const CodeValue* output = scaled_back(node.output());
    const CodeValue* input = output == node.output() ? node.input(0) : before_spreading(node.input(0));
    add(LayerKind::kLinear, node, input, node.input(1), nullptr, output);
  } else if (name == "addmm" && count >= 3) {
    add(LayerKind::kLinear, node, node.input(1), node.input(2), node.input(0), node.output());
  } else if (name == "matmul" && count == 2) {
    // matmul(x, weight.t()) and, after it, the bias: what releases before 1.7 recorded for more than two dimensions.
    const CodeValue* output = node.output();
    const CodeValue* bias = nullptr;
    if (output->uses().size() == 1) {
      const CodeNode& user = *output->uses()[0].user;
      if (operator_name(user) == "add" && user.inputs().size() >= 2) {
        const CodeValue* other = user.input(0) == output ? user.input(1) : user.input(0);
        if (!code_.attribute(other).empty() || (code_.tensor(other).defined() && code_.tensor(other).dim() == 1)) {
          bias = other;
          output = user.output();
        }
      }
    }
    add(LayerKind::kLinear, node, node.input(0), node.input(1), bias, output);
  } else if (name == "embedding" && count >= 2) {
    add(LayerKind::kEmbedding, node, node.input(1), node.input(0), nullptr, node.output());
  } else if (name == "embedding_byte" && count >= 2) {
    add(LayerKind::kEmbedding, node, node.input(1), node.input(0), nullptr, node.output());
  } else if (name == "layer_norm" && count >= 5) {
    add(LayerKind::kLayerNorm, node, node.input(0), node.input(2), node.input(3), node.output());
  } else if ((name == "conv1d" || name == "_convolution" || name == "convolution") && count >= 3) {
    add(LayerKind::kConvolution, node, node.input(0), node.input(1), node.input(2), node.output());
  }
}

const CodeValue* LayerCalls::scaled_back(const CodeValue* product) const {
  const auto next = [](const CodeValue* value, std::string_view name) -> const CodeValue* {
    if (value == nullptr || value->uses().size() != 1) {
      return nullptr;
    }
    const CodeNode& user = *value->uses()[0].user;
    return operator_name(user) == name && user.input(0) == value ? user.output() : nullptr;
  };
  const CodeValue* shifted = next(next(product, "mul"), "addcmul");
  if (shifted == nullptr) {
    return product;
  }
  const CodeValue* sum = next(shifted, "add");
  return sum != nullptr && !code_.attribute(sum->node()->input(1)).empty() ? sum : shifted;
}

const CodeValue* LayerCalls::before_spreading(const CodeValue* input) {
  const auto first = [](const CodeValue* value, std::string_view name) -> const CodeValue* {
    const bool is_it = value != nullptr && !value->node()->inputs().empty() && operator_name(*value->node()) == name;
    return is_it ? value->node()->input(0) : nullptr;
  };
  const CodeValue* token = first(first(input, "div"), "sub");
  return token == nullptr ? input : token;
}

std::vector<const LayerCall*> LayerCalls::of(const std::string& module) const {
  std::vector<const LayerCall*> found;
  for (const auto& call : calls_) {
    if (call.module == module) {
      found.push_back(&call);
    }
  }
  return found;
}

std::optional<size_t> LayerCalls::maker(const CodeValue* value) const {
  for (int depth = 0; depth < kDeepest; ++depth) {
    const auto it = by_output_.find(value);
    if (it != by_output_.end()) {
      return it->second;
    }
    const CodeValue* next = behind_views(value);
    if (next == value) {
      const CodeNode* node = value->node();
      // Parts of a tensor: split, chunk, unbind.
      if (node->kind() != c10::prim::ListUnpack || node->input(0)->node()->inputs().empty()) {
        return std::nullopt;
      }
      next = node->input(0)->node()->input(0);
    }
    // The views may lie over a layer's output, and that over another view.
    const CodeValue* step = value;
    while (step != next && !by_output_.contains(step)) {
      const CodeNode* node = step->node();
      if (node->inputs().empty()) {
        break;
      }
      step = node->kind() == c10::prim::ListUnpack ? next : node->input(0);
    }
    value = step == value ? next : step;
  }
  return std::nullopt;
}

std::optional<size_t> LayerCalls::nearest(const CodeValue* value) const {
  for (int depth = 0; depth < kDeepest; ++depth) {
    if (const auto found = maker(value)) {
      return found;
    }
    value = behind_views(value);
    const CodeNode* node = value->node();
    if (node->inputs().empty() || node->kind() == c10::prim::GetAttr) {
      return std::nullopt;
    }
    value = node->input(0);
  }
  return std::nullopt;
}

std::optional<size_t> LayerCalls::scaled_maker(const CodeValue* value, double& scale) const {
  for (int depth = 0; depth < kDeepest; ++depth) {
    if (const auto found = maker(value)) {
      return found;
    }
    value = behind_views(value);
    const CodeNode* node = value->node();
    const std::string_view name = operator_name(*node);
    if ((name != "div" && name != "mul") || node->inputs().size() < 2) {
      return std::nullopt;
    }
    const auto factor = code_.number(node->input(1));
    if (!factor) {
      return std::nullopt;
    }
    scale *= name == "div" ? 1 / *factor : *factor;
    value = node->input(0);
  }
  return std::nullopt;
}

std::optional<double> LayerCalls::eager_scale(const CodeValue* scores, AttentionCall& call) const {
  double scale = 1;
  for (int depth = 0; depth < kDeepest; ++depth) {
    const CodeNode* node = scores->node();
    const std::string_view name = operator_name(*node);
    if (is_product(name) && node->inputs().size() >= 2) {
      const size_t first = name == "baddbmm" ? 1 : 0;
      call.query = scaled_maker(node->input(first), scale);
      call.key = scaled_maker(node->input(first + 1), scale);
      return call.query && call.key ? std::make_optional(scale) : std::nullopt;
    }
    if (node->inputs().empty()) {
      return std::nullopt;
    }
    if (name == "div" || name == "mul") {
      const auto factor = code_.number(node->input(1));
      if (!factor) {
        return std::nullopt;
      }
      scale *= name == "div" ? 1 / *factor : *factor;
    } else if (name == "where" && node->inputs().size() == 3) {
      scores = node->input(2);
      continue;
    } else if (name == "add" && code_.number(node->input(0))) {
      scores = node->input(1);
      continue;
    }
    scores = node->input(0);
  }
  return std::nullopt;
}

void LayerCalls::add_attention(const CodeNode& node) {
  const std::string_view name = operator_name(node);
  if (name == "scaled_dot_product_attention" && node.inputs().size() >= 6) {
    AttentionCall call{true, code_.number(node.input(5)).value_or(0) != 0, {}, {}, {}, {}, true};
    double factor = 1;
    call.query = scaled_maker(node.input(0), factor);
    call.key = scaled_maker(node.input(1), factor);
    double factor_of_values = 1;
    call.value = scaled_maker(node.input(2), factor_of_values);
    if (const auto given = node.inputs().size() > 6 ? code_.number(node.input(6)) : std::nullopt) {
      factor *= *given;
      call.divides_by_root = false;
    }
    call.factor = factor;
    attentions_.push_back(call);
  } else if (name == "softmax" && !node.inputs().empty()) {
    AttentionCall call{false, false, {}, {}, {}, {}, false};
    call.factor = eager_scale(node.input(0), call);
    // probabilities, perhaps through dropout, times values
    const CodeValue* probabilities = node.output();
    for (int depth = 0; depth < 4 && !call.value; ++depth) {
      const CodeValue* next = nullptr;
      for (const auto& use : probabilities->uses()) {
        if (is_product(operator_name(*use.user)) && use.user->inputs().size() == 2) {
          double scale = 1;
          call.value = scaled_maker(use.user->input(1), scale);
        } else if (use.offset == 0 && use.user->outputs().size() == 1 &&
                   behind_views(use.user->output()) != use.user->output()) {
          next = use.user->output();
        }
      }
      if (next == nullptr) {
        break;
      }
      probabilities = next;
    }
    attentions_.push_back(call);
  }
}

}  // namespace bertjit
