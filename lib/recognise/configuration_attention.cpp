// Fields and facts of attention: how it is computed, its scale, what hides padding, DeBERTa's distances.
#include <algorithm>
#include <cmath>

#include "recognise/configuration.h"

namespace bertjit {

namespace {

/// Below this a number in the code is there to hide padding: -10000 in the first releases, the lowest of a dtype since.
constexpr double kHides = -1000;

void find_mask_fill(Subject& subject) {
  for (const CodeNode* node : subject.code.nodes()) {
    const std::string_view name = operator_name(*node);
    if (name != "mul" && name != "masked_fill" && name != "where" && name != "full" && name != "add") {
      continue;
    }
    for (const auto* input : node->inputs()) {
      const auto number = subject.code.number(input);
      if (number && *number <= kHides) {
        subject.result.mask_fill = number;
        return;
      }
    }
  }
}

/// How often scores are multiplied with one factor, in the eyes of the code.
std::vector<Observation> scales(const Subject& subject, double root) {
  std::vector<Observation> seen;
  for (const auto& attention : subject.calls.attentions()) {
    if (!attention.factor || !attention.query) {
      continue;
    }
    const double scale = attention.divides_by_root ? *attention.factor / root : *attention.factor;
    // Rounded, since the root is float32 in one place and float64 in another.
    const double rounded = std::round(scale * root * 1e5) / 1e5;
    seen.push_back({rounded, subject.calls.all()[*attention.query].module});
  }
  return seen;
}

/// Attention whose scale is not what the head size makes it. Where no layer scales at all, the factor is taken to be in
/// the query projections, as optimisers put it there.
void check_scale(Subject& subject, int64_t head_size) {
  const double root = std::sqrt(static_cast<double>(head_size));
  const auto seen = scales(subject, root);
  const double none = std::round(root * 1e5) / 1e5;
  const bool folded = head_size > 1 && !seen.empty() &&
                      std::ranges::all_of(seen, [&](const auto& scale) { return scale.value == none; });
  subject.result.scale_is_in_queries = folded;
  for (const auto& scale : seen) {
    if (scale.value != 1.0 && !folded) {
      subject.contradict("scale", scale.where,
                         "scores times " + nlohmann::json(scale.value.get<double>() / root).dump(),
                         "1 / sqrt(" + std::to_string(head_size) + ")");
    }
  }
}

}  // namespace

void configure_attention(Subject& subject, int64_t head_size) {
  size_t fused = 0;
  size_t eager = 0;
  for (const auto& attention : subject.calls.attentions()) {
    ++(attention.is_fused ? fused : eager);
  }
  subject.result.attention = fused > eager ? AttentionKind::kSdpa : AttentionKind::kEager;
  find_mask_fill(subject);
  for (const CodeNode* node : subject.code.nodes()) {
    if (operator_name(*node) == "dropout" && node->inputs().size() == 3 && subject.code.number(node->input(2)) == 1.0) {
      const auto before = subject.calls.nearest(node->input(0));
      subject.contradict("training", before ? subject.calls.all()[*before].module : "", "dropout that drops",
                         "none, as in evaluation");
    }
  }
  if (subject.result.architecture != "deberta-v2") {
    check_scale(subject, head_size);
  }
}

void configure_deberta(Subject& subject) {
  const std::string encoder = subject.base + "encoder.";
  const std::string table = encoder + "rel_embeddings.weight";
  const std::string self = subject.layers().front() + "attention.self.";
  const bool enabled = subject.has(table);
  subject.set("relative_attention", enabled, KnownFrom::kNames, table);
  subject.set("position_biased_input", subject.has(subject.base + "embeddings.position_embeddings.weight"),
              KnownFrom::kNames, "embeddings.position_embeddings.weight");
  subject.set("norm_rel_ebd", subject.has(encoder + "LayerNorm.weight") ? "layer_norm" : "none", KnownFrom::kNames,
              encoder + "LayerNorm.weight");
  const auto convolution = subject.shape(encoder + "conv.conv.weight");
  if (convolution.size() == 3) {
    subject.set("conv_kernel_size", convolution[2], KnownFrom::kShapes, encoder + "conv.conv.weight");
    subject.set("conv_groups", convolution[1] == 0 ? 1 : convolution[0] / convolution[1], KnownFrom::kShapes,
                encoder + "conv.conv.weight");
  }
  if (subject.has("lm_predictions.lm_head.dense.weight")) {
    subject.set("legacy", false, KnownFrom::kNames, "lm_predictions.lm_head.dense.weight");
    subject.set("tie_word_embeddings", false, KnownFrom::kNames, "lm_predictions.lm_head.dense.weight");
  }

  // Buckets: log(distance / middle) / log(widest), with middle half of the buckets and (longest - 1) / middle widest.
  double longest = 0;
  bool has_buckets = false;
  size_t gathers = 0;
  for (const CodeNode* node : subject.code.nodes()) {
    const std::string_view name = operator_name(*node);
    gathers += name == "gather" ? 1 : 0;
    if (name != "log" || subject.code.number(node->output())) {
      continue;
    }
    has_buckets = true;
    const CodeNode* made = node->input(0)->node();
    const auto middle = operator_name(*made) == "div" ? subject.code.number(made->input(1)) : std::nullopt;
    for (const auto& use : node->output()->uses()) {
      const auto widest = operator_name(*use.user) == "div" ? subject.code.number(use.user->input(1)) : std::nullopt;
      if (middle && widest && longest == 0) {  // later ones are of branches that are not taken
        const double found = std::round(std::exp(*widest) * *middle) + 1;
        longest = found > 1 && found < 1e9 ? found : 0;  // NaN is none
      }
    }
  }
  const auto rows = subject.shape(table);
  const int64_t span = rows.empty() ? 0 : rows[0] / 2;
  if (enabled) {
    subject.set("position_buckets", has_buckets ? span : -1, KnownFrom::kCode,
                has_buckets ? "log of distances" : table);
    if (has_buckets && longest > 1) {
      subject.set("max_relative_positions", static_cast<int64_t>(longest), KnownFrom::kCode, "log of distances");
    } else if (!has_buckets) {
      subject.set("max_relative_positions", span, KnownFrom::kShapes, table);
    }
  }
  if (!subject.result.config.contains("max_position_embeddings")) {
    subject.set("max_position_embeddings", std::max<int64_t>(512, static_cast<int64_t>(longest)), KnownFrom::kDefault);
  }

  // The kinds count in the scale also where relative attention is off.
  const size_t layers = subject.layers().size();
  const bool own_keys = subject.has(self + "pos_key_proj.weight");
  const bool own_queries = subject.has(self + "pos_query_proj.weight");
  const bool shared = enabled && !own_keys && !own_queries;
  const bool both = gathers >= 2 * layers;
  nlohmann::json kinds = nlohmann::json::array();
  if (own_keys || (shared && gathers > 0)) {
    kinds.push_back("c2p");
  }
  if (own_queries || (shared && both)) {
    kinds.push_back("p2c");
  }
  if (enabled) {
    subject.set("share_att_key", shared, KnownFrom::kNames, self + "pos_key_proj.weight");
  }
  subject.set("pos_att_type", kinds, own_keys || own_queries ? KnownFrom::kNames : KnownFrom::kCode,
              std::to_string(gathers) + " gathers in " + std::to_string(layers) + " layers");
}

}  // namespace bertjit
