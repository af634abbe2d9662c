#include "report/verify_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "report/check_report.h"
#include "report/source_report.h"
#include "report/verify_report.h"
#include "support/error.h"

namespace bertjit {

namespace {

using nlohmann::ordered_json;

[[noreturn]] void fail(const std::string& field, const char* expected) {
  throw Error(ErrorKind::kCorrupt, "verify report: '" + field + "' is not " + expected);
}

const ordered_json& member(const ordered_json& object, const char* name) {
  const auto found = object.find(name);
  if (!object.is_object() || found == object.end()) {
    fail(name, "there");
  }
  return *found;
}

std::string text_at(const ordered_json& object, const char* name) {
  const ordered_json& value = member(object, name);
  if (!value.is_string()) {
    fail(name, "a text");
  }
  return value.get<std::string>();
}

/// Empty for null.
std::string text_or_null_at(const ordered_json& object, const char* name) {
  return member(object, name).is_null() ? "" : text_at(object, name);
}

template <typename Integer>
Integer integer_at(const ordered_json& object, const char* name) {
  const ordered_json& value = member(object, name);
  if (!value.is_number_integer()) {
    fail(name, "a whole number");
  }
  return value.get<Integer>();
}

std::vector<std::string> texts_at(const ordered_json& object, const char* name) {
  std::vector<std::string> texts;
  for (const ordered_json& item : member(object, name)) {
    if (!item.is_string()) {
      fail(name, "a list of texts");
    }
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

/// The value among `values` whose name, by `name_of`, stands in the field.
template <typename Enum, typename NameOf>
Enum choice_at(const ordered_json& object, const char* name, std::initializer_list<Enum> values, NameOf name_of) {
  const std::string text = text_at(object, name);
  const auto found = std::ranges::find_if(values, [&](Enum value) { return text == name_of(value); });
  if (found == values.end()) {
    fail(name, "a word that is known there");
  }
  return *found;
}

using Value = decltype(Evidence::value);

std::optional<double> number_without_digits(const std::string& text) {
  if (text == "nan") {
    return std::nan("");
  }
  if (text == "inf" || text == "-inf") {
    return (text[0] == '-' ? -1 : 1) * std::numeric_limits<double>::infinity();
  }
  return std::nullopt;
}

/// Lines that all begin with "  ", "- ", "+ " or "? ", and some of them not with "  ".
bool is_diff(const std::string& text) {
  bool has_change = false;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const bool is_marked = end - begin >= 2 && text[begin + 1] == ' ' &&
                           std::string_view(" -+?").find(text[begin]) != std::string_view::npos;
    if (!is_marked && end != begin) {
      return false;
    }
    has_change = has_change || (is_marked && text[begin] != ' ');
    begin = end + 1;
  }
  return has_change && text.find('\n') != std::string::npos;
}

Value text_value(const std::string& text) {
  if (const auto number = number_without_digits(text)) {
    return *number;
  }
  if (is_diff(text)) {
    return TextBlock{text, TextBlock::Kind::kDiff};
  }
  return text;
}

template <typename Item>
Value list_of(const ordered_json& array) {
  return array.get<std::vector<Item>>();
}

Value list_value(const std::string& key, const ordered_json& array) {
  const auto all = [&](auto is) { return std::all_of(array.begin(), array.end(), is); };
  if (all([](const ordered_json& item) { return item.is_string(); })) {
    return list_of<std::string>(array);
  }
  if (all([](const ordered_json& item) { return item.is_number_integer(); })) {
    return list_of<int64_t>(array);
  }
  if (!all([](const ordered_json& item) { return item.is_object(); })) {
    fail(key, "a list of texts, of whole numbers or of objects");
  }
  EvidenceRows rows;
  for (const ordered_json& row : array) {
    rows.push_back(evidence_from_json(row));
  }
  return rows;
}

Value value_from_json(const std::string& key, const ordered_json& value) {
  switch (value.type()) {
    case ordered_json::value_t::boolean:
      return value.get<bool>();
    case ordered_json::value_t::number_integer:
    case ordered_json::value_t::number_unsigned:
      return value.get<int64_t>();
    case ordered_json::value_t::number_float:
      return value.get<double>();
    case ordered_json::value_t::string:
      return text_value(value.get<std::string>());
    case ordered_json::value_t::array:
      return list_value(key, value);
    case ordered_json::value_t::object:
      return evidence_from_json(value);
    default:
      fail(key, "evidence");
  }
}

SourceChoice checkpoint_from_json(const ordered_json& object) {
  SourceChoice choice;
  choice.path = text_at(object, "path");
  choice.architecture = text_at(object, "architecture");
  choice.head = text_at(object, "head");
  choice.head_origin = choice_at(
      object, "head_from", {HeadOrigin::kArchitectures, HeadOrigin::kOption, HeadOrigin::kClaims, HeadOrigin::kAssumed},
      head_origin_name);
  choice.listed_head = text_or_null_at(object, "listed_head");
  if (!member(object, "num_labels").is_null()) {
    choice.num_labels = integer_at<int64_t>(object, "num_labels");
  }
  choice.inputs = texts_at(object, "inputs");
  choice.weights = text_at(object, "weights");
  choice.dtype = text_at(object, "dtype");
  choice.stored_dtype = text_or_null_at(object, "stored_dtype");
  choice.notes = texts_at(object, "notes");
  return choice;
}

VerifyEnvironment environment_from_json(const ordered_json& object) {
  return {text_or_null_at(object, "bertjit"),         text_or_null_at(object, "libtorch"),
          text_or_null_at(object, "cpu_capability"),  integer_at<int>(object, "threads"),
          integer_at<int>(object, "interop_threads"), integer_at<uint64_t>(object, "seed")};
}

}  // namespace

EvidenceFields evidence_from_json(const ordered_json& object) {
  if (!object.is_object()) {
    fail("evidence", "an object");
  }
  EvidenceFields fields;
  for (const auto& [key, value] : object.items()) {
    fields.push_back({key, value_from_json(key, value)});
  }
  return fields;
}

std::vector<CheckResult> checks_from_json(const ordered_json& array) {
  if (!array.is_array()) {
    fail("checks", "a list");
  }
  std::vector<CheckResult> checks;
  for (const ordered_json& check : array) {
    checks.push_back(
        {text_at(check, "id"),
         choice_at(check, "verdict", {Verdict::kPass, Verdict::kFail, Verdict::kWarn, Verdict::kSkip}, verdict_name),
         text_at(check, "summary"), text_at(check, "where"), evidence_from_json(member(check, "evidence")),
         text_at(check, "advice")});
  }
  return checks;
}

VerifyResult verify_from_json(const ordered_json& document) {
  const std::string schema = text_at(document, "schema");
  if (schema != kVerifySchema) {
    throw Error(ErrorKind::kUnsupported, "verify report: 'schema' is '" + schema + "', not '" + kVerifySchema + "'");
  }
  VerifyResult result;
  result.passed = text_at(document, "verdict") == verdict_name(Verdict::kPass);
  result.unsafe = member(document, "unsafe") == true;
  result.module = text_at(document, "module");
  result.source = text_or_null_at(document, "source");
  if (!member(document, "source_kind").is_null()) {
    result.source_kind = choice_at(
        document, "source_kind",
        {SourceKind::kCheckpoint, SourceKind::kFunction, SourceKind::kModule, SourceKind::kArchive}, source_kind_name);
  }
  if (!member(document, "checkpoint").is_null()) {
    result.choice = checkpoint_from_json(member(document, "checkpoint"));
  }
  result.claims_from = text_or_null_at(document, "claims_from");
  result.recognised = text_or_null_at(document, "recognised");
  result.example = text_at(document, "example");
  result.environment = environment_from_json(member(document, "environment"));
  result.blamed = text_or_null_at(document, "blamed");
  result.where = text_at(document, "where");
  result.checks = checks_from_json(member(document, "checks"));
  result.nothing_checked =
      std::ranges::all_of(result.checks, [](const CheckResult& check) { return check.verdict == Verdict::kSkip; });
  return result;
}

}  // namespace bertjit
