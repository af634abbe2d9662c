// Claims of outputs: how many, in which order, and the shape that goes with a name.
//
// An output is known by the layer it comes from (recognise/signature.h), and by its shape: logits of a classification
// are [batch, labels], of a language model [batch, length, vocabulary]. Logits are scores: a file whose logits sum to
// one has applied softmax itself, and whoever applies it once more gets other probabilities.
#include <algorithm>

#include "compare/describe.h"
#include "recognise/families.h"
#include "recognise/naming.h"
#include "verify/held_claims.h"

namespace bertjit {

namespace {

using Answer = HeldClaim::Answer;

/// A dimension that is not known.
constexpr int64_t kAny = -1;

/// Sizes of the network and of the example.
struct Sizes {
  std::string architecture;
  int64_t batch = kAny, choices = 1, length = kAny;
  int64_t hidden = kAny, heads = kAny, vocabulary = kAny, labels = kAny;

  int64_t rows() const {
    return batch == kAny ? kAny : batch * choices;
  }
};

int64_t from_config(const nlohmann::json& config, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (config.contains(name) && config.at(name).is_number_integer()) {
      return config.at(name).get<int64_t>();
    }
  }
  return kAny;
}

Sizes sizes_of(const ClaimSubject& subject) {
  Sizes sizes{subject.recognition.architecture};
  const auto& inputs = subject.recognition.inputs;
  const auto ids = std::ranges::find(inputs, "input_ids", &RecognisedInput::meaning);
  const auto index = static_cast<size_t>(ids == inputs.end() ? 0 : ids - inputs.begin());
  const auto& values = subject.context.example.values;
  if (index < values.size() && values[index].isTensor() && values[index].toTensor().dim() >= 2) {
    const at::Tensor& tensor = values[index].toTensor();
    sizes.batch = tensor.size(0);
    sizes.length = tensor.size(-1);
    sizes.choices = tensor.dim() == 3 ? tensor.size(1) : 1;
  }
  // What an encoder-decoder returns is as long as its decoder's ids.
  const auto& arguments = subject.context.module.signature().inputs;
  if (std::ranges::find(arguments, InputSequence::kDecoder, &Argument::sequence) != arguments.end()) {
    sizes.length = kAny;
  }
  const auto& config = subject.recognition.config;
  sizes.hidden = from_config(config, {"hidden_size", "dim"});
  sizes.heads = from_config(config, {"num_attention_heads", "n_heads"});
  sizes.vocabulary = from_config(config, {"vocab_size"});
  sizes.labels = from_config(config, {"num_labels"});
  return sizes;
}

/// The kind of head that names of outputs belong to: the claimed one, else that which was found.
std::string kind_of(const ClaimSubject& subject) {
  if (const auto claimed = class_of_claims(subject.claims)) {
    return claimed->kind;
  }
  const auto found = parse_class_name(subject.recognition.head);
  return found ? found->kind : "";
}

struct NamedShape {
  std::vector<int64_t> sizes;
  const char* words;
};

/// What transformers returns under that name; nullopt for a name it does not use.
std::optional<NamedShape> shape_of_logits(const std::string& kind, const Sizes& sizes) {
  if (kind == "ForMaskedLM" || kind == "ForCausalLM") {
    return NamedShape{{sizes.batch, sizes.length, sizes.vocabulary}, "[batch, length, vocabulary]"};
  }
  if (kind == "ForTokenClassification") {
    return NamedShape{{sizes.batch, sizes.length, sizes.labels}, "[batch, length, labels]"};
  }
  if (kind == "ForSequenceClassification" || kind == "ForNextSentencePrediction") {
    return NamedShape{{sizes.batch, kind == "ForNextSentencePrediction" ? 2 : sizes.labels}, "[batch, labels]"};
  }
  if (kind == "ForMultipleChoice") {
    return NamedShape{{sizes.batch, sizes.choices}, "[batch, choices]"};
  }
  if (kind == "ForPreTraining" && sizes.architecture == "electra") {
    return NamedShape{{sizes.batch, sizes.length}, "[batch, length]"};
  }
  return std::nullopt;
}

std::optional<NamedShape> shape_of(const std::string& name, const std::string& kind, const Sizes& sizes) {
  const std::string group = name.substr(0, name.find('.'));
  if (group == "last_hidden_state" || group == "hidden_states") {
    return NamedShape{{sizes.rows(), sizes.length, sizes.hidden}, "[batch, length, hidden]"};
  }
  if (group == "attentions") {
    return NamedShape{{sizes.rows(), sizes.heads, sizes.length, sizes.length}, "[batch, heads, length, length]"};
  }
  if (name == "pooler_output") {
    return NamedShape{{sizes.batch, sizes.hidden}, "[batch, hidden]"};
  }
  if (name == "start_logits" || name == "end_logits") {
    return NamedShape{{sizes.batch, sizes.length}, "[batch, length]"};
  }
  if (name == "prediction_logits") {
    return NamedShape{{sizes.batch, sizes.length, sizes.vocabulary}, "[batch, length, vocabulary]"};
  }
  if (name == "seq_relationship_logits" || name == "sop_logits") {
    return NamedShape{{sizes.batch, 2}, "[batch, 2]"};
  }
  return name == "logits" ? shape_of_logits(kind, sizes) : std::nullopt;
}

bool fits(const at::Tensor& tensor, const std::vector<int64_t>& sizes) {
  if (tensor.dim() != static_cast<int64_t>(sizes.size())) {
    return false;
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] != kAny && sizes[i] != tensor.size(static_cast<int64_t>(i))) {
      return false;
    }
  }
  return true;
}

