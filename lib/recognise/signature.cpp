#include "recognise/signature.h"

#include <algorithm>
#include <array>
#include <set>

namespace bertjit {

namespace {

constexpr std::array<std::string_view, 6> kInputNames = {"input_ids",    "attention_mask", "token_type_ids",
                                                         "position_ids", "inputs_embeds",  "head_mask"};

bool is_input_name(const std::string& name) {
  return std::find(kInputNames.begin(), kInputNames.end(), name) != kInputNames.end();
}

/// Which arguments each value is made from, as bits; embeddings end it, since ids are gone behind them.
class ArgumentFlow {
 public:
  using Arguments = uint64_t;

  explicit ArgumentFlow(const Subject& subject) : subject_(subject) {
    for (const auto& call : subject.calls.all()) {
      if (call.kind == LayerKind::kEmbedding) {
        embeddings_[call.node] = &call;
      }
    }
    const auto arguments = subject.code.arguments();
    uses_.resize(arguments.size());
    for (size_t i = 0; i < arguments.size() && i < 64; ++i) {
      from_[arguments[i]] = Arguments{1} << i;
    }
    follow(*subject.code.graph().block());
  }

  const std::vector<std::set<std::string>>& uses() const {
    return uses_;
  }

 private:
  Arguments of(const CodeValue* value) const {
    const auto it = from_.find(value);
    return it == from_.end() ? 0 : it->second;
  }

  void note(Arguments arguments, const std::string& use) {
    for (size_t i = 0; i < uses_.size() && i < 64; ++i) {
      if ((arguments >> i & 1) != 0) {
        uses_[i].insert(use);
      }
    }
  }

  void follow(const torch::jit::Block& block) {
    for (const CodeNode* node : block.nodes()) {
      Arguments arguments = 0;
      for (const CodeValue* input : node->inputs()) {
        arguments |= of(input);
      }
      for (const torch::jit::Block* inner : node->blocks()) {
        follow_inner(*node, *inner, arguments);
      }
      if (arguments != 0) {
        arguments = after(*node, arguments);
      }
      for (const CodeValue* output : node->outputs()) {
        // A size or a sum that became a number says how much, not what.
        from_[output] |= is_number(*output) ? 0 : arguments;
      }
    }
  }

  static bool is_number(const CodeValue& value) {
    const auto kind = value.type()->kind();
    return kind == c10::TypeKind::IntType || kind == c10::TypeKind::FloatType || kind == c10::TypeKind::BoolType ||
           kind == c10::TypeKind::NumberType;
  }

  /// What a loop or branch works on may be any of its operands.
  void follow_inner(const CodeNode& node, const torch::jit::Block& inner, Arguments arguments) {
    for (const CodeValue* parameter : inner.inputs()) {
      from_[parameter] |= arguments;
    }
    follow(inner);
    for (const CodeValue* result : inner.outputs()) {
      for (const CodeValue* output : node.outputs()) {
        from_[output] |= of(result);
      }
    }
  }

  /// What of `arguments` is left behind a node.
  Arguments after(const CodeNode& node, Arguments arguments) {
    const std::string_view name = operator_name(node);
    if (name == "size" || name == "dim" || name == "len" || name == "numel") {
      return 0;
    }
    const auto embedding = embeddings_.find(&node);
    if (embedding != embeddings_.end()) {
      const std::string& module = embedding->second->module;
      note(of(embedding->second->input), module.substr(module.rfind('.') + 1));
      return 0;
    }
    if (name == "softmax" || name == "scaled_dot_product_attention") {
      note(arguments, "attention");
      return 0;
    }
    return arguments;
  }

