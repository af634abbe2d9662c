#include "report/source_report.h"

#include "report/evidence_json.h"

namespace bertjit {

namespace {

std::string reason(const SourceChoice& choice) {
  switch (choice.head_origin) {
    case HeadOrigin::kArchitectures:
      return "architectures of config.json";
    case HeadOrigin::kOption:
      return choice.listed_head.empty() ? "--head; config.json has no architectures"
                                        : "--head; config.json lists " + choice.listed_head;
    case HeadOrigin::kClaims:
      return "claimed by the module; config.json lists " + (choice.listed_head.empty() ? "none" : choice.listed_head);
    case HeadOrigin::kAssumed:
      return "assumed: config.json has no architectures; --head names another";
  }
  return "";
}

nlohmann::ordered_json list(const std::vector<std::string>& texts) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const auto& text : texts) {
    json.push_back(json_text(text));
  }
  return json;
}

}  // namespace

const char* head_origin_name(HeadOrigin origin) {
  switch (origin) {
    case HeadOrigin::kArchitectures:
      return "architectures";
    case HeadOrigin::kOption:
      return "option";
    case HeadOrigin::kClaims:
      return "claims";
    case HeadOrigin::kAssumed:
      return "assumed";
  }
  return "";
}

void print_choice(const std::string& command, const SourceChoice& choice, std::ostream& out) {
  out << command << ": " << choice.path << ": " << choice.head << " (" << reason(choice) << ")";
  if (choice.num_labels) {
    out << ", " << *choice.num_labels << (*choice.num_labels == 1 ? " label" : " labels");
  }
  out << ", " << choice.dtype << "; inputs ";
  for (size_t i = 0; i < choice.inputs.size(); ++i) {
    out << (i == 0 ? "" : ", ") << choice.inputs[i];
  }
  out << "\n";
  for (const auto& note : choice.notes) {
    out << command << ": " << note << "\n";
  }
}

nlohmann::ordered_json choice_to_json(const SourceChoice& choice) {
  nlohmann::ordered_json json;
  json["path"] = json_text(choice.path);
  json["architecture"] = json_text(choice.architecture);
  json["head"] = json_text(choice.head);
  json["head_from"] = head_origin_name(choice.head_origin);
  json["listed_head"] = json_text_or_null(choice.listed_head);
  json["num_labels"] = choice.num_labels ? nlohmann::ordered_json(*choice.num_labels) : nullptr;
  json["inputs"] = list(choice.inputs);
  json["weights"] = json_text(choice.weights);
  json["dtype"] = json_text(choice.dtype);
  json["stored_dtype"] = json_text_or_null(choice.stored_dtype);
  json["notes"] = list(choice.notes);
  return json;
}

}  // namespace bertjit
