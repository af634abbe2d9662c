#include "locate/location.h"

namespace bertjit {

namespace {

EvidenceFields error_fields(const LayerError& error) {
  return {{"module", error.module},
          {"operator", error.op},
          {"max_abs_error", error.max_abs_error},
          {"sqnr_db", error.sqnr_db},
          {"elements", error.elements}};
}

}  // namespace

EvidenceFields location_evidence(const Location& location) {
  EvidenceFields fields;
  if (location.found) {
    EvidenceFields divergence = {{"module", location.module},
                                 {"operator", location.op},
                                 {"expected_operator", location.expected_op},
                                 {"source_line", location.source_line},
                                 {"code_record", location.code_record},
                                 {"before", error_fields(location.before)},
                                 {"after", error_fields(location.after)},
                                 {"step_error", location.step_error},
                                 {"step_limit", location.step_limit}};
    if (!location.also.empty()) {
      divergence.push_back({"also", location.also});
    }
    fields.push_back({"first_divergence", std::move(divergence)});
  } else {
    fields.push_back({"not_located", location.why_not});
  }
  EvidenceRows rows;
  for (const auto& layer : location.layers) {
    rows.push_back(error_fields(layer));
  }
  if (!rows.empty()) {
    fields.push_back({"layers", std::move(rows)});
  }
  return fields;
}

}  // namespace bertjit
