#include "compare/comparison_result.h"

namespace bertjit {
namespace {

void add_text(EvidenceFields& fields, const std::string& key, const std::string& text) {
  if (!text.empty()) {
    fields.push_back({key, text});
  }
}

EvidenceFields pair_evidence(const ElementPair& pair) {
  return {{"index", pair.index}, {"expected", pair.expected}, {"actual", pair.actual}};
}

void add_statistics(EvidenceFields& fields, const TensorComparison& comparison) {
  const EvidenceFields statistics = {
      {"mismatched_elements", comparison.mismatched_elements},
      {"max_abs_error", comparison.max_abs_error},
      {"max_abs_at", pair_evidence(comparison.max_abs_at)},
      {"max_rel_error", comparison.max_rel_error},
      {"max_rel_at", pair_evidence(comparison.max_rel_at)},
      {"mean_abs_error", comparison.mean_abs_error},
      {"cosine", comparison.cosine},
      {"sqnr_db", comparison.sqnr_db},
      {"max_ulp", comparison.max_ulp},
      {"smallest_passing_atol", comparison.smallest_passing_atol},
      {"expected_nan_count", comparison.expected_nan_count},
      {"actual_nan_count", comparison.actual_nan_count},
      {"expected_inf_count", comparison.expected_inf_count},
      {"actual_inf_count", comparison.actual_inf_count},
  };
  fields.insert(fields.end(), statistics.begin(), statistics.end());
}

}  // namespace

const char* mismatch_name(Mismatch mismatch) {
  switch (mismatch) {
    case Mismatch::kNone:
      return "none";
    case Mismatch::kMissing:
      return "missing";
    case Mismatch::kExtra:
      return "extra";
    case Mismatch::kType:
      return "type";
    case Mismatch::kShape:
      return "shape";
    case Mismatch::kDType:
      return "dtype";
    case Mismatch::kEmpty:
      return "empty";
    case Mismatch::kValues:
      break;
  }
  return "values";
}

EvidenceFields comparison_evidence(const TensorComparison& comparison) {
  EvidenceFields fields;
  add_text(fields, "name", comparison.name);
  fields.push_back({"matches", comparison.matches});
  fields.push_back({"mismatch", std::string(mismatch_name(comparison.mismatch))});
  fields.push_back({"elements", comparison.elements});
  if (comparison.elements > 0) {
    add_statistics(fields, comparison);
  }
  add_text(fields, "expected_dtype", comparison.expected_dtype);
  add_text(fields, "actual_dtype", comparison.actual_dtype);
  add_text(fields, "expected_shape", comparison.expected_shape);
  add_text(fields, "actual_shape", comparison.actual_shape);
  fields.push_back({"rtol", comparison.rtol});
  fields.push_back({"atol", comparison.atol});
  fields.push_back({"equal_nan", comparison.equal_nan});
  if (comparison.min_sqnr_db) {
    fields.push_back({"min_sqnr_db", *comparison.min_sqnr_db});
  }
  add_text(fields, "message", comparison.message);
  return fields;
}

}  // namespace bertjit
