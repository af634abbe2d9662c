// What a comparison found, as plain data without libtorch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/evidence.h"

namespace bertjit {

/// Why two values do not match; the first that applies.
enum class Mismatch {
  kNone,
  kMissing,  ///< only `expected` has it
  kExtra,    ///< only `actual` has it
  kType,     ///< e.g. a tensor against None
  kShape,
  kDType,
  kEmpty,  ///< no elements: nothing was compared, which is not a pass
  kValues,
};

/// "none", "missing", "extra", "type", "shape", "dtype", "empty", "values".
const char* mismatch_name(Mismatch mismatch);

/// One position of two tensors.
struct ElementPair {
  std::vector<int64_t> index;  ///< one number for each dimension; empty for a tensor without dimensions
  double expected = 0;
  double actual = 0;
};

/// Two tensors, or two values at the same place in nested outputs.
///
/// Everything from `elements` on is measured only where both are tensors of one shape with elements; it is measured
/// too where only the dtype differs. Errors are float64 differences; one pair with a NaN makes them NaN. Pairs that
/// `equal_nan` lets through count as equal and are left out of `cosine` and `sqnr_db`.
struct TensorComparison {
  std::string name;  ///< path in the outputs: "0", "hidden_states.3", "['logits']"; "output" for a lone tensor
  bool matches = false;
  Mismatch mismatch = Mismatch::kNone;
  std::string message;         ///< in assert_close's words; empty if it matches
  std::string expected_dtype;  ///< PyTorch's word: "float32"; of other values their text: "None"; empty if missing
  std::string actual_dtype;
  std::string expected_shape;  ///< "[2, 3]"; empty if it is no tensor
  std::string actual_shape;
  double rtol = 0;  ///< as used, after defaults
  double atol = 0;
  bool equal_nan = false;
  std::optional<double> min_sqnr_db;  ///< set: what decided, of floating tensors

  int64_t elements = 0;
  int64_t mismatched_elements = 0;
  double max_abs_error = 0;
  ElementPair max_abs_at;
  double max_rel_error = 0;  ///< |actual - expected| / |expected|: infinite where only `expected` is zero
  ElementPair max_rel_at;
  double mean_abs_error = 0;
  double cosine = 0;    ///< 1 is the same direction; two all-zero tensors have 1, one has 0
  double sqnr_db = 0;   ///< 10 log10(sum expected² / sum (actual - expected)²); infinite where all are equal
  int64_t max_ulp = 0;  ///< representable numbers between the two, NaN aside; 0 for integers and for unlike dtypes
  /// The smallest atol at which the values would pass with this rtol; infinite if there is none.
  double smallest_passing_atol = 0;
  int64_t expected_nan_count = 0;
  int64_t actual_nan_count = 0;
  int64_t expected_inf_count = 0;
  int64_t actual_inf_count = 0;
};

/// All values of nested outputs, in the order of the call; those that only `actual` has stand where they were found.
struct OutputsComparison {
  bool matches = false;  ///< every leaf matches, and at least one element was compared
  int64_t elements = 0;
  std::vector<TensorComparison> leaves;
};

/// The comparison as evidence of a check: numbers raw, so that the verdict can be recomputed. Statistics are left out
/// where nothing was measured.
EvidenceFields comparison_evidence(const TensorComparison& comparison);

}  // namespace bertjit
