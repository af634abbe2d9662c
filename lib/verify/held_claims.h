// The parts of the check `claims`: each holds the file to some of what it is said to be.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compare/outputs.h"
#include "recognise/layer_calls.h"
#include "recognise/module_code.h"
#include "verify/check.h"

namespace bertjit {

/// One claim, and what was found.
struct HeldClaim {
  enum class Answer {
    kHeld,      ///< found as claimed
    kBroken,    ///< found otherwise
    kDoubtful,  ///< otherwise, but the outputs may be right all the same
    kUnknown,   ///< it cannot be told
    kAssumed,   ///< nothing is claimed; this was found
  };
  std::string claim;  ///< field of docs/formats/claims.md: "dtype", "inputs.1"
  std::string claimed;
  std::string found;
  std::string known_from;  ///< "names", "code", "a run" …
  Answer answer = Answer::kUnknown;
  /// Of one that is broken: the argument, the output or the module; empty: the whole file.
  std::string where;
};

/// "held", "broken", "doubtful", "cannot be told", "assumed".
const char* answer_name(HeldClaim::Answer answer);

/// What the parts look at, each found once.
struct ClaimSubject {
  /// Runs the example: throws RunError where the module does not take it.
  explicit ClaimSubject(const VerifyContext& verify_context);

  const VerifyContext& context;
  const Claims& claims;  ///< all empty where nothing is claimed
  const Recognition& recognition;
  std::vector<OutputLeaf> outputs;    ///< of the example
  std::unique_ptr<ModuleCode> code;   ///< nullptr where it cannot be read
  std::unique_ptr<LayerCalls> calls;  ///< set if code is

  std::vector<HeldClaim> held;

  void add(HeldClaim claim) {
    held.push_back(std::move(claim));
  }
};

/// architecture, head, attn_implementation.
void hold_network(ClaimSubject& subject);
/// Number, names, order and meaning of arguments.
void hold_inputs(ClaimSubject& subject);
/// Number, names, order and shapes of outputs; logits that went through softmax.
void hold_outputs(ClaimSubject& subject);
/// dtype, of weights, outputs and what is computed between.
void hold_dtype(ClaimSubject& subject);
/// dynamic_batch, dynamic_length.
void hold_shapes(ClaimSubject& subject);
/// source_sha512, tokenizer_sha512, and --claims against the file's own.
void hold_origin(ClaimSubject& subject);

}  // namespace bertjit
