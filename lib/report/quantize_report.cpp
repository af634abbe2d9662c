#include "report/quantize_report.h"

#include <algorithm>
#include <cstdio>

#include "report/columns.h"
#include "report/evidence_json.h"
#include "report/source_report.h"

namespace bertjit {

namespace {

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t size : shape) {
    text += (text.empty() ? "" : "x") + std::to_string(size);
  }
  return text;
}

std::string scales_text(const QuantizedLayer& layer) {
  if (layer.least_scale == layer.greatest_scale) {
    return rounded_text(layer.least_scale);
  }
  return rounded_text(layer.least_scale) + " to " + rounded_text(layer.greatest_scale);
}

void print_layers(const QuantizeResult& result, std::ostream& out) {
  const auto quantized =
      std::count_if(result.layers.begin(), result.layers.end(), [](const auto& layer) { return layer.quantized; });
  out << "layers   " << quantized << " of " << grouped_count(result.layers.size(), "layer") << " to int8\n";
  std::vector<std::vector<std::string>> rows = {{"layer", "weight", "now", "scale of the int8 weight"}};
  for (const auto& layer : result.layers) {
    rows.push_back({layer.name.empty() ? "(root)" : layer.name, shape_text(layer.shape),
                    layer.quantized ? "int8" : "kept", layer.quantized ? scales_text(layer) : layer.kept});
  }
  print_columns(rows, {Align::kLeft, Align::kRight}, "  ", out);
}

void print_sizes(const QuantizeResult& result, std::ostream& out) {
  out << "bytes\n";
  std::vector<std::vector<std::string>> rows = {{"", "before", "after"}};
  for (const auto& group : result.sizes) {
    rows.push_back({group.name, grouped(group.before_bytes), grouped(group.after_bytes)});
  }
  rows.push_back({"file", grouped(result.before_bytes), grouped(result.size_bytes)});
  print_columns(rows, {Align::kLeft, Align::kRight, Align::kRight}, "  ", out);
}

void print_sensitivity(const QuantizeResult& result, std::ostream& out) {
  constexpr size_t kShown = 5;
  if (result.sensitivity.empty()) {
    return;
  }
  out << "worst    layers that alone as int8 bring the most noise into the outputs\n";
  std::vector<std::vector<std::string>> rows = {{"layer", "outputs dB", "layer dB", "now"}};
  for (size_t i = 0; i < std::min(kShown, result.sensitivity.size()); ++i) {
    const auto& row = result.sensitivity[i];
    rows.push_back(
        {row.name, rounded_text(row.output_sqnr_db), rounded_text(row.layer_sqnr_db), row.quantized ? "int8" : "kept"});
  }
  print_columns(rows, {Align::kLeft, Align::kRight, Align::kRight}, "  ", out);
}

std::string fixed4(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

std::string times_text(double factor) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", factor);
  return text;
}

/// "7 passes over 408 rows"; "and 38 layers alone on 32 rows".
std::string cost_text(const QuantizeTask& task) {
  std::string text = std::to_string(task.trials.size() + 1) + " passes over all rows";
  if (task.ranked_layers > 0) {
    text += ", and " + grouped_count(static_cast<uint64_t>(task.ranked_layers), "layer") + " ranked on " +
            grouped_count(static_cast<uint64_t>(task.ranked_rows), "row");
  }
  return text;
}

/// What was tried on the task's rows, in order.
void print_trials(const QuantizeTask& task, std::ostream& out) {
  const ExamSetting& setting = task.setting;
  out << "task     " << setting.task << ": " << grouped_count(static_cast<uint64_t>(setting.rows), "row") << " of ";
  for (const std::string& file : setting.files) {
    out << (&file == &setting.files.front() ? "" : ", ") << file;
  }
  out << "; at most " << setting.max_seq_length << " tokens, batches of " << setting.batch_size << ", padding "
      << setting.padding << "; " << cost_text(task) << "\n";
  std::vector<std::vector<std::string>> rows = {{"tried", "bytes", "changed", setting.metric, "time", "holds"}};
  for (const QuantizeTrial& trial : task.trials) {
    rows.push_back({std::string(scheme_name(trial.scheme)) + ", " + trial.step, grouped(trial.size_bytes),
                    std::to_string(trial.changed), fixed4(trial.metric),
                    times_text(trial.seconds / task.expected_seconds),
                    !task.limits.any() ? "-"
                    : trial.holds      ? "yes"
                                       : "no"});
  }
  print_columns(rows, {Align::kLeft, Align::kRight, Align::kRight, Align::kRight, Align::kRight}, "  ", out);
}

