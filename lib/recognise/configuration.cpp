#include "recognise/configuration.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "recognise/naming.h"

namespace bertjit {

namespace {

/// The head size of every published model of the family but the tiny ones.
constexpr int64_t kUsualHeadSize = 64;

std::vector<int64_t> sizes_of(const ModuleCode& code, const CodeValue* list) {
  std::vector<int64_t> sizes;
  if (const auto constant = torch::jit::toIValue(list); constant && constant->isIntList()) {
    return constant->toIntVector();
  }
  if (list->node()->kind() == c10::prim::ListConstruct) {
    for (const CodeValue* item : list->node()->inputs()) {
      sizes.push_back(code.whole_number(item).value_or(0));
    }
  }
  return sizes;
}

void configure_tables(Subject& subject) {
  const std::string tables = subject.base + "embeddings.";
  const auto words = subject.shape(tables + "word_embeddings.weight");
  if (words.size() != 2) {
    subject.result.why_not = tables + "word_embeddings.weight has " + std::to_string(words.size()) + " dimensions";
    return;
  }
  subject.set("vocab_size", words[0], KnownFrom::kShapes, tables + "word_embeddings.weight");
  const auto positions = subject.shape(tables + "position_embeddings.weight");
  if (!positions.empty()) {
    subject.set("max_position_embeddings", positions[0], KnownFrom::kShapes, tables + "position_embeddings.weight");
  }
  if (subject.result.architecture != "distilbert" && subject.result.architecture != "mpnet") {
    const auto types = subject.shape(tables + "token_type_embeddings.weight");
    subject.set("type_vocab_size", types.empty() ? 0 : types[0], types.empty() ? KnownFrom::kNames : KnownFrom::kShapes,
                tables + "token_type_embeddings.weight");
  }
}

void configure_sizes(Subject& subject, const std::vector<std::string>& layers) {
  const LayerParts& parts = subject.family().parts;
  const FieldNames names = field_names(subject.result.architecture);
  const std::string query = layers.front() + parts.query + ".weight";
  const std::string up = layers.front() + parts.up + ".weight";
  const auto hidden = subject.shape(query);
  const auto wide = subject.shape(up);
  if (hidden.size() != 2 || wide.size() != 2) {
    subject.result.why_not = "has no matrices " + query + " and " + up;
    return;
  }
  subject.set(names.hidden, hidden[1], KnownFrom::kShapes, query);
  subject.set(names.intermediate, wide[0], KnownFrom::kShapes, up);
  const auto words = subject.shape(subject.base + "embeddings.word_embeddings.weight");
  for (const char* with_embedding_size : {"albert", "electra", "deberta-v2"}) {
    if (subject.result.architecture == with_embedding_size) {
      subject.set("embedding_size", words[1], KnownFrom::kShapes, subject.base + "embeddings.word_embeddings.weight");
    }
  }
}

/// Layers by number; ALBERT's, which are used many times, by how often they are.
void configure_layers(Subject& subject, const std::vector<std::string>& layers) {
  const FieldNames names = field_names(subject.result.architecture);
  const std::string list = subject.path(subject.base + subject.family().layers);
  if (subject.result.architecture != "albert") {
    for (size_t i = 0; i < layers.size(); ++i) {
      if (layers[i] != subject.base + subject.family().layers + std::to_string(i) + ".") {
        subject.contradict("num_hidden_layers", list, "no layer " + std::to_string(i) + " before " + layers[i],
                           std::to_string(layers.size()));
        break;
      }
    }
    subject.set(names.layers, layers.size(), KnownFrom::kNames, list + "*");
    return;
  }
  std::set<std::string> groups;
  for (const auto& layer : layers) {
    groups.insert(layer.substr(0, layer.find(".albert_layers.")));
  }
  const size_t inner = layers.size() / std::max<size_t>(groups.size(), 1);
  subject.set("num_hidden_groups", groups.size(), KnownFrom::kNames, list + "*");
  subject.set("inner_group_num", inner, KnownFrom::kNames, list + "0.albert_layers.*");
  size_t calls = 0;
  for (const auto& layer : layers) {
    calls += subject.calls_of(layer + subject.family().parts.norm).size();
  }
  if (calls < layers.size() || inner == 0) {
    subject.set(names.layers, 12, KnownFrom::kDefault);
  } else {
    subject.set(names.layers, calls / inner, KnownFrom::kCode,
                "layer_norm at " + subject.path(layers.front() + subject.family().parts.norm));
  }
}

/// Number of heads. 0 if it cannot be told.
int64_t configure_heads(Subject& subject, const std::vector<std::string>& layers) {
  const FieldNames names = field_names(subject.result.architecture);
  const int64_t hidden = subject.result.config.at(names.hidden).get<int64_t>();
  const LayerParts& parts = subject.family().parts;
  std::vector<Observation> seen;
  for (const auto& layer : layers) {
    for (const auto& part : {parts.query, parts.key, parts.value}) {
      for (const auto* call : subject.calls_of(layer + part)) {
        const auto split = head_split(subject.code, call->output);
        const int64_t heads = !split             ? 0
                              : split->first > 0 ? split->first
                                                 : hidden / std::max<int64_t>(split->second, 1);
        if (heads > 0) {
          seen.push_back({heads, call->module});
        }
      }
    }
  }
  const std::string rows = subject.base + "encoder.relative_attention_bias.weight";
  if (seen.empty() && subject.shape(rows).size() == 2) {
    subject.set(names.heads, subject.shape(rows)[1], KnownFrom::kShapes, rows);
    return subject.shape(rows)[1];
  }
  const int64_t usual = hidden % kUsualHeadSize == 0 ? hidden / kUsualHeadSize : 1;
  return subject.vote(names.heads, seen, usual, "heads split").get<int64_t>();
}

/// Releases 2 and 3 left the eps of these to torch.nn.LayerNorm, whatever the config said.
bool has_torch_eps(const Subject& subject, const std::string& module, double eps) {
  const std::string below_root = module.substr(subject.result.root.size());
  return eps == 1e-5 && (below_root == "predictions.LayerNorm" || below_root == "generator_predictions.LayerNorm");
}

void configure_norms(Subject& subject) {
  std::vector<Observation> seen;
  for (const auto& call : subject.calls.all()) {
    if (call.kind != LayerKind::kLayerNorm || !call.module.starts_with(subject.result.root)) {
      continue;
    }
    const auto eps = subject.code.number(call.node->input(4));
    if (eps && has_torch_eps(subject, call.module, *eps)) {
      subject.set("lm_head_layer_norm_eps", *eps, KnownFrom::kCode, "layer_norm eps at " + call.module);
    } else if (eps) {
      seen.push_back({*eps, call.module});
    }
  }
  const std::string& type = subject.result.architecture;
  if (type != "distilbert") {
    subject.vote("layer_norm_eps", seen, type == "deberta-v2" ? 1e-7 : 1e-12, "layer_norm eps");
    return;
  }
  for (const auto& observation : seen) {  // it has no field: the reference has the number in its code
    if (observation.value != 1e-12) {
      subject.contradict("layer_norm_eps", observation.where, "layer_norm eps of " + observation.value.dump(), "1e-12");
    }
  }
}

/// All operators that a value is made from, as far as ids.
std::vector<const CodeNode*> made_from(const CodeValue* value) {
  std::vector<const CodeNode*> nodes;
  std::set<const CodeNode*> seen;
  std::vector<const CodeValue*> open{value};
  while (!open.empty() && nodes.size() < 200) {
    const CodeNode* node = open.back()->node();
    open.pop_back();
    if (node->kind() == c10::prim::Param || node->kind() == c10::prim::GetAttr || node->kind() == c10::prim::Constant ||
        !seen.insert(node).second) {
      continue;
    }
    nodes.push_back(node);
    open.insert(open.end(), node->inputs().begin(), node->inputs().end());
  }
  return nodes;
}

/// Padding, from the embeddings' padding_idx and, where positions are counted from it, from how they are.
void configure_padding(Subject& subject) {
  const Family& family = subject.family();
  std::vector<Observation> seen;
  const auto add_index = [&](const LayerCall& call) {
    const auto index = call.node->inputs().size() > 2 ? subject.code.whole_number(call.node->input(2)) : std::nullopt;
    if (index && *index >= 0) {
      seen.push_back({*index, call.module});
    }
  };
  for (const auto* call : subject.calls_of(subject.base + "embeddings.word_embeddings")) {
    add_index(*call);
  }
  for (const auto* call : subject.calls_of(subject.base + "embeddings.position_embeddings")) {
    const auto nodes = made_from(call->input);
    const bool counts =
        std::ranges::any_of(nodes, [](const CodeNode* node) { return operator_name(*node) == "cumsum"; });
    if (counts != family.positions_after_padding) {
      subject.contradict("position_ids", call->module,
                         counts ? "positions that skip padding" : "positions that do not skip padding",
                         counts ? "0, 1, 2 …" : "positions that begin after padding, as published");
    }
    if (!family.positions_after_padding) {
      continue;
    }
    add_index(*call);
    bool is_last = true;
    for (const CodeNode* node : nodes) {
      const std::string_view name = operator_name(*node);
      const auto number = node->inputs().size() > 1 ? subject.code.whole_number(node->input(1)) : std::nullopt;
      if (number && counts && (name == "ne" || (name == "add" && is_last))) {
        seen.push_back({*number, call->module});
        is_last = is_last && name != "add";
      }
    }
  }
  if (subject.result.architecture != "mpnet") {
    subject.vote("pad_token_id", seen, family.pad_token_id, "padding index");
  }
}

/// relative_key or relative_key_query, by the table and how many products with it a layer has.
void configure_positions(Subject& subject, const std::vector<std::string>& layers) {
  const std::string prefix = layers.front() + subject.family().parts.query;
  const std::string table = prefix.substr(0, prefix.rfind('.')) + ".distance_embedding.weight";
  if (!subject.has(table)) {
    return;
  }
  size_t products = 0;
  for (const CodeNode* node : subject.code.nodes()) {
    products += operator_name(*node) == "einsum" ? 1 : 0;
  }
  size_t uses = 0;
  for (const auto& layer : layers) {
    uses += subject.calls_of(layer + subject.family().parts.norm).size();
  }
  const bool with_keys = uses > 0 && products >= 2 * uses;
  subject.set("position_embedding_type", with_keys ? "relative_key_query" : "relative_key", KnownFrom::kCode,
              table + ", " + std::to_string(products) + " products with it");
  if (!subject.result.config.contains("max_position_embeddings")) {
    subject.set("max_position_embeddings", (subject.shape(table)[0] + 1) / 2, KnownFrom::kShapes, table);
  }
}

void configure_decoder(Subject& subject) {
  const std::string causal = causal_operator(subject);
  const auto kind = parse_class_name(subject.result.head)->kind;
  const bool is_language = kind == "ForCausalLM" || kind == "Model";
  if (!causal.empty() && !is_language) {
    subject.contradict("is_decoder", subject.result.root, causal + ": tokens attend backwards alone",
                       "false: " + subject.result.head + " attends to all");
  } else if (!causal.empty()) {
    subject.set("is_decoder", true, KnownFrom::kCode, causal);
  } else if (kind == "ForCausalLM") {
    subject.contradict("is_decoder", subject.result.root, "tokens attend to later ones", "false");
  }
}

void configure_labels(Subject& subject) {
  for (const char* weight :
       {"classifier.out_proj.weight", "classifier.weight", "sop_classifier.classifier.weight", "qa_outputs.weight"}) {
    const auto sizes = subject.shape(weight);
    if (!sizes.empty()) {
      subject.set("num_labels", sizes[0], KnownFrom::kShapes, weight);
      return;
    }
  }
}

/// Whether the decoder of a language model is the word embeddings.
void configure_tie(Subject& subject) {
  const at::Tensor words = subject.result.weights.at(subject.base + "embeddings.word_embeddings.weight");
  for (const char* name : {"cls.predictions.decoder.weight", "lm_head.decoder.weight", "predictions.decoder.weight",
                           "vocab_projector.weight", "generator_lm_head.weight"}) {
    const auto it = subject.result.weights.find(name);
    if (it != subject.result.weights.end()) {
      const bool same_shape = it->second.sizes() == words.sizes();
      bool tied = same_shape && it->second.equal(words);
      // Two tables that share most numbers were one.
      if (same_shape && !tied && it->second.eq(words).sum().item<int64_t>() * 2 > words.numel()) {
        subject.contradict("tie_word_embeddings", subject.path(name), "differs from the word embeddings in places",
                           "the word embeddings");
        tied = true;
      }
      subject.set("tie_word_embeddings", tied, KnownFrom::kShapes, name);
    }
  }
}

void configure_rest(Subject& subject) {
  const std::string rows = subject.base + "encoder.relative_attention_bias.weight";
  if (subject.has(rows)) {
    subject.set("relative_attention_num_buckets", subject.shape(rows)[0], KnownFrom::kShapes, rows);
  }
  if (subject.result.architecture == "electra" && subject.result.head == "ElectraForMultipleChoice") {
    const bool projects = subject.has("sequence_summary.summary.weight");
    subject.set("summary_use_proj", projects, KnownFrom::kNames, "sequence_summary.summary.weight");
    configure_summary(subject);
  }
}

}  // namespace

FieldNames field_names(const std::string& model_type) {
  return model_type == "distilbert"
             ? FieldNames{"dim", "n_layers", "n_heads", "hidden_dim", "activation"}
             : FieldNames{"hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act"};
}

std::optional<std::pair<int64_t, int64_t>> head_split(const ModuleCode& code, const CodeValue* output) {
  std::vector<const CodeValue*> open{output};
  for (size_t i = 0; i < open.size() && i < 16; ++i) {
    for (const auto& use : open[i]->uses()) {
      const CodeNode& node = *use.user;
      const std::string_view name = operator_name(node);
      const bool splits = name == "view" || name == "reshape" || name == "_unsafe_view" || name == "unflatten";
      if (splits && use.offset == 0 && node.inputs().size() >= 2) {
        const auto sizes = sizes_of(code, node.inputs().back());
        if (sizes.size() >= (name == "unflatten" ? 2u : 3u)) {
          return std::pair(std::max<int64_t>(sizes[sizes.size() - 2], 0), std::max<int64_t>(sizes.back(), 0));
        }
      }
      if (use.offset == 0 && node.outputs().size() == 1 && behind_views(node.output()) != node.output()) {
        open.push_back(node.output());
      } else if ((name == "div" || name == "mul") && use.offset == 0 && code.number(node.input(1))) {
        open.push_back(node.output());  // a scale before the heads are split
      }
    }
  }
  return std::nullopt;
}

void configure(Subject& subject) {
  const auto layers = subject.layers();
  if (layers.empty()) {
    subject.result.why_not = "has no layers";
    return;
  }
  configure_tables(subject);
  if (subject.result.recognised()) {
    configure_sizes(subject, layers);
  }
  if (!subject.result.recognised()) {
    return;
  }
  configure_layers(subject, layers);
  const int64_t heads = configure_heads(subject, layers);
  const char* hidden = field_names(subject.result.architecture).hidden;
  const int64_t head_size = subject.result.config.at(hidden).get<int64_t>() / std::max<int64_t>(heads, 1);
  configure_attention(subject, head_size);
  configure_norms(subject);
  configure_activations(subject, layers);
  configure_padding(subject);
  configure_positions(subject, layers);
  configure_decoder(subject);
  configure_labels(subject);
  configure_tie(subject);
  configure_rest(subject);
  if (subject.result.architecture == "deberta-v2") {
    configure_deberta(subject);
  }
}

}  // namespace bertjit
