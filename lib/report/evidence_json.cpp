#include "report/evidence_json.h"

#include <cmath>

namespace bertjit {
namespace {

using nlohmann::ordered_json;

struct ValueToJson {
  ordered_json operator()(bool value) const {
    return value;
  }
  ordered_json operator()(int64_t value) const {
    return value;
  }
  ordered_json operator()(double value) const {
    return json_number(value);
  }
  ordered_json operator()(const std::string& value) const {
    return json_text(value);
  }
  ordered_json operator()(const TextBlock& block) const {
    return json_text(block.text);
  }
  ordered_json operator()(const std::vector<int64_t>& values) const {
    return values;
  }
  ordered_json operator()(const std::vector<std::string>& values) const {
    ordered_json array = ordered_json::array();
    for (const std::string& value : values) {
      array.push_back(json_text(value));
    }
    return array;
  }
  ordered_json operator()(const EvidenceFields& fields) const {
    return evidence_to_json(fields);
  }
  ordered_json operator()(const EvidenceRows& rows) const {
    ordered_json array = ordered_json::array();
    for (const EvidenceFields& row : rows) {
      array.push_back(evidence_to_json(row));
    }
    return array;
  }
};

}  // namespace

ordered_json json_number(double value) {
  if (std::isfinite(value)) {
    return value;
  }
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

ordered_json json_text(const std::string& text) {
  return ordered_json::parse(ordered_json(text).dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

ordered_json json_text_or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : json_text(text);
}

ordered_json evidence_to_json(const EvidenceFields& fields) {
  ordered_json object = ordered_json::object();
  for (const Evidence& field : fields) {
    object[json_text(field.key).get<std::string>()] = std::visit(ValueToJson{}, field.value);
  }
  return object;
}

}  // namespace bertjit
