// Claims of arguments: how many, what they are called, in which order, and what the code does with each.
//
// Names are labels: Python's tracer takes them from the traced function, and some files call them argument_1. What
// counts is what is done with an argument: the Hugging Face guide's own example traces (tokens, segments) into a model
// whose second argument is attention_mask, and the file then hides the first sentence while its claims say otherwise.
#include <algorithm>

#include "support/words.h"
#include "verify/held_claims.h"

namespace bertjit {

namespace {

using Answer = HeldClaim::Answer;

/// Arguments of forward by the file's own names, those with a default value last.
struct OwnArgument {
  std::string name;
  bool is_optional;
};

std::vector<OwnArgument> own_arguments(ModuleRunner& module) {
  std::vector<OwnArgument> own;
  const auto& arguments = module.module().get_method("forward").function().getSchema().arguments();
  for (size_t i = 1; i < arguments.size(); ++i) {
    own.push_back({arguments[i].name(), arguments[i].default_value().has_value()});
  }
  return own;
}

/// The argument that an embedding table or attention is fed by; empty where the use does not tell.
std::string argument_by_use(const std::vector<std::string>& uses) {
  const auto has = [&](const char* use) { return std::ranges::find(uses, use) != uses.end(); };
  const bool words = has("word_embeddings"), segments = has("token_type_embeddings"), attention = has("attention");
  // Positions are made from ids in RoBERTa, and a mask from padding: with words it is the ids.
  if (words) {
    return "input_ids";
  }
  return segments && !attention ? "token_type_ids" : attention && !segments ? "attention_mask" : "";
}

bool has_known_use(const std::string& name) {
  return name == "input_ids" || name == "attention_mask" || name == "token_type_ids";
}

void hold_count(ClaimSubject& subject, const std::vector<OwnArgument>& own) {
  std::vector<std::string> names;
  for (const auto& argument : own) {
    names.push_back(argument.name);
  }
  const auto& claimed = subject.claims.inputs;
  HeldClaim held{"inputs", joined(claimed), joined(names), "names", Answer::kBroken};
  if (claimed.empty()) {
    held.answer = Answer::kAssumed;
  } else if (claimed.size() == own.size()) {
    held.answer = Answer::kHeld;
  } else if (claimed.size() < own.size()) {
    const bool rest_is_optional = std::all_of(own.begin() + static_cast<std::ptrdiff_t>(claimed.size()), own.end(),
                                              [](const auto& argument) { return argument.is_optional; });
    held.answer = rest_is_optional ? Answer::kHeld : Answer::kBroken;
    held.where = own[claimed.size()].name;
  } else {
    const auto missing = std::ranges::find_if(
        claimed, [&](const std::string& name) { return std::ranges::find(names, name) == names.end(); });
    held.where = missing == claimed.end() ? claimed.back() : *missing;
  }
  subject.add(std::move(held));
}

/// One argument: what it is called, and what is done with it.
void hold_argument(ClaimSubject& subject, size_t index, const std::string& own_name) {
  const std::string& claimed = subject.claims.inputs[index];
  HeldClaim held{"inputs." + std::to_string(index), claimed, "called " + own_name, "names", Answer::kHeld};
  const auto& inputs = subject.recognition.inputs;
  const std::string by_use =
      subject.recognition.recognised() && index < inputs.size() ? argument_by_use(inputs[index].uses) : "";
  if (!by_use.empty() && has_known_use(claimed)) {
    held.found += ", used as " + by_use;
    held.known_from = "code";
    held.answer = by_use == claimed ? Answer::kHeld : Answer::kBroken;
  } else if (own_name != claimed && has_known_use(own_name)) {
    held.answer = has_known_use(claimed) ? Answer::kBroken : Answer::kUnknown;
  }
  if (held.answer == Answer::kHeld && own_name != claimed && has_known_use(own_name)) {
    // Callers in Python who name the argument as the file does give it the wrong tensor.
    held.answer = Answer::kDoubtful;
  }
  held.where = held.answer == Answer::kBroken ? claimed : "";
  subject.add(std::move(held));
}

}  // namespace

void hold_inputs(ClaimSubject& subject) {
  const auto own = own_arguments(subject.context.module);
  hold_count(subject, own);
  for (size_t i = 0; i < subject.claims.inputs.size() && i < own.size(); ++i) {
    hold_argument(subject, i, own[i].name);
  }
}

}  // namespace bertjit
