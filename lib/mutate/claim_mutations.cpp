// What the file says of itself, while the file is right.
#include <algorithm>

#include "models/model.h"
#include "mutate/mutation_entry.h"

namespace bertjit {

namespace {

/// Changes the claims; false if it cannot.
using ClaimsEdit = std::function<bool(Claims&, Dice&)>;

MutationEntry claim_mutation(const char* name, const char* description, ClaimsEdit edit) {
  return {{name, description, MutationKind::kClaims, ShownBy::kFile},
          [edit = std::move(edit)](Workpiece& work) -> std::optional<Mutated> {
            if (!work.loaded.claims || !edit(*work.loaded.claims, work.dice)) {
              return std::nullopt;
            }
            return Mutated{{""}, claims_to_json(*work.loaded.claims)};
          },
          nullptr};
}

/// A class that predicts words from all of the text and one that does so from what is left of them: one network here,
/// whose attention is told apart by another field of the configuration.
bool predicts_words(const std::string& head) {
  return head.ends_with("ForMaskedLM") || head.ends_with("LMHeadModel") || head.ends_with("ForCausalLM");
}

/// Another class of the same architecture, or the same kind of class of another one.
bool claim_other_class(Claims& claims, Dice& dice, bool same_architecture) {
  std::vector<HeadEntry> others;
  for (const HeadEntry& entry : registered_heads()) {
    const bool is_other = same_architecture ? entry.head != claims.head && entry.model_type == claims.architecture &&
                                                  !(predicts_words(entry.head) && predicts_words(claims.head))
                                            : entry.model_type != claims.architecture &&
                                                  entry.head.ends_with("Model") && claims.head.ends_with("Model");
    if (is_other) {
      others.push_back(entry);
    }
  }
  if (others.empty()) {
    return false;
  }
  const HeadEntry& other = dice.one_of(others);
  claims.architecture = other.model_type;
  claims.head = other.head;
  return true;
}

bool swap_claimed_inputs(Claims& claims, Dice&) {
  if (claims.inputs.size() < 3) {
    return false;
  }
  std::swap(claims.inputs[1], claims.inputs[2]);
  return true;
}

}  // namespace

std::vector<MutationEntry> claim_mutations() {
  return {
      claim_mutation("claimed_head", "another head is claimed",
                     [](Claims& claims, Dice& dice) { return claim_other_class(claims, dice, true); }),
      claim_mutation("claimed_architecture", "another architecture is claimed",
                     [](Claims& claims, Dice& dice) { return claim_other_class(claims, dice, false); }),
      claim_mutation("claimed_inputs_swapped", "mask and segments are claimed in the wrong order", swap_claimed_inputs),
      claim_mutation("claimed_input_missing", "an argument is not claimed",
                     [](Claims& claims, Dice&) {
                       claims.inputs.pop_back();
                       return !claims.inputs.empty();
                     }),
      claim_mutation("claimed_output_extra", "one more output is claimed",
                     [](Claims& claims, Dice&) {
                       claims.outputs.push_back("hidden_states.0");
                       return true;
                     }),
      claim_mutation("claimed_output_missing", "an output is not claimed",
                     [](Claims& claims, Dice&) {
                       claims.outputs.pop_back();
                       return !claims.outputs.empty();
                     }),
      claim_mutation("claimed_outputs_swapped", "outputs are claimed in the wrong order",
                     [](Claims& claims, Dice&) {
                       std::ranges::reverse(claims.outputs);
                       return claims.outputs.size() > 1;
                     }),
      claim_mutation("claimed_dtype", "another dtype is claimed",
                     [](Claims& claims, Dice&) {
                       claims.dtype = claims.dtype == "float32" ? "float16" : "float32";
                       return true;
                     }),
  };
}

}  // namespace bertjit