/// What came of it, beside float32.
void print_task(const QuantizeResult& result, std::ostream& out) {
  const QuantizeTask& task = *result.task;
  std::vector<std::vector<std::string>> rows = {{"", "float32", "int8"}};
  for (size_t i = 0; i < task.expected.metrics.size(); ++i) {
    const EvalMetric& metric = task.expected.metrics[i];
    rows.push_back({metric.name, fixed4(metric.value), fixed4(task.actual.metrics[i].value)});
  }
  if (!task.setting.classes.empty()) {
    const EvalComparison& comparison = task.comparison;
    rows.push_back({"right", std::to_string(task.expected.right), std::to_string(task.actual.right)});
    rows.push_back(
        {"right in this one only", std::to_string(comparison.only_first), std::to_string(comparison.only_this)});
    rows.push_back({"answers changed", "", std::to_string(comparison.changed)});
    rows.push_back({"McNemar p", "", rounded_text(comparison.mcnemar_p)});
  }
  rows.push_back({"speed", "1.00", times_text(task.speed)});
  print_columns(rows, {Align::kLeft, Align::kRight, Align::kRight}, "  ", out);
}

nlohmann::ordered_json trial_rows(const QuantizeTask& task) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const QuantizeTrial& trial : task.trials) {
    rows.push_back({{"step", json_text(trial.step)},
                    {"scheme", scheme_name(trial.scheme)},
                    {"kept", trial.kept},
                    {"changed", trial.changed},
                    {"metric", json_number(trial.metric)},
                    {"metric_drop", json_number(trial.metric_drop)},
                    {"size_bytes", trial.size_bytes},
                    {"seconds", trial.seconds},
                    {"holds", trial.holds}});
  }
  return rows;
}

nlohmann::ordered_json metrics_json(const EvalScore& score) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const EvalMetric& metric : score.metrics) {
    json[metric.name] = json_number(metric.value);
  }
  return json;
}

template <typename Number>
nlohmann::ordered_json number_or_null(const std::optional<Number>& number) {
  return number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json task_json(const QuantizeTask& task) {
  const ExamSetting& setting = task.setting;
  const EvalComparison& comparison = task.comparison;
  nlohmann::ordered_json json = {{"task", setting.task},
                                 {"files", setting.files},
                                 {"rows", setting.rows},
                                 {"max_seq_length", setting.max_seq_length},
                                 {"batch_size", setting.batch_size},
                                 {"padding", setting.padding},
                                 {"metric", setting.metric},
                                 {"max_flips", number_or_null(task.limits.max_flips)},
                                 {"max_f1_drop", number_or_null(task.limits.max_metric_drop)},
                                 {"float32", metrics_json(task.expected)},
                                 {"int8", metrics_json(task.actual)}};
  if (!setting.classes.empty()) {
    json["changed"] = comparison.changed;
    json["only_float32_right"] = comparison.only_first;
    json["only_int8_right"] = comparison.only_this;
    json["mcnemar_p"] = comparison.mcnemar_p;
  }
  json["max_abs_logit_difference"] = json_number(comparison.max_abs_logit_difference);
  json["mean_abs_logit_difference"] = json_number(comparison.mean_abs_logit_difference);
  json["float32_seconds"] = task.expected_seconds;
  json["int8_seconds"] = task.actual_seconds;
  json["speed"] = task.speed;
  json["ranked_layers"] = task.ranked_layers;
  json["ranked_rows"] = task.ranked_rows;
  json["trials"] = trial_rows(task);
  json["notes"] = task.notes;
  return json;
}

nlohmann::ordered_json sensitivity_rows(const QuantizeResult& result) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& row : result.sensitivity) {
    rows.push_back({{"layer", json_text(row.name)},
                    {"quantized", row.quantized},
                    {"output_sqnr_db", json_number(row.output_sqnr_db)},
                    {"layer_sqnr_db", json_number(row.layer_sqnr_db)},
                    {"max_abs_error", json_number(row.max_abs_error)},
                    {"saved_bytes", row.saved_bytes}});
  }
  return rows;
}

