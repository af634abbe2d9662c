#include "report/trace_report.h"

#include "report/bound_inputs.h"
#include "report/columns.h"
#include "report/evidence_json.h"
#include "report/source_report.h"

namespace bertjit {

namespace {

void print_source(const TraceResult& result, std::ostream& out) {
  const std::string parameters = grouped(static_cast<uint64_t>(result.parameter_count)) + " parameters";
  out << "source   " << result.source << ": ";
  if (!result.checkpoint) {
    out << source_kind_name(result.kind) << (result.scripted ? ", scripted" : "") << ", " << parameters << "\n";
    return;
  }
  const TracedCheckpoint& checkpoint = *result.checkpoint;
  out << checkpoint.choice.architecture << " " << checkpoint.choice.head << ", " << parameters << ", "
      << checkpoint.attention << " attention\n";
  if (!checkpoint.tie.empty()) {
    out << "decoder  tied to the word embeddings, " << (checkpoint.tie == "clone" ? "cloned" : "shared") << " (--tie "
        << checkpoint.tie << ")\n";
  }
}

void print_values_of_run(const TraceResult& result, std::ostream& out) {
  if (result.example.empty()) {
    return;  // compiled, not run
  }
  out << "inputs   " << result.example << "\n";
  print_inputs(result.inputs, out);
  out << "outputs\n";
  std::vector<DescribedValue> outputs;
  for (const auto& output : result.outputs) {
    outputs.push_back({output.name, output.dtype, output.shape, ""});
  }
  print_values(outputs, out);
}

const char* what_it_takes(const TraceResult& result) {
  if (result.scripted) {
    return "control flow kept";
  }
  if (!result.dynamic_shapes) {
    return "fixed shapes";
  }
  return result.checkpoint ? "every batch size and length" : "sizes recorded";
}

/// The fields of a checkpoint; null for other sources.
void add_checkpoint(nlohmann::ordered_json& json, const std::optional<TracedCheckpoint>& checkpoint) {
  if (!checkpoint) {
    for (const char* key : {"checkpoint", "architecture", "head", "attn_implementation", "tie"}) {
      json[key] = nullptr;
    }
    return;
  }
  json["checkpoint"] = choice_to_json(checkpoint->choice);
  json["architecture"] = json_text(checkpoint->choice.architecture);
  json["head"] = json_text(checkpoint->choice.head);
  json["attn_implementation"] = checkpoint->attention;
  json["tie"] = checkpoint->tie.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(checkpoint->tie);
}

}  // namespace

void print_text(const TraceResult& result, Color color, std::ostream& out) {
  print_source(result, out);
  print_values_of_run(result, out);
  print_checks(result.checks, color, out);
  if (result.output.empty()) {
    out << "not written: a check failed (--no-check writes it all the same)\n";
    return;
  }
  out << "wrote    " << result.output << ": " << grouped(result.size_bytes) << " bytes, " << what_it_takes(result)
      << "\n";
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
  json["kind"] = source_kind_name(result.kind);
  json["scripted"] = result.scripted;
  add_checkpoint(json, result.checkpoint);
  json["archive_name"] = json_text(result.archive_name);
  json["dynamic_shapes"] = result.dynamic_shapes;
  json["parameters"] = result.parameter_count;
  json["size_bytes"] = result.size_bytes;
  json["sha512"] = result.sha512.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(result.sha512);
  json["example"] = result.example.empty() ? nlohmann::ordered_json(nullptr) : json_text(result.example);
  json["inputs"] = inputs_to_json(result.inputs);
  json["outputs"] = nlohmann::ordered_json::array();
  for (const auto& output : result.outputs) {
    json["outputs"].push_back({{"name", json_text(output.name)}, {"dtype", output.dtype}, {"shape", output.shape}});
  }
  json["unused_weights"] = nlohmann::ordered_json::array();
  for (const auto& name : result.checkpoint ? result.checkpoint->unused_weights : std::vector<std::string>{}) {
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
