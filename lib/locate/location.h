// Where two models that should compute the same first part, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/evidence.h"

namespace bertjit {

/// How far one value of the module is from the reference's.
struct LayerError {
  std::string module;  ///< path in the file; empty: the root
  std::string op;      ///< "aten::linear"
  double max_abs_error = 0;
  double sqnr_db = 0;  ///< infinite where all elements are equal
  int64_t elements = 0;
  /// Of what a layer with a weight is used on; absent for others.
  std::optional<double> input_sqnr_db = std::nullopt;
};

struct Location {
  bool found = false;
  std::string why_not;  ///< where nothing was found: why

  /// Path of the module to blame, as the file has it, the deepest that holds the fault; of a file without modules the
  /// path it would have. Empty: the whole.
  std::string module;
  std::string op;           ///< what the file does there, with the arguments that matter; empty: an operator is missing
  std::string expected_op;  ///< what the reference does there; empty: nothing
  std::string source_line;  ///< "modeling_bert.py:355: hidden_states = …"; empty if the file does not say
  std::string code_record;  ///< record of the archive that holds the code: "code/__torch__/….py"
  /// Both models ran on from the same inputs: the value before the blamed step, and after.
  LayerError before;
  LayerError after;
  /// The blamed step alone, done by the module on the reference's values: |difference| / |reference|, and the most
  /// that its dtype explains. Where nothing was found, of all steps the one that is nearest to its limit.
  double step_error = 0;
  double step_limit = 0;
  /// Other modules in which the same operator is wrong in the same way.
  std::vector<std::string> also;

  /// Errors as they pile up, in order of execution.
  std::vector<LayerError> layers;
  int64_t values_compared = 0;
  /// The greatest number of the reference's values that were held at once.
  int64_t most_held = 0;
  /// The outputs differ, but what they come from has other shapes than the reference's.
  bool has_other_shapes = false;
};

/// `first_divergence`, where there is one, and `layers`.
EvidenceFields location_evidence(const Location& location);

}  // namespace bertjit