std::string text_of(const std::vector<int64_t>& sizes) {
  std::string text;
  for (const int64_t size : sizes) {
    text += (text.empty() ? "" : ", ") + (size == kAny ? "?" : std::to_string(size));
  }
  return "[" + text + "]";
}

/// The operator that makes an output, where it makes something else of scores; empty if it does not.
std::string activation_of_scores(const ClaimSubject& subject, size_t index) {
  if (!subject.code || subject.code->results().size() != subject.outputs.size()) {
    return "";
  }
  const std::string_view name = operator_name(*behind_views(subject.code->results()[index])->node());
  return name == "softmax" || name == "log_softmax" || name == "sigmoid" || name == "tanh" ? std::string(name) : "";
}

/// Whether every row is positive and sums to one, up to the dtype's rounding, in so many rows that it is no accident.
bool sums_to_one(const at::Tensor& tensor) {
  if (!tensor.is_floating_point() || tensor.dim() < 2 || tensor.size(-1) < 2 || tensor.numel() / tensor.size(-1) < 3) {
    return false;
  }
  const at::Tensor wide = tensor.to(at::kDouble);
  const double tolerance = tensor.scalar_type() == at::kFloat ? 1e-4 : 2e-2;
  return wide.ge(0).all().item<bool>() && (wide.sum(-1) - 1).abs().le(tolerance).all().item<bool>();
}

void hold_scores(ClaimSubject& subject, size_t index, const std::string& name) {
  const std::string by_code = activation_of_scores(subject, index);
  HeldClaim held{"outputs." + std::to_string(index), name + ", scores", "",
                 by_code.empty() ? "a run" : "code", Answer::kBroken,   name};
  if (!by_code.empty()) {
    held.found = "what " + by_code + " makes of them";
  } else if (sums_to_one(subject.outputs[index].value.toTensor())) {
    held.found = "probabilities: every row sums to 1";
  } else {
    return;
  }
  subject.add(std::move(held));
}

void hold_output(ClaimSubject& subject, size_t index, const Sizes& sizes) {
  const std::string& name = subject.claims.outputs[index];
  const auto& value = subject.outputs[index].value;
  HeldClaim held{"outputs." + std::to_string(index), name, "", "a run", Answer::kUnknown, name};
  if (!value.isTensor()) {
    held.found = value.tagKind();
    subject.add(std::move(held));
    return;
  }
  held.found = shape_text(value.toTensor());
  if (const auto expected = shape_of(name, kind_of(subject), sizes)) {
    held.answer = fits(value.toTensor(), expected->sizes) ? Answer::kHeld : Answer::kBroken;
    held.claimed += " " + text_of(expected->sizes) + ", " + expected->words;
  }
  subject.add(std::move(held));
  if (name.ends_with("logits")) {
    hold_scores(subject, index, name);
  }
}

/// The name that the file itself gives an output, the key of a dict or the field of a NamedTuple; empty for a place in
/// a tuple. "['hidden_states'].0" is hidden_states.0.
std::string own_name(const std::string& path) {
  std::string name;
  for (const char c : path) {
    if (c == '[') {
      name += name.empty() ? "" : ".";
    } else if (c != ']' && c != '\'') {
      name += c;
    }
  }
  const bool is_place = name == "output" || name.find_first_not_of("0123456789.") == std::string::npos;
  return is_place ? "" : name;
}

void hold_names(ClaimSubject& subject) {
  for (size_t i = 0; i < subject.outputs.size(); ++i) {
    const std::string name = own_name(subject.outputs[i].name);
    if (!name.empty() && name != subject.claims.outputs[i]) {
      subject.add({"outputs." + std::to_string(i), subject.claims.outputs[i], "called " + name, "names",
                   Answer::kBroken, subject.claims.outputs[i]});
    }
  }
}

/// Outputs that come from other layers than their names say: start and end exchanged.
void hold_order(ClaimSubject& subject) {
  for (const auto& item : subject.recognition.contradictions) {
    if (item.field != "outputs" || item.found.find(" is ") == std::string::npos || !item.found.starts_with("output ")) {
      continue;
    }
    subject.add({"outputs", item.taken, item.found, "code", Answer::kBroken, item.taken});
  }
}

}  // namespace

void hold_outputs(ClaimSubject& subject) {
  const auto& claimed = subject.claims.outputs;
  HeldClaim held{"outputs", counted(static_cast<int64_t>(claimed.size()), "output"),
                 counted(static_cast<int64_t>(subject.outputs.size()), "output"), "a run", Answer::kHeld};
  if (claimed.empty()) {
    held.claimed.clear();
    held.answer = Answer::kAssumed;
  } else if (claimed.size() != subject.outputs.size()) {
    const bool is_missing = subject.outputs.size() < claimed.size();
    held.answer = Answer::kBroken;
    held.where = is_missing ? claimed[subject.outputs.size()] : subject.outputs[claimed.size()].name;
  }
  const bool same_count = claimed.size() == subject.outputs.size();
  subject.add(std::move(held));
  if (!same_count) {
    return;
  }
  hold_names(subject);
  hold_order(subject);
  const Sizes sizes = sizes_of(subject);
  for (size_t i = 0; i < claimed.size(); ++i) {
    hold_output(subject, i, sizes);
  }
}

}  // namespace bertjit
