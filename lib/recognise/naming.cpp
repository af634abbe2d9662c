#include "recognise/naming.h"

#include <algorithm>
#include <array>

#include <ATen/native/quantized/PackedParams.h>
#include <ATen/native/quantized/cpu/EmbeddingPackedParams.h>

namespace bertjit {

namespace {

/// What `bertjit quantize --scheme per-token` keeps beside a packed weight.
constexpr std::string_view kRowSums = "._row_sums";
constexpr std::string_view kWords = "embeddings.word_embeddings.weight";

/// "query._packed_params._packed_params" holds query's.
std::string packed_owner(std::string name) {
  const std::string suffix = "._packed_params";
  for (int i = 0; i < 2 && name.ends_with(suffix); ++i) {
    name.resize(name.size() - suffix.size());
  }
  return name;
}

/// A packed int8 table, as floats.
void unpack_table(const std::string& name, const c10::IValue& value, std::map<std::string, at::Tensor>& tensors) {
  const at::Tensor table = value.toCustomClass<EmbeddingPackedParamsBase>()->unpack();
  // The packed form has the products of zero points and scales: what was a whole number is one but for rounding.
  const at::Tensor zeros = table.q_per_channel_zero_points();
  const at::Tensor whole = zeros.round();
  const at::Tensor offsets = at::where((zeros - whole).abs() < 1e-3, whole, zeros).to(at::kFloat);
  tensors[packed_owner(name) + ".weight"] = (table.int_repr().to(at::kFloat) - offsets.unsqueeze(1)) *
                                            table.q_per_channel_scales().to(at::kFloat).unsqueeze(1);
}

/// The weights of one packed int8 or float16 layer, as floats.
void unpack(const std::string& name, const c10::IValue& value, std::map<std::string, at::Tensor>& tensors) {
  if (value.toObject()->type()->name()->name() == "EmbeddingPackedParamsBase") {
    unpack_table(name, value, tensors);
    return;
  }
  const auto packed = value.toCustomClass<LinearPackedParamsBase>();
  const auto [weight, bias] = packed->unpack();
  const std::string owner = packed_owner(name);
  tensors[owner + ".weight"] = weight.is_quantized() ? weight.dequantize() : weight.to(at::kFloat);
  if (bias && bias->defined()) {
    tensors[owner + ".bias"] = bias->to(at::kFloat);
  }
}

std::optional<torch::jit::Module> submodule(const torch::jit::Module& module, const std::string& path) {
  torch::jit::Module current = module;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    if (!current.hasattr(name) || !current.attr(name).isModule()) {
      return std::nullopt;
    }
    current = current.attr(name).toModule();
    begin = end + 1;
  }
  return current;
}

/// Model types whose layers are named alike, told by the names alone; the first is what nothing else speaks against.
std::vector<std::string> types_by_layers(const Subject& subject) {
  const std::string& base = subject.base;
  const auto has_part = [&](const char* list, const char* part) {
    const std::string prefix = base + list;
    for (auto it = subject.result.weights.lower_bound(prefix);
         it != subject.result.weights.end() && it->first.starts_with(prefix); ++it) {
      if (it->first.find(part) != std::string::npos) {
        return true;
      }
    }
    return false;
  };
  if (has_part("transformer.layer.", ".attention.q_lin.")) {
    return {"distilbert"};
  }
  if (has_part("encoder.albert_layer_groups.", ".albert_layers.")) {
    return {"albert"};
  }
  if (has_part("encoder.layer.", ".attention.attn.q.")) {
    return {"mpnet"};
  }
  if (has_part("encoder.layer.", ".attention.self.query_proj.")) {
    return {"deberta-v2"};
  }
  if (has_part("encoder.layer.", ".attention.self.query.")) {
    return {"bert", "roberta", "electra", "xlm-roberta", "camembert"};
  }
  return {};
}

std::string some_names(const std::map<std::string, at::Tensor>& tensors) {
  std::string text;
  size_t count = 0;
  for (const auto& [name, tensor] : tensors) {
    if (count++ == 3) {
      return text + " and " + std::to_string(tensors.size() - 3) + " more";
    }
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

/// Position ids of RoBERTa and its kind are cumulative sums.
bool counts_positions_after_padding(const Subject& subject) {
  return std::ranges::any_of(subject.code.nodes(), [](const auto* node) { return operator_name(*node) == "cumsum"; });
}

}  // namespace

std::map<std::string, at::Tensor> stored_tensors(const torch::jit::Module& module, bool& is_quantized) {
  std::map<std::string, at::Tensor> tensors;
  is_quantized = false;
  for (const auto& attribute : module.named_attributes(/*recurse=*/true)) {
    if (attribute.name.ends_with(kRowSums)) {
      continue;  // made of the weight beside it
    }
    if (attribute.value.isTensor() && attribute.value.toTensor().defined()) {
      const at::Tensor tensor = attribute.value.toTensor().detach();
      tensors[attribute.name] = tensor.is_quantized() ? tensor.dequantize() : tensor;
    } else if (attribute.value.isCustomClass() && attribute.name.ends_with("_packed_params")) {
      try {
        unpack(attribute.name, attribute.value, tensors);
        is_quantized = true;
      } catch (const c10::Error&) {
        // Another operator's parameters: a convolution's. The weight is then missing, and named.
      }
    }
  }
  return tensors;
}

void find_network(Subject& subject, const std::map<std::string, at::Tensor>& tensors) {
  std::vector<std::string> found;
  for (const auto& [name, tensor] : tensors) {
    if (name.ends_with(kWords) && (name.size() == kWords.size() || name[name.size() - kWords.size() - 1] == '.')) {
      found.push_back(name.substr(0, name.size() - kWords.size()));
    }
  }
  Recognition& result = subject.result;
  if (found.empty()) {
    result.why_not = "has no named weights";
    if (!tensors.empty()) {
      result.why_not = std::string("no parameter names of a known architecture: has ").append(some_names(tensors));
      result.why_not.append(", no ").append(kWords);
    }
    return;
  }
  if (found.size() > 1) {
    result.why_not = "holds more than one network: word embeddings at '" + found[0] + "' and '" + found[1] + "'";
    return;
  }
  std::string root = found[0];
  subject.base.clear();
  for (const auto& family : families()) {
    const std::string base = family.base + ".";
    if (subject.base.empty() && (root == base || root.ends_with("." + base))) {
      root.resize(root.size() - base.size());
      subject.base = base;
    }
  }
  result.root = root;
  for (auto it = tensors.lower_bound(root); it != tensors.end() && it->first.starts_with(root); ++it) {
    result.weights[it->first.substr(root.size())] = it->second;
  }
  if (types_by_layers(subject).empty()) {
    result.why_not = std::string("no layers of a known architecture beside ").append(found[0]).append(kWords);
    result.why_not.append(": has ").append(some_names(tensors));
  }
}

std::optional<ClassName> class_of_claims(const std::optional<Claims>& claims) {
  if (!claims || claims->architecture.empty()) {
    return std::nullopt;
  }
  if (const auto name = parse_class_name(claims->head)) {
    return name;
  }
  static const std::map<std::string, std::string> kKinds = {{"base", "Model"},
                                                            {"mlm", "ForMaskedLM"},
                                                            {"causal", "ForCausalLM"},
                                                            {"pretraining", "ForPreTraining"},
                                                            {"nsp", "ForNextSentencePrediction"},
                                                            {"seqcls", "ForSequenceClassification"},
                                                            {"multiplechoice", "ForMultipleChoice"},
                                                            {"tokcls", "ForTokenClassification"},
                                                            {"qa", "ForQuestionAnswering"}};
  const auto kind = kKinds.find(claims->head);
  const bool known =
      std::ranges::any_of(families(), [&](const Family& family) { return family.model_type == claims->architecture; });
  return known && kind != kKinds.end() ? std::make_optional(ClassName{claims->architecture, kind->second})
                                       : std::nullopt;
}

std::string causal_operator(const Subject& subject) {
  for (const auto& attention : subject.calls.attentions()) {
    if (attention.is_causal) {
      return "is_causal of scaled_dot_product_attention";
    }
  }
  if (subject.result.architecture == "deberta-v2" || subject.result.architecture == "mpnet") {
    return "";  // they compare distances
  }
  constexpr std::array<std::string_view, 6> kOrders = {"le", "lt", "ge", "gt", "tril", "triu"};
  for (const auto* node : subject.code.nodes()) {
    const std::string_view name = operator_name(*node);
    const bool orders = std::find(kOrders.begin(), kOrders.end(), name) != kOrders.end() &&
                        node->outputs().size() == 1 && node->output()->type()->kind() == c10::TypeKind::TensorType;
    const bool is_comparison = name.size() == 2;
    if (orders && (!is_comparison || (node->inputs().size() == 2 && !subject.code.number(node->input(0)) &&
                                      !subject.code.number(node->input(1))))) {
      return std::string(name) + " of positions";
    }
  }
  return "";
}

namespace {

/// Whether inputs are [batch, choices, seq]: the first thing that happens to the ids is that they become two
/// dimensions.
bool flattens_choices(const Subject& subject) {
  for (const auto* call : subject.calls_of(subject.base + "embeddings.word_embeddings")) {
    const CodeNode* node = call->input->node();
    const std::string_view name = operator_name(*node);
    if ((name == "view" || name == "reshape" || name == "flatten") && !node->inputs().empty() &&
        node->input(0)->node()->kind() == c10::prim::Param) {
      return true;
    }
  }
  return false;
}

/// "ForSequenceClassification" …, and the weight that says so.
struct KindFound {
  std::string kind;
  std::string where;
};

KindFound kind_of_classifier(const Subject& subject) {
  const std::string weight = "classifier.weight";
  const auto sizes = subject.shape(weight);
  const bool chooses = !sizes.empty() && sizes[0] == 1 && flattens_choices(subject);
  if (chooses) {
    return {"ForMultipleChoice", weight + " [1, hidden], inputs of three dimensions"};
  }
  const auto calls = subject.calls_of("classifier");
  if (calls.empty()) {
    const bool pooled = subject.has(subject.base + subject.family().pooler + ".weight") ||
                        subject.has("pooler.dense.weight") || subject.has("pre_classifier.weight");
    return {pooled ? "ForSequenceClassification" : "ForTokenClassification", weight};
  }
  const std::string before = subject.module_of(subject.calls.nearest(calls.front()->input));
  const bool of_tokens =
      before.ends_with("norm") || before.ends_with("Norm") || before.ends_with(subject.family().parts.norm);
  return {of_tokens ? "ForTokenClassification" : "ForSequenceClassification", weight + " applied to " + before};
}

KindFound kind_by_weights(const Subject& subject) {
  const auto has = [&](const std::string& module) { return subject.has(module + ".weight"); };
  const bool causal = !causal_operator(subject).empty();
  for (const char* dense : {"cls.predictions.transform.dense", "predictions.dense", "lm_head.dense", "vocab_transform",
                            "generator_predictions.dense", "lm_predictions.lm_head.dense"}) {
    if (!has(dense)) {
      continue;
    }
    for (const char* relation : {"cls.seq_relationship", "sop_classifier.classifier"}) {
      if (has(relation)) {
        return {"ForPreTraining", std::string(dense) + ".weight and " + relation + ".weight"};
      }
    }
    return {causal ? "ForCausalLM" : "ForMaskedLM", std::string(dense) + ".weight"};
  }
  if (has("cls.seq_relationship")) {
    return {"ForNextSentencePrediction", "cls.seq_relationship.weight"};
  }
  if (has("discriminator_predictions.dense")) {
    return {"ForPreTraining", "discriminator_predictions.dense.weight"};
  }
  if (has("qa_outputs")) {
    return {"ForQuestionAnswering", "qa_outputs.weight"};
  }
  if (has("classifier.dense")) {
    return {"ForSequenceClassification", "classifier.dense.weight"};
  }
  return has("classifier") ? kind_of_classifier(subject) : KindFound{"Model", "no weights of a head"};
}

/// Of the model types whose layers are named alike, the one that base, class, head, code or claims say.
void choose_type(Subject& subject, const std::optional<ClassName>& by_class) {
  const std::vector<std::string> types = types_by_layers(subject);
  const auto fits = [&](const std::string& type) { return std::ranges::find(types, type) != types.end(); };
  const auto has = [&](const std::string& module) { return subject.has(module + ".weight"); };
  const auto take = [&](const std::string& type, KnownFrom known, const std::string& where) {
    subject.result.architecture = type;
    subject.set("model_type", type, known, where);
  };
  if (types.size() == 1) {
    return take(types[0], KnownFrom::kNames, "weights of its layers");
  }
  const std::string base = subject.base.empty() ? "" : subject.base.substr(0, subject.base.size() - 1);
  if (by_class && fits(by_class->model_type) && (base.empty() || family_of(by_class->model_type).base == base)) {
    return take(by_class->model_type, KnownFrom::kNames, "class");
  }
  if (base == "bert" || base == "electra") {
    return take(base, KnownFrom::kNames, "weights below '" + base + "'");
  }
  if (subject.claims && fits(subject.claims->architecture) &&
      (base.empty() || family_of(subject.claims->architecture).base == base)) {
    return take(subject.claims->architecture, KnownFrom::kClaims, "architecture");
  }
  if (base == "roberta" || has("lm_head.dense")) {
    return take("roberta", KnownFrom::kNames, base.empty() ? "lm_head.dense.weight" : "weights below 'roberta'");
  }
  if (has(subject.base + "embeddings_project") || has("generator_predictions.dense") ||
      has("discriminator_predictions.dense")) {
    return take("electra", KnownFrom::kNames, "weights of its head or projection");
  }
  if (counts_positions_after_padding(subject)) {
    return take("roberta", KnownFrom::kCode, "positions that are counted with cumsum");
  }
  take("bert", KnownFrom::kDefault, "");
}

}  // namespace

void find_head(Subject& subject) {
  const auto root = submodule(subject.module, subject.result.root);
  const auto body = submodule(subject.module, subject.result.root + subject.base);
  auto by_class = root ? parse_class_name(plain_class_name(*root->type())) : std::nullopt;
  if (!by_class && body) {
    by_class = parse_class_name(plain_class_name(*body->type()));
    if (by_class) {
      by_class->kind = subject.base.empty() ? by_class->kind : "";
    }
  }
  choose_type(subject, by_class);
  Recognition& result = subject.result;
  if (by_class && by_class->model_type != result.architecture) {
    subject.contradict("model_type", result.root, "class of " + by_class->model_type, result.architecture);
  }
  KindFound found = kind_by_weights(subject);
  const bool language = found.kind == "ForMaskedLM" || found.kind == "ForCausalLM";
  // Masked and causal language models have the same weights: the class says which is meant.
  if (by_class && language && (by_class->kind == "ForMaskedLM" || by_class->kind == "ForCausalLM")) {
    found = {by_class->kind, "class"};
  }
  std::string head = class_name_of(result.architecture, found.kind);
  if (head.empty()) {
    head = class_name_of(result.architecture, "Model");
    subject.contradict("architectures", result.root, found.where, head + ", without that head");
  } else if (by_class && !by_class->kind.empty() && by_class->kind != found.kind) {
    subject.contradict("architectures", result.root, "class " + class_name_of(by_class->model_type, by_class->kind),
                       head + ", by " + found.where);
  }
  result.head = head;
  // A body under a name of its own, in something that is none of the published heads.
  if (found.kind == "Model" && !subject.base.empty()) {
    std::map<std::string, at::Tensor> own;
    for (const auto& [name, tensor] : result.weights) {
      if (name.starts_with(subject.base)) {
        own[name.substr(subject.base.size())] = tensor;
      } else {
        result.other_weights.push_back(result.root + name);
      }
    }
    result.weights = std::move(own);
    result.root += subject.base;
    subject.base.clear();
  }
  subject.set("architectures", nlohmann::json::array({head}), KnownFrom::kNames, found.where);
  if (subject.claims && !subject.claims->architecture.empty() && subject.claims->architecture != result.architecture) {
    subject.contradict("model_type", result.root, "claimed to be " + subject.claims->architecture, result.architecture);
  }
  const auto claimed = class_of_claims(subject.claims);
  if (claimed && claimed->kind != parse_class_name(head)->kind) {
    subject.contradict("architectures", result.root, "claimed to be " + subject.claims->head, head);
  }
}

}  // namespace bertjit