nlohmann::ordered_json layer_rows(const QuantizeResult& result) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& layer : result.layers) {
    nlohmann::ordered_json row = {{"layer", json_text(layer.name)},
                                  {"kind", layer.is_embedding ? "embedding" : "linear"},
                                  {"shape", layer.shape},
                                  {"quantized", layer.quantized}};
    if (layer.quantized) {
      row["least_scale"] = layer.least_scale;
      row["greatest_scale"] = layer.greatest_scale;
    } else {
      row["kept"] = json_text(layer.kept);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

void print_text(const QuantizeResult& result, Color color, std::ostream& out) {
  out << "source   " << result.source << ": "
      << (result.choice ? result.choice->architecture + " " + result.choice->head : source_kind_name(result.kind))
      << "\nscheme   " << scheme_name(result.scheme) << ", activations in " << (result.reduce_range ? 7 : 8)
      << " bits, engine " << result.engine << "\n";
  print_layers(result, out);
  print_sensitivity(result, out);
  if (!result.example.empty()) {
    out << "inputs   " << result.example << "\n";
  }
  if (result.task) {
    print_trials(*result.task, out);
  }
  print_checks(result.checks, color, out);
  if (result.task) {
    print_task(result, out);
  }
  if (result.output.empty()) {
    out << "not written: a check failed\n";
    return;
  }
  print_sizes(result, out);
  out << "wrote    " << result.output << ": " << grouped(result.size_bytes) << " bytes\n";
}

nlohmann::ordered_json to_json(const QuantizeResult& result) {
  nlohmann::ordered_json json;
  json["schema"] = "bertjit.quantize/1";
  json["verdict"] = result.passed ? "pass" : "fail";
  json["source"] = json_text(result.source);
  json["output"] = result.output.empty() ? nlohmann::ordered_json(nullptr) : json_text(result.output);
  json["kind"] = source_kind_name(result.kind);
  json["checkpoint"] = result.choice ? choice_to_json(*result.choice) : nlohmann::ordered_json(nullptr);
  json["archive_name"] = json_text(result.archive_name);
  json["scheme"] = scheme_name(result.scheme);
  json["reduce_range"] = result.reduce_range;
  json["engine"] = result.engine;
  json["before_bytes"] = result.before_bytes;
  json["size_bytes"] = result.size_bytes;
  json["sizes"] = nlohmann::ordered_json::array();
  for (const auto& group : result.sizes) {
    json["sizes"].push_back(
        {{"group", group.name}, {"before_bytes", group.before_bytes}, {"after_bytes", group.after_bytes}});
  }
  json["layers"] = layer_rows(result);
  json["example"] = result.example.empty() ? nlohmann::ordered_json(nullptr) : json_text(result.example);
  json["sensitivity"] = sensitivity_rows(result);
  json["task"] = result.task ? task_json(*result.task) : nlohmann::ordered_json(nullptr);
  json["checks"] = checks_to_json(result.checks);
  return json;
}

std::string sensitivity_json(const QuantizeResult& result) {
  const nlohmann::ordered_json json = {{"schema", "bertjit.sensitivity/1"},
                                       {"source", json_text(result.source)},
                                       {"scheme", scheme_name(result.scheme)},
                                       {"example", json_text(result.example)},
                                       {"layers", sensitivity_rows(result)}};
  return json.dump(2) + "\n";
}

std::string sensitivity_csv(const QuantizeResult& result) {
  std::string text = "layer,quantized,output_sqnr_db,layer_sqnr_db,max_abs_error,saved_bytes\n";
  for (const auto& row : result.sensitivity) {
    text += row.name + "," + (row.quantized ? "1" : "0") + "," + number_text(row.output_sqnr_db) + "," +
            number_text(row.layer_sqnr_db) + "," + number_text(row.max_abs_error) + "," +
            std::to_string(row.saved_bytes) + "\n";
  }
  return text;
}

}  // namespace bertjit
