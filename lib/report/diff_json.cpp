#include "report/diff_report.h"
#include "report/evidence_json.h"

namespace bertjit {

namespace {

using nlohmann::ordered_json;

template <typename T, typename ToJson>
ordered_json array_of(const std::vector<T>& items, const ToJson& to_json_of) {
  ordered_json array = ordered_json::array();
  for (const T& item : items) {
    array.push_back(to_json_of(item));
  }
  return array;
}

ordered_json value_or_null(const std::optional<std::string>& value) {
  return value ? json_text(*value) : ordered_json(nullptr);
}

ordered_json side_to_json(const DiffSide& side) {
  return {{"path", json_text(side.path)},   {"kind", side.kind},
          {"size_bytes", side.size_bytes},  {"tensors", side.tensor_count},
          {"elements", side.element_count}, {"modules", side.module_count}};
}

ordered_json cause_to_json(const DiffCause& cause) {
  return {{"id", cause.id}, {"effect", diff_effect_name(cause.effect)}, {"text", json_text(cause.text)}};
}

ordered_json element_to_json(const DiffElement& element) {
  return {{"index", element.index}, {"a", json_number(element.a)}, {"b", json_number(element.b)}};
}

ordered_json values_to_json(const DiffTensor& tensor) {
  return {{"elements", tensor.elements},
          {"differing", tensor.differing},
          {"rows_differing", tensor.rows_differing},
          {"first", tensor.differing == 0 ? ordered_json(nullptr) : element_to_json(tensor.first)},
          {"max_abs", json_number(tensor.max_abs)},
          {"max_abs_at", tensor.differing == 0 ? ordered_json(nullptr) : element_to_json(tensor.max_abs_at)},
          {"max_rel", json_number(tensor.max_rel)},
          {"max_rel_at", tensor.differing == 0 ? ordered_json(nullptr) : element_to_json(tensor.max_rel_at)},
          {"mean_abs", json_number(tensor.mean_abs)},
          {"cosine", json_number(tensor.cosine)},
          {"sqnr_db", json_number(tensor.sqnr_db)},
          {"sign_changes", tensor.sign_changes},
          {"nan", {tensor.nan_a, tensor.nan_b}},
          {"inf", {tensor.inf_a, tensor.inf_b}},
          {"zeros", {tensor.zeros_a, tensor.zeros_b}},
          {"flipped_bits", tensor.flipped_bits}};
}

ordered_json tensor_to_json(const DiffTensor& tensor) {
  return {{"name", json_text(tensor.name)},
          {"name_in_b", json_text(tensor.name_in_b)},
          {"role", json_text_or_null(tensor.role)},
          {"dtype", {tensor.dtype_a, tensor.dtype_b}},
          {"shape", {tensor.shape_a, tensor.shape_b}},
          {"relation", json_text_or_null(tensor.relation)},
          {"relation_text", json_text_or_null(tensor.relation_text)},
          {"values", tensor.measured ? values_to_json(tensor) : ordered_json(nullptr)}};
}

ordered_json lone_to_json(const DiffLoneTensor& tensor) {
  return {{"name", json_text(tensor.name)},
          {"role", json_text_or_null(tensor.role)},
          {"dtype", tensor.dtype},
          {"shape", tensor.shape},
          {"same_as", json_text_or_null(tensor.same_as)}};
}

ordered_json code_to_json(const DiffCode& code) {
  return {{"name", json_text(code.name)},
          {"modules", array_of(code.modules, json_text)},
          {"in_a", code.in_a},
          {"in_b", code.in_b},
          {"nature", json_text_or_null(code.nature)},
          {"removed", code.removed},
          {"added", code.added},
          {"diff", json_text_or_null(code.text)}};
}

ordered_json fact_to_json(const DiffFact& fact) {
  return {{"subject", diff_subject_name(fact.subject)},
          {"effect", diff_effect_name(fact.effect)},
          {"name", json_text(fact.name)},
          {"a", value_or_null(fact.a)},
          {"b", value_or_null(fact.b)},
          {"diff", json_text_or_null(fact.text)}};
}

}  // namespace

ordered_json to_json(const DiffResult& result) {
  const bool differ = result.verdict == DiffVerdict::kDifferent;
  ordered_json json;
  json["schema"] = "bertjit.diff/1";
  json["verdict"] = differ ? "fail" : "pass";
  json["equality"] = diff_verdict_name(result.verdict);
  json["effect"] = differ ? ordered_json(diff_effect_name(result.effect)) : ordered_json(nullptr);
  json["level"] = diff_level_name(result.level);
  json["a"] = side_to_json(result.a);
  json["b"] = side_to_json(result.b);
  json["causes"] = array_of(result.causes, cause_to_json);
  json["only_tensors"] = result.only_tensors;
  json["compared"] = {
      {"tensors", result.tensors_compared}, {"elements", result.elements_compared}, {"code", result.code_compared}};
  json["code"] = array_of(result.code, code_to_json);
  json["tensors"] = array_of(result.tensors, tensor_to_json);
  json["only_in_a"] = array_of(result.only_in_a, lone_to_json);
  json["only_in_b"] = array_of(result.only_in_b, lone_to_json);
  json["facts"] = array_of(result.facts, fact_to_json);
  json["notes"] = array_of(result.notes, json_text);
  return json;
}

}  // namespace bertjit
