#include "report/trace_report.h"

#include "report/bound_inputs.h"
#include "report/evidence_json.h"
#include "report/source_report.h"

namespace bertjit {

namespace {

/// 22713986 -> "22,713,986"
std::string grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (int64_t i = static_cast<int64_t>(text.size()) - 3; i > 0; i -= 3) {
    text.insert(static_cast<size_t>(i), ",");
  }
  return text;
}

}  // namespace

void print_text(const TraceResult& result, Color color, std::ostream& out) {
  out << "source   " << result.source << ": " << result.choice.architecture << " " << result.choice.head << ", "
      << grouped(static_cast<uint64_t>(result.parameter_count)) << " parameters, " << result.attention
      << " attention\n";
  if (!result.tie.empty()) {
    out << "decoder  tied to the word embeddings, " << (result.tie == "clone" ? "cloned" : "shared") << " (--tie "
        << result.tie << ")\n";
  }
  out << "inputs   " << result.example << "\n";
  print_inputs(result.inputs, out);
  out << "outputs\n";
  std::vector<DescribedValue> outputs;
  for (const auto& output : result.outputs) {
    outputs.push_back({output.name, output.dtype, output.shape, ""});
  }
  print_values(outputs, out);
  print_checks(result.checks, color, out);
  if (result.output.empty()) {
    out << "not written: a check failed (--no-check writes it all the same)\n";
    return;
  }
  out << "wrote    " << result.output << ": " << grouped(result.size_bytes) << " bytes, "
      << (result.dynamic_shapes ? "every batch size and length" : "fixed shapes") << "\n";
  if (!result.checksum_file.empty()) {
    out << "wrote    " << result.checksum_file << ": " << result.sha512.substr(0, 16) << "...\n";
  }
}

nlohmann::ordered_json to_json(const TraceResult& result) {
  nlohmann::ordered_json json;
  json["schema"] = "bertjit.trace/1";
  json["verdict"] = result.passed ? "pass" : "fail";
  json["source"] = json_text(result.source);
  json["output"] = result.output.empty() ? nlohmann::ordered_json(nullptr) : json_text(result.output);
  json["checkpoint"] = choice_to_json(result.choice);
  json["architecture"] = json_text(result.choice.architecture);
  json["head"] = json_text(result.choice.head);
  json["attn_implementation"] = result.attention;
  json["tie"] = result.tie.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(result.tie);
  json["archive_name"] = json_text(result.archive_name);
  json["dynamic_shapes"] = result.dynamic_shapes;
  json["parameters"] = result.parameter_count;
  json["size_bytes"] = result.size_bytes;
  json["sha512"] = result.sha512.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(result.sha512);
  json["example"] = json_text(result.example);
  json["inputs"] = inputs_to_json(result.inputs);
  json["outputs"] = nlohmann::ordered_json::array();
  for (const auto& output : result.outputs) {
    json["outputs"].push_back({{"name", json_text(output.name)}, {"dtype", output.dtype}, {"shape", output.shape}});
  }
  json["unused_weights"] = nlohmann::ordered_json::array();
  for (const auto& name : result.unused_weights) {
    json["unused_weights"].push_back(json_text(name));
  }
  json["warnings"] = nlohmann::ordered_json::array();
  for (const auto& warning : result.warnings) {
    json["warnings"].push_back(json_text(warning));
  }
  json["checks"] = checks_to_json(result.checks);
  return json;
}

}  // namespace bertjit
