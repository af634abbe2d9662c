#include "verify/matching_source.h"

#include <algorithm>

#include "compare/outputs.h"
#include "support/error.h"

namespace bertjit {

namespace {

bool names_any(const std::vector<std::string>& outputs, const std::string& part) {
  return std::any_of(outputs.begin(), outputs.end(), [&](const std::string& name) {
    const size_t dot = name.rfind('.');
    return dot != std::string::npos && name.substr(0, dot).ends_with(part);
  });
}

CheckpointSource open_with(const VerifyOptions& options, const ModelOptions& model, DType dtype) {
  SourceOptions source = options.source;
  source.model = model;
  source.model.dtype = dtype;
  return open_checkpoint_source(source, options.inputs.seed, options.inputs.tokenizer);
}

/// As claimed. Where the checkpoint cannot be that, as its own configuration says: the file may be right and its claims
/// wrong, which is the check `claims`'s answer.
CheckpointSource open_claimed(const VerifyOptions& options, const Claims& claims, DType dtype) {
  ModelOptions model = claimed_model_options(options.source.model, claims);
  try {
    return open_with(options, model, dtype);
  } catch (const Error&) {
    if (model.head == options.source.model.head) {
      throw;
    }
    model.head = options.source.model.head;
    return open_with(options, model, dtype);
  }
}

}  // namespace

ModelOptions claimed_model_options(ModelOptions options, const Claims& claims) {
  if (options.head.empty()) {
    options.head = claims.head;
  }
  // In float16 the two round so differently that single logits leave the tolerance.
  if (claims.attn_implementation == attention_name(AttentionKind::kEager)) {
    options.attention = AttentionKind::kEager;
  }
  options.output_hidden_states = options.output_hidden_states || names_any(claims.outputs, "hidden_states");
  options.output_attentions = options.output_attentions || names_any(claims.outputs, "attentions");
  return options;
}

CheckpointSource open_matching_checkpoint(const VerifyOptions& options, const std::optional<Claims>& claims,
                                          DType dtype) {
  if (!claims) {
    return open_with(options, options.source.model, dtype);
  }
  CheckpointSource source = open_claimed(options, *claims, dtype);
  if (options.source.model.head.empty() && source.choice.head_origin == HeadOrigin::kOption) {
    source.choice.head_origin =
        source.choice.head == source.choice.listed_head ? HeadOrigin::kArchitectures : HeadOrigin::kClaims;
  }
  return source;
}

void match_outputs(CheckpointSource& source, ModuleRunner& module, const BoundBatch& example,
                   const VerifyOptions& options, DType dtype) {
  const size_t wanted = flatten_outputs(module.run_on_copy(example, GradMode::kOff)).size();
  if (source.model->description().outputs.size() == wanted) {
    return;
  }
  for (const auto& [hidden_states, attentions] : {std::pair(true, false), {false, true}, {true, true}}) {
    ModelOptions model = options.source.model;
    model.output_hidden_states = hidden_states;
    model.output_attentions = attentions;
    CheckpointSource other = open_with(options, model, dtype);
    if (other.model->description().outputs.size() == wanted) {
      source = std::move(other);
      return;
    }
  }
}

}  // namespace bertjit