  const Subject& subject_;
  std::unordered_map<const CodeNode*, const LayerCall*> embeddings_;
  std::unordered_map<const CodeValue*, Arguments> from_;
  std::vector<std::set<std::string>> uses_;
};

std::string meaning_by_use(const std::vector<std::string>& uses) {
  const auto has = [&](const char* use) { return std::ranges::find(uses, use) != uses.end(); };
  return has("word_embeddings")         ? "input_ids"
         : has("token_type_embeddings") ? "token_type_ids"
         : has("attention")             ? "attention_mask"
         : has("position_embeddings")   ? "position_ids"
                                        : "";
}

std::vector<std::string> argument_names(const torch::jit::Module& module) {
  std::vector<std::string> names;
  const auto& arguments = module.get_method("forward").function().getSchema().arguments();
  for (size_t i = 1; i < arguments.size(); ++i) {
    names.push_back(arguments[i].name());
  }
  return names;
}

// --- outputs ---

/// What the head returns before hidden states and attentions, in published order.
std::vector<std::string> published_outputs(const Subject& subject) {
  const auto& head = subject.result.head;
  const auto kind = parse_class_name(head)->kind;
  if (kind == "Model") {
    const std::string& pooler = subject.family().pooler;
    return !pooler.empty() && subject.has(subject.base + pooler + ".weight")
               ? std::vector<std::string>{"last_hidden_state", "pooler_output"}
               : std::vector<std::string>{"last_hidden_state"};
  }
  if (kind == "ForQuestionAnswering") {
    return {"start_logits", "end_logits"};
  }
  if (kind == "ForPreTraining" && subject.result.architecture == "bert") {
    return {"prediction_logits", "seq_relationship_logits"};
  }
  if (kind == "ForPreTraining" && subject.result.architecture == "albert") {
    return {"prediction_logits", "sop_logits"};
  }
  return {"logits"};
}

/// Which part of a tensor a result is, where it is one: select(x, -1, 1), the second of a split. -1 if the whole.
int64_t part_index(const ModuleCode& code, const CodeValue* value) {
  for (int depth = 0; depth < 16; ++depth) {
    const CodeNode* node = value->node();
    if (node->kind() == c10::prim::ListUnpack) {
      return static_cast<int64_t>(value->offset());
    }
    if (operator_name(*node) == "select" && node->inputs().size() == 3) {
      return code.whole_number(node->input(2)).value_or(-1);
    }
    if (behind_views(value) == value) {
      return -1;
    }
    value = node->input(0);
  }
  return -1;
}

/// The output that a result is by the layer it comes from; empty if that is not known.
std::string output_by_layer(const Subject& subject, const CodeValue* value) {
  const std::string module = subject.module_of(subject.calls.nearest(value));
  const auto published = published_outputs(subject);
  if (module == "qa_outputs") {
    const int64_t part = part_index(subject.code, value);
    return part == 0 ? "start_logits" : part == 1 ? "end_logits" : "";
  }
  for (const char* relation : {"cls.seq_relationship", "sop_classifier.classifier"}) {
    if (module == relation) {
      return published.back();
    }
  }
  for (const char* scores :
       {"cls.predictions.decoder", "lm_head.decoder", "predictions.decoder", "vocab_projector", "generator_lm_head",
        "classifier", "classifier.out_proj", "discriminator_predictions.dense_prediction"}) {
    if (module == scores) {
      return published.front();
    }
  }
  const std::string& pooler = subject.family().pooler;
  if (!pooler.empty() && module == subject.base + pooler) {
    return "pooler_output";
  }
  return module.ends_with(subject.family().parts.norm) ? "last_hidden_state" : "";
}

bool is_attention_output(const CodeValue* value) {
  return operator_name(*behind_views(value)->node()) == "softmax";
}

int64_t layer_count(const Subject& subject) {
  const auto& config = subject.result.config;
  return config.contains("n_layers") ? config.at("n_layers").get<int64_t>()
                                     : config.at("num_hidden_layers").get<int64_t>();
}

/// Names by layers, and by the tuples that hold hidden states and attentions.
std::vector<std::string> outputs_by_code(Subject& subject) {
  const auto& results = subject.code.results();
  const auto layers = static_cast<size_t>(layer_count(subject));
  std::vector<std::string> names;
  for (size_t i = 0; i < results.size(); ++i) {
    const auto group = subject.code.result_groups().find(i);
    if (group == subject.code.result_groups().end()) {
      names.push_back(output_by_layer(subject, results[i]));
      continue;
    }
    const bool attentions = is_attention_output(results[i]);
    if (!attentions && group->second != layers + 1) {
      names.push_back(output_by_layer(subject, results[i]));
      continue;
    }
    const std::string name = attentions ? "attentions" : "hidden_states";
    subject.set("output_" + name, true, KnownFrom::kCode, "a tuple of " + std::to_string(group->second));
    for (size_t k = 0; k < group->second; ++k) {
      names.push_back(name + "." + std::to_string(k));
    }
    i += group->second - 1;
  }
  return names;
}

}  // namespace

void read_inputs(Subject& subject) {
  const auto names = argument_names(subject.module);
  const ArgumentFlow flow(subject);
  const bool claimed = subject.claims && subject.claims->inputs.size() == names.size();
  for (size_t i = 0; i < names.size() && i < flow.uses().size(); ++i) {
    RecognisedInput input{names[i], "", KnownFrom::kNames, {flow.uses()[i].begin(), flow.uses()[i].end()}};
    const std::string by_use = meaning_by_use(input.uses);
    if (claimed && is_input_name(subject.claims->inputs[i])) {
      input.meaning = subject.claims->inputs[i];
      input.known = KnownFrom::kClaims;
      if (is_input_name(names[i]) && names[i] != input.meaning) {
        subject.contradict("inputs", "", "argument " + std::to_string(i + 1) + " is called " + names[i],
                           input.meaning + ", as claimed");
      }
    } else if (is_input_name(names[i])) {
      input.meaning = names[i];
    } else {
      input.meaning = by_use;
      input.known = KnownFrom::kCode;
    }
    if (!by_use.empty() && by_use != input.meaning) {
      subject.contradict("inputs", "", input.meaning + " is used as " + by_use, input.meaning);
    }
    const bool matters = input.meaning != "token_type_ids" || subject.result.config.value("type_vocab_size", 0) > 0;
    if (input.uses.empty() && !input.meaning.empty() && matters) {
      subject.contradict("inputs", "", input.meaning + " is not used", "an input that is");
    }
    subject.result.inputs.push_back(std::move(input));
  }
}

void read_outputs(Subject& subject) {
  const auto by_code = outputs_by_code(subject);
  std::vector<std::string> published = published_outputs(subject);
  for (const auto& name : by_code) {
    if (name.find('.') != std::string::npos) {
      published.push_back(name);
    }
  }
  const bool claimed = subject.claims && subject.claims->outputs.size() == by_code.size();
  const auto& wanted = claimed ? subject.claims->outputs : published;
  auto& outputs = subject.result.outputs;
  for (size_t i = 0; i < by_code.size(); ++i) {
    const bool known = wanted.size() == by_code.size() && std::ranges::find(published, wanted[i]) != published.end();
    outputs.push_back(known ? wanted[i] : by_code[i]);
    if (known && !by_code[i].empty() && by_code[i] != wanted[i]) {
      subject.contradict("outputs", "", "output " + std::to_string(i + 1) + " is " + by_code[i], wanted[i]);
    }
  }
  if (by_code.size() < published.size()) {
    for (const auto& name : published) {
      if (std::ranges::find(outputs, name) == outputs.end()) {
        subject.contradict("outputs", "", name + " is not returned", "what is returned");
      }
    }
  }
}

}  // namespace bertjit
