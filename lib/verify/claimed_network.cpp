// Claims of architecture, head and attention: what the names of weights, shapes and operators say.
#include <algorithm>

#include "recognise/families.h"
#include "recognise/naming.h"
#include "verify/held_claims.h"

namespace bertjit {

namespace {

using Answer = HeldClaim::Answer;

const Family* find_family(const std::string& model_type) {
  const auto found = std::ranges::find(families(), model_type, &Family::model_type);
  return found == families().end() ? nullptr : &*found;
}

/// Architectures whose networks are the same, weights and code: only the tokenizer differs.
bool same_network(const Family& left, const Family& right) {
  return left.base == right.base && left.layers == right.layers && left.parts.query == right.parts.query &&
         left.positions_after_padding == right.positions_after_padding;
}

std::string known_from(const Recognition& recognition, const std::string& field) {
  const auto found = std::ranges::find(recognition.fields, field, &RecognisedField::name);
  return found == recognition.fields.end() ? "" : known_from_name(found->known);
}

void hold_architecture(ClaimSubject& subject) {
  const Recognition& recognition = subject.recognition;
  HeldClaim held{"architecture", subject.claims.architecture, recognition.architecture,
                 known_from(recognition, "model_type")};
  const Family* claimed = find_family(held.claimed);
  if (!recognition.recognised()) {
    held.found = "not recognised: " + recognition.why_not;
  } else if (held.claimed.empty()) {
    held.answer = Answer::kAssumed;
  } else if (claimed == nullptr) {
    held.found = "not known to bertjit, and cannot be held to (its weights are named as those of " + held.found + ")";
  } else if (held.claimed == held.found || same_network(*claimed, family_of(held.found))) {
    held.answer = Answer::kHeld;
  } else {
    held.answer = held.known_from == known_from_name(KnownFrom::kDefault) ? Answer::kDoubtful : Answer::kBroken;
  }
  subject.add(std::move(held));
}

/// Heads whose weights are among those of another head: a file may return a part of what its network could.
bool is_part_of(const std::string& kind, const std::string& whole) {
  return kind == "Model" ||
         (whole == "ForPreTraining" && (kind == "ForMaskedLM" || kind == "ForNextSentencePrediction"));
}

/// Whether some output comes from the layers of a head, and not from the body.
bool returns_scores(const Recognition& recognition) {
  return std::ranges::any_of(recognition.outputs, [](const std::string& name) {
    return !name.empty() && name.find("hidden_state") == std::string::npos &&
           name.find("attentions") == std::string::npos && name != "pooler_output";
  });
}

void hold_head(ClaimSubject& subject) {
  const Recognition& recognition = subject.recognition;
  HeldClaim held{"head", subject.claims.head, recognition.head, known_from(recognition, "architectures")};
  const auto claimed = class_of_claims(subject.claims);
  const auto found = recognition.recognised() ? parse_class_name(recognition.head) : std::nullopt;
  if (!found) {
    held.found = "not recognised: " + recognition.why_not;
  } else if (held.claimed.empty()) {
    held.answer = Answer::kAssumed;
  } else if (!claimed) {
    held.found = "not known to bertjit, and cannot be held to (its weights are those of " + held.found + ")";
  } else if (claimed->kind == found->kind) {
    held.answer = Answer::kHeld;
  } else {
    held.answer = is_part_of(claimed->kind, found->kind) && !(claimed->kind == "Model" && returns_scores(recognition))
                      ? Answer::kDoubtful
                      : Answer::kBroken;
  }
  subject.add(std::move(held));
}

/// "sdpa", "eager", "sdpa and eager"; empty if no attention was seen.
std::string attention_found(const ClaimSubject& subject) {
  bool fused = false, eager = false;
  for (const auto& call : subject.calls ? subject.calls->attentions() : std::vector<AttentionCall>()) {
    (call.is_fused ? fused : eager) = true;
  }
  return fused && eager ? "sdpa and eager"
         : fused        ? attention_name(AttentionKind::kSdpa)
         : eager        ? attention_name(AttentionKind::kEager)
                        : "";
}

/// transformers computes attention eagerly, whatever was asked for, where its probabilities are returned and where
/// positions are relative.
bool must_be_eager(const ClaimSubject& subject) {
  const auto& config = subject.recognition.config;
  return config.value("output_attentions", false) ||
         config.value("position_embedding_type", "absolute") != "absolute" ||
         subject.recognition.architecture == "deberta-v2" || subject.recognition.architecture == "mpnet";
}

void hold_attention(ClaimSubject& subject) {
  HeldClaim held{"attn_implementation", subject.claims.attn_implementation, attention_found(subject), "code"};
  if (held.found.empty()) {
    held.found = "no attention was seen in its code";
  } else if (held.claimed.empty()) {
    held.answer = Answer::kAssumed;
  } else if (held.claimed == held.found || must_be_eager(subject)) {
    held.answer = Answer::kHeld;
  } else if (held.claimed == attention_name(AttentionKind::kSdpa) ||
             held.claimed == attention_name(AttentionKind::kEager)) {
    held.answer = Answer::kDoubtful;
  }
  subject.add(std::move(held));
}

}  // namespace

void hold_network(ClaimSubject& subject) {
  hold_architecture(subject);
  hold_head(subject);
  hold_attention(subject);
}

}  // namespace bertjit
