// Activations: one field for those of the layers, others for heads, and those that are fixed.
#include <algorithm>
#include <map>

#include "recognise/activation.h"
#include "recognise/configuration.h"

namespace bertjit {

namespace {

/// What a dense layer's activation is, for a vote or against what is published.
std::vector<Observation> activations_at(const Subject& subject, const std::string& module) {
  std::vector<Observation> seen;
  for (const auto* call : subject.calls_of(module)) {
    const ActivationFound found = find_activation(subject.code, call->output);
    seen.push_back({found.name.empty() ? "unknown (" + found.operators + ")" : found.name, call->module});
  }
  return seen;
}

/// Two names of one function; their last bits may differ.
bool same_function(const std::string& a, const std::string& b) {
  const auto group = [](const std::string& name) {
    return name == "gelu_python"                                                  ? std::string("gelu")
           : name == "gelu_new" || name == "gelu_fast" || name == "gelu_accurate" ? "gelu_pytorch_tanh"
           : name == "swish"                                                      ? "silu"
                                                                                  : name;
  };
  return group(a) == group(b);
}

/// Classes of transformers' activations.py and of torch.nn that stand in the tree of modules, empty though they are.
const std::map<std::string, std::string>& activation_classes() {
  static const std::map<std::string, std::string> classes = {{"GELUActivation", "gelu"},
                                                             {"NewGELUActivation", "gelu_new"},
                                                             {"PytorchGELUTanh", "gelu_pytorch_tanh"},
                                                             {"GELUTanh", "gelu_pytorch_tanh"},
                                                             {"FastGELUActivation", "gelu_fast"},
                                                             {"AccurateGELUActivation", "gelu_accurate"},
                                                             {"QuickGELUActivation", "quick_gelu"},
                                                             {"ClippedGELUActivation", "gelu_10"},
                                                             {"ReLUSquaredActivation", "relu2"},
                                                             {"LaplaceActivation", "laplace"},
                                                             {"MishActivation", "mish"},
                                                             {"LinearActivation", "linear"},
                                                             {"ReLU", "relu"},
                                                             {"SiLU", "silu"},
                                                             {"SiLUActivation", "silu"}};
  return classes;
}

/// Activation modules of another function than the code of their layer.
void check_activation_classes(Subject& subject, const std::string& taken) {
  for (const auto& module : subject.module.named_modules()) {
    const bool is_of_layer = module.name.ends_with("intermediate.intermediate_act_fn") ||
                             module.name.ends_with("ffn.activation") || module.name.ends_with(".activation");
    const auto known = activation_classes().find(plain_class_name(*module.value.type()));
    if (is_of_layer && module.name.find(subject.family().layers) != std::string::npos &&
        known != activation_classes().end() && !same_function(known->second, taken)) {
      subject.contradict("hidden_act", module.name, "class " + known->first, taken);
    }
  }
}

}  // namespace

void configure_activations(Subject& subject, const std::vector<std::string>& layers) {
  const FieldNames names = field_names(subject.result.architecture);
  std::map<std::string, std::vector<Observation>> by_field;
  for (const auto& layer : layers) {
    for (auto& seen : activations_at(subject, layer + subject.family().parts.up)) {
      by_field[names.activation].push_back(std::move(seen));
    }
  }
  for (const auto& head : head_activations(subject.result.architecture)) {
    const std::string module = head.module.starts_with("@.") ? subject.base + head.module.substr(2) : head.module;
    for (auto& seen : activations_at(subject, module)) {
      if (head.activation.starts_with("=")) {
        by_field[head.activation.substr(1)].push_back(std::move(seen));
      } else if (!same_function(seen.value, head.activation)) {
        subject.contradict("activation", seen.where, value_text(seen.value), head.activation + ", which is published");
      }
    }
  }
  const bool is_albert = subject.result.architecture == "albert";
  const std::map<std::string, std::string> published = {{names.activation, is_albert ? "gelu_new" : "gelu"},
                                                        {"pooler_hidden_act", "gelu"},
                                                        {"conv_act", "tanh"},
                                                        {"summary_activation", "gelu"}};
  for (const auto& [field, seen] : by_field) {
    const auto taken = subject.vote(field, seen, published.at(field), "activation").get<std::string>();
    if (taken.starts_with("unknown")) {
      subject.contradict(field, subject.result.root, taken, published.at(field));
      subject.result.config[field] = published.at(field);
    } else if (field == names.activation) {
      check_activation_classes(subject, taken);
    }
  }
}

void configure_summary(Subject& subject) {
  const auto calls = subject.calls_of("classifier");
  const auto dense = subject.calls_of("sequence_summary.summary");
  if (calls.empty()) {
    return;
  }
  for (const CodeNode* node : subject.code.nodes()) {
    const std::string_view name = operator_name(*node);
    const bool is_mean = name == "mean";
    if (!is_mean && (name != "select" || node->inputs().size() != 3)) {
      continue;
    }
    const ActivationFound found = find_activation(subject.code, node->output());
    if (found.output != (dense.empty() ? calls : dense).front()->input) {
      continue;
    }
    const bool is_last = !is_mean && subject.code.number(node->input(2)) == -1.0;
    subject.set("summary_type",
                is_mean   ? "mean"
                : is_last ? "last"
                          : "first",
                KnownFrom::kCode, std::string(name) + " before " + (dense.empty() ? calls : dense).front()->module);
    if (dense.empty() && !found.name.empty()) {
      subject.set("summary_activation", found.name == "linear" ? nlohmann::json() : nlohmann::json(found.name),
                  KnownFrom::kCode, std::string(name) + " before classifier");
    }
    return;
  }
}

}  // namespace bertjit
