// The claim of dtype: what weights are stored in, what outputs are, and what is computed between.
//
// A float32 file may have lost its precision in three places: weights stored as float16 or int8, activations that are
// cast to a half type on their way, outputs cast at the end. Masks and ids may be cast to anything: zeros and ones are
// exact in every type.
#include <algorithm>
#include <map>

#include "checkpoint/stored_dtype.h"
#include "checkpoint/weights.h"
#include "compare/describe.h"
#include "source/checkpoint_source.h"
#include "support/error.h"
#include "verify/file_weights.h"
#include "verify/held_claims.h"

namespace bertjit {

namespace {

using Answer = HeldClaim::Answer;

constexpr const char* kInt8 = "int8";

bool is_half(at::ScalarType type) {
  return type == at::kHalf || type == at::kBFloat16;
}

std::string text_of(at::ScalarType type) {
  return dtype_name(container_dtype(type));
}

std::string parent_of(const std::string& name) {
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

/// The innermost module that holds both.
std::string common_module(const std::string& left, const std::string& right) {
  std::string common = left;
  while (!common.empty() && right != common && !right.starts_with(common + ".")) {
    common = parent_of(common);
  }
  return common;
}

/// Floating dtypes of weights, in elements, and for each the innermost module that holds all weights that have it.
struct StoredTypes {
  std::map<at::ScalarType, int64_t> elements;
  std::map<at::ScalarType, std::string> holder;

  void add(const std::string& module, const at::Tensor& tensor) {
    if (tensor.is_floating_point() && tensor.numel() > 1) {
      elements[tensor.scalar_type()] += tensor.numel();
      const auto [found, is_new] = holder.emplace(tensor.scalar_type(), module);
      found->second = is_new ? module : common_module(found->second, module);
    }
  }
  at::ScalarType most() const {
    return std::ranges::max_element(elements, {}, [](const auto& item) { return item.second; })->first;
  }
};

/// Of the tensors that the module keeps; of a frozen one, of the constants of its code.
StoredTypes stored_types(const ClaimSubject& subject) {
  StoredTypes types;
  for (const auto& item : subject.context.module.module().named_parameters()) {
    types.add(parent_of(item.name), item.value);
  }
  if (types.elements.empty() && subject.recognition.recognised() && !subject.recognition.is_quantized) {
    for (const auto& [name, tensor] : subject.recognition.weights) {
      types.add(parent_of(name), tensor);
    }
  }
  return types;
}

/// The innermost module whose code a node is, by the layer whose output it works on.
std::string place_of(const ClaimSubject& subject, const CodeValue* value) {
  const auto layer = subject.calls->nearest(value);
  return layer ? checkpoint_path(subject.context, subject.calls->all()[*layer].module) : "";
}

struct CodePlace {
  std::string what;
  std::string where;
};

/// The dtype that a cast's argument names: the last whole number that is one of a half type.
std::optional<at::ScalarType> cast_to_half(const ClaimSubject& subject, const CodeNode& node) {
  if (operator_name(node) != "to" || node.inputs().size() < 2) {
    return std::nullopt;
  }
  for (size_t i = 1; i < node.inputs().size(); ++i) {
    const CodeValue* input = node.input(i);
    if (!input->type()->isSubtypeOf(*c10::IntType::get())) {
      continue;
    }
    const auto number = subject.code->whole_number(input);
    if (number == static_cast<int64_t>(at::kHalf) || number == static_cast<int64_t>(at::kBFloat16)) {
      return static_cast<at::ScalarType>(*number);
    }
  }
  return std::nullopt;
}

/// Where activations or weights are cast to a half type: the first activation, else what holds all such weights.
std::optional<CodePlace> find_half_cast(const ClaimSubject& subject) {
  std::optional<CodePlace> weights;
  for (const CodeNode* node : subject.code ? subject.code->nodes() : std::vector<const CodeNode*>()) {
    const auto type = cast_to_half(subject, *node);
    if (!type) {
      continue;
    }
    const std::string weight = subject.code->attribute(node->input(0));
    if (!weight.empty()) {
      const std::string module = checkpoint_path(subject.context, parent_of(weight));
      weights = {"computed in " + text_of(*type), weights ? common_module(weights->where, module) : module};
    } else if (!weights && subject.calls->nearest(node->input(0))) {
      return CodePlace{"computed through " + text_of(*type), place_of(subject, node->input(0))};
    }
  }
  return weights;
}

/// The first operator on int8 weights, and how many there are.
std::optional<CodePlace> find_int8(const ClaimSubject& subject) {
  int64_t count = 0;
  CodePlace first;
  for (const auto* node : subject.code ? subject.code->nodes() : std::vector<const CodeNode*>()) {
    const std::string name = node->kind().toQualString();
    const bool is_int8 = name.starts_with("quantized::linear") || name.starts_with("quantized::embedding") ||
                         name == "aten::_int_mm" || name == "aten::dequantize";
    if (is_int8 && count++ == 0) {
      first.what = name;
    }
  }
  if (count > 0) {
    first.what = "int8 (" + first.what + ", " + counted(count, "place") + ")";
  } else if (subject.context.is_quantized) {
    first.what = "int8 (packed weights)";
  } else {
    return std::nullopt;
  }
  return first;
}

/// Weights of another floating dtype than claimed: nowhere, if all are.
void hold_weights(ClaimSubject& subject, at::ScalarType claimed) {
  const StoredTypes types = stored_types(subject);
  if (types.elements.empty()) {
    subject.add({"dtype", text_of(claimed), "no weights were found", "names"});
    return;
  }
  HeldClaim held{"dtype", text_of(claimed), "weights are " + text_of(types.most()), "names", Answer::kHeld};
  if (types.most() != claimed) {
    held.answer = Answer::kBroken;
  } else if (!is_half(claimed)) {
    // Half models keep some layers in float32 on purpose, to lose less; the other way round nobody gains.
    for (const auto& [type, module] : types.holder) {
      if (is_half(type)) {
        held.answer = Answer::kBroken;
        held.where = checkpoint_path(subject.context, module);
        held.found = "weights" + (held.where.empty() ? "" : " of " + held.where) + " are " + text_of(type);
      }
    }
  }
  subject.add(std::move(held));
}

void hold_output_types(ClaimSubject& subject, at::ScalarType claimed) {
  const auto& names = subject.claims.outputs;
  for (size_t i = 0; i < subject.outputs.size(); ++i) {
    const auto& leaf = subject.outputs[i];
    if (!leaf.value.isTensor() || !leaf.value.toTensor().is_floating_point() ||
        leaf.value.toTensor().scalar_type() == claimed) {
      continue;
    }
    const std::string name = names.size() == subject.outputs.size() ? names[i] : leaf.name;
    subject.add(
        {"dtype", text_of(claimed), name + " is " + dtype_text(leaf.value.toTensor()), "a run",
         // Half models may return scores in float32, which loses nothing.
         is_half(claimed) && !is_half(leaf.value.toTensor().scalar_type()) ? Answer::kDoubtful : Answer::kBroken,
         name});
  }
}

void hold_int8(ClaimSubject& subject, const std::optional<CodePlace>& int8) {
  subject.add({"dtype", kInt8, int8 ? int8->what : "no operator on int8 weights", "code",
               int8 ? Answer::kHeld : Answer::kBroken});
}

/// "fp16", "half" and the like as PyTorch calls them; others as they are.
std::string plain_name(std::string name) {
  const std::string prefix = "torch.";
  name = name.starts_with(prefix) ? name.substr(prefix.size()) : name;
  static const std::map<std::string, std::string> kNames = {{"fp16", "float16"},  {"half", "float16"},
                                                            {"bf16", "bfloat16"}, {"fp32", "float32"},
                                                            {"float", "float32"}, {"qint8", kInt8}};
  const auto found = kNames.find(name);
  return found == kNames.end() ? name : found->second;
}

}  // namespace

void hold_dtype(ClaimSubject& subject) {
  const std::string claimed = plain_name(subject.claims.dtype);
  const std::optional<CodePlace> int8 = find_int8(subject);
  if (claimed.empty()) {
    const StoredTypes types = stored_types(subject);
    subject.add({"dtype", "",
                 int8                     ? int8->what
                 : types.elements.empty() ? ""
                                          : text_of(types.most()),
                 "names", Answer::kAssumed});
    return;
  }
  if (claimed == kInt8) {
    hold_int8(subject, int8);
    return;
  }
  const auto floating = floating_dtype(claimed);
  if (!floating) {
    subject.add({"dtype", claimed, "not a dtype that bertjit knows", ""});
    return;
  }
  if (int8) {
    subject.add({"dtype", claimed, int8->what, "code", Answer::kBroken, int8->where});
    return;
  }
  const at::ScalarType type = scalar_type(*floating);
  hold_weights(subject, type);
  hold_output_types(subject, type);
  const auto half = is_half(type) ? std::nullopt : find_half_cast(subject);
  if (half) {
    subject.add({"dtype", claimed, half->what, "code", Answer::kBroken, half->where});
  }
}

}  // namespace bertjit
