// One operator with another function, setting or operand.
#include <cmath>

#include <torch/csrc/jit/ir/constants.h>

#include "container/tensors.h"
#include "mutate/graph_sites.h"

namespace bertjit {

namespace {

namespace jit = torch::jit;

SiteTest operator_test(const char* name) {
  return [name](const jit::Node& node) { return is_operator(node, name); };
}

bool is_exact_gelu(const jit::Node& node) {
  const auto kind = is_operator(node, "gelu") ? jit::toIValue(node.namedInput("approximate")) : std::nullopt;
  return kind && kind->isString() && kind->toStringRef() == "none";
}

std::string replace_function(const Site& site, const char* name) {
  jit::Value* input = site.node->input(0);
  edit_output(site, [&](jit::Graph& graph, jit::Value*) { return call(graph, name, {input}); });
  const std::string old_name = site.node->kind().toUnqualString();
  site.node->destroy();
  return old_name + " -> " + name;
}

/// What a sublayer gave, plus what it was given.
bool is_residual(const jit::Node& node) {
  return is_operator(node, "add") && is_tensor(node.input(0)) && is_tensor(node.input(1)) &&
         is_module_output(node.input(0)) != is_module_output(node.input(1)) &&
         (node.input(0)->node()->kind() == c10::prim::Param || node.input(1)->node()->kind() == c10::prim::Param);
}

jit::Value* sublayer_of(const jit::Node& node) {
  return node.input(is_module_output(node.input(0)) ? 0 : 1);
}

/// Two modules' outputs added: words and segments, words and positions.
bool is_sum_of_modules(const jit::Node& node) {
  return is_operator(node, "add") && is_tensor(node.input(1)) && is_module_output(node.input(0)) &&
         is_module_output(node.input(1));
}

bool is_softmax_over_keys(const jit::Node& node) {
  return is_operator(node, "softmax") && constant_number(node, "dim") == -1;
}

/// What attention is divided by, where it is spelled out.
bool is_scaling(const jit::Node& node) {
  return is_operator(node, "div") && constant_number(node, "other").value_or(0) > 1;
}

bool is_fused_attention(const jit::Node& node) {
  return is_operator(node, "scaled_dot_product_attention");
}

bool is_masked_fused_attention(const jit::Node& node) {
  return is_fused_attention(node) && node.namedInput("attn_mask")->type()->kind() != c10::TypeKind::NoneType;
}

/// Scores plus mask, right before the softmax.
bool is_mask_added(const jit::Node& node) {
  if (!is_operator(node, "add") || !is_tensor(node.input(1)) || node.input(1)->node()->kind() != c10::prim::Param) {
    return false;
  }
  const auto& uses = node.output()->uses();
  return uses.size() == 1 && is_operator(*uses[0].user, "softmax");
}

std::string ignore_mask(const Site& site, Workpiece&) {
  if (is_fused_attention(*site.node)) {
    set_input(site, "attn_mask", c10::IValue());
  } else {
    replace_site(site, site.node->input(0));
  }
  return "the mask is not used";
}

std::string scale_wrongly(const Site& site, Workpiece&) {
  if (is_fused_attention(*site.node)) {
    // No head size that there is has this root.
    set_input(site, "scale", 0.3);
    return "scale 0.3";
  }
  const double divisor = constant_number(*site.node, "other").value();
  set_input(site, "other", divisor * divisor);
  return "scores divided by " + std::to_string(divisor * divisor) + " instead of " + std::to_string(divisor);
}

/// [4, 8] heads become [8, 4] in all of the method.
std::string split_heads_wrongly(const Site& site, Workpiece&) {
  const auto old_sizes = constant_sizes(site.node->namedInput("sizes"));
  if (!old_sizes || old_sizes->size() != 2 || old_sizes->back() % 2 != 0) {
    return "";
  }
  const std::vector<int64_t> new_sizes = {old_sizes->front() * 2, old_sizes->back() / 2};
  for (jit::Node* node : site.graph->nodes()) {
    if (is_operator(*node, "unflatten")) {
      set_input({site.module, site.graph, node}, "sizes", new_sizes);
    }
  }
  return std::to_string(new_sizes[0]) + " heads instead of " + std::to_string(old_sizes->front());
}

/// A mask's "minus infinity".
bool is_mask_fill(const jit::Node& node) {
  return (is_operator(node, "mul") && constant_number(node, "other").value_or(0) < -1e4) ||
         (is_operator(node, "masked_fill") && constant_number(node, "value").value_or(0) < -1e4);
}

/// The first rows of the position table.
bool is_position_slice(const jit::Node& node) {
  return is_operator(node, "slice") && constant_number(node, "dim") == 0 && constant_number(node, "start") == 0 &&
         node.input(0)->node()->kind() == c10::prim::GetAttr;
}

std::string offset_positions(const Site& site, Workpiece&) {
  set_input(site, "start", 1);
  const jit::WithInsertPoint guard(site.node);
  site.node->replaceInput(3, call(*site.graph, "add", {site.node->input(3), 1}));
  return "positions begin with 1";
}

std::string bake_positions(const Site& site, Workpiece& work) {
  set_input(site, "end", work.options.length);
  return "positions for " + std::to_string(work.options.length) + " tokens";
}

/// Heads joined: [batch, seq, heads, size] -> [batch, seq, hidden].
bool is_heads_joined(const jit::Node& node) {
  return is_operator(node, "flatten") && constant_number(node, "start_dim") == -2;
}

std::string bake_view(const Site& site, std::vector<int64_t> shape) {
  for (const jit::Node* node : site.graph->nodes()) {
    const auto heads = is_operator(*node, "unflatten") ? constant_sizes(node->namedInput("sizes")) : std::nullopt;
    if (heads && heads->size() == 2) {
      shape.back() = heads->front() * heads->back();
      jit::Value* input = site.node->input(0);
      edit_output(site, [&](jit::Graph& graph, jit::Value*) { return call(graph, "reshape", {input, shape}); });
      site.node->destroy();
      return "heads joined to " + shape_text(shape);
    }
  }
  return "";
}

bool is_first_token(const jit::Node& node) {
  return is_operator(node, "select") && constant_number(node, "dim") == 1 && constant_number(node, "index") == 0;
}

/// A mutation that takes the operator out and lets its first operand through.
MutationEntry dropped(const char* name, const char* description, const char* operator_name) {
  return site_mutation(name, description, operator_test(operator_name), [operator_name](const Site& site, Workpiece&) {
    replace_site(site, site.node->input(0));
    return std::string(operator_name) + " left out";
  });
}

/// A mutation that sets an input to a constant.
MutationEntry setting(const char* name, const char* description, SiteTest fits, const char* input,
                      const c10::IValue& constant, const char* what) {
  return site_mutation(name, description, std::move(fits), [=](const Site& site, Workpiece&) {
    set_input(site, input, constant);
    return std::string(what);
  });
}

/// A mutation that does something to what a linear layer gives.
MutationEntry after_linear(const char* name, const char* description, ValueEdit edit) {
  return site_mutation(name, description, operator_test("linear"), [=](const Site& site, Workpiece&) {
    edit_output(site, edit);
    return std::string(description);
  });
}

jit::Value* through_half(jit::Graph& graph, jit::Value* value) {
  jit::Value* half = call(graph, "to", {value, static_cast<int64_t>(at::kHalf)});
  return call(graph, "to", {half, static_cast<int64_t>(at::kFloat)});
}

jit::Value* with_noise(jit::Graph& graph, jit::Value* value) {
  jit::Value* noise = call(graph, "mul", {call(graph, "randn_like", {value}), 1e-2});
  return call(graph, "add", {value, noise});
}

}  // namespace

std::vector<MutationEntry> operator_mutations() {
  return {
      setting("gelu_tanh", "the tanh approximation of one GELU", is_exact_gelu, "approximate", "tanh",
              "gelu by its tanh approximation"),
      site_mutation("gelu_relu", "ReLU in place of one GELU", operator_test("gelu"),
                    [](const Site& site, Workpiece&) { return replace_function(site, "relu"); }),
      dropped("activation_dropped", "one activation left out", "gelu"),
      site_mutation("tanh_sin", "sin in place of one tanh", operator_test("tanh"),
                    [](const Site& site, Workpiece&) { return replace_function(site, "sin"); }),
      setting("norm_epsilon", "another epsilon in one normalisation", operator_test("layer_norm"), "eps", 1e-3,
              "epsilon 1e-3"),
      dropped("norm_dropped", "one normalisation left out", "layer_norm"),
      setting("norm_unscaled", "one normalisation without its weight", operator_test("layer_norm"), "weight",
              c10::IValue(), "the weight is not used"),
      setting("bias_unused", "one linear layer without its bias", operator_test("linear"), "bias", c10::IValue(),
              "the bias is not used"),
      site_mutation("residual_dropped", "a layer's input is not added to its output", is_residual,
                    [](const Site& site, Workpiece&) {
                      replace_site(site, sublayer_of(*site.node));
                      return std::string("the residual is not added");
                    }),
      setting("residual_doubled", "a layer's input is added twice", is_residual, "alpha", 2, "alpha 2"),
      site_mutation("embedding_dropped", "one of the embeddings is not added", is_sum_of_modules,
                    [](const Site& site, Workpiece& work) {
                      replace_site(site, site.node->input(work.dice.below(2)));
                      return std::string("one embedding is not added");
                    }),
      setting("softmax_dim", "softmax over queries", is_softmax_over_keys, "dim", -2, "softmax over queries"),
      site_mutation(
          "attention_scale", "another scale of attention in one layer",
          [](const jit::Node& node) { return is_fused_attention(node) || is_scaling(node); }, scale_wrongly),
      site_mutation(
          "mask_ignored_in_layer", "one layer does not use the mask",
          [](const jit::Node& node) { return is_masked_fused_attention(node) || is_mask_added(node); }, ignore_mask),
      site_mutation("value_is_key", "attention sums keys in place of values", is_fused_attention,
                    [](const Site& site, Workpiece&) {
                      site.node->replaceInput(2, site.node->input(1));
                      return std::string("keys in place of values");
                    }),
      site_mutation("heads_split", "twice as many heads of half the size", operator_test("unflatten"),
                    split_heads_wrongly),
      site_mutation("mask_weak", "padding is filled with -1 in place of minus infinity", is_mask_fill,
                    [](const Site& site, Workpiece&) {
                      set_input(site, is_operator(*site.node, "mul") ? "other" : "value", -1.0);
                      return std::string("padding is filled with -1");
                    }),
      site_mutation("position_offset", "positions begin with 1", is_position_slice, offset_positions),
      site_mutation("positions_baked", "positions for the example's length alone", is_position_slice, bake_positions),
      site_mutation("batch_baked", "the example's batch size in a view", is_heads_joined,
                    [](const Site& site, Workpiece& work) {
                      return bake_view(site, {work.options.batch, -1, 0});
                    }),
      site_mutation("length_baked", "the example's length in a view", is_heads_joined,
                    [](const Site& site, Workpiece& work) {
                      return bake_view(site, {-1, work.options.length, 0});
                    }),
      setting("pooled_token", "the second token is pooled", is_first_token, "index", 1, "token 1 is pooled"),
      after_linear("dropout_active", "dropout behind one linear layer",
                   [](jit::Graph& graph, jit::Value* value) {
                     return call(graph, "dropout", {value, 0.1, true});
                   }),
      after_linear("noise_added", "random numbers added behind one linear layer", with_noise),
      after_linear("half_inside", "float16 behind one linear layer, and back", through_half),
      after_linear("clamped", "one linear layer's output cut to [-1, 1]",
                   [](jit::Graph& graph, jit::Value* value) {
                     return call(graph, "clamp", {value, -1, 1});
                   }),
  };
}

}  // namespace bertjit
