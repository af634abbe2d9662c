#include "report/eval_report.h"

#include "report/evidence_json.h"

namespace bertjit {

namespace {

using Json = nlohmann::ordered_json;

Json metrics_json(const std::vector<EvalMetric>& metrics) {
  Json json = Json::object();
  for (const EvalMetric& metric : metrics) {
    json[metric.name] = json_number(metric.value);
  }
  return json;
}

Json classes_json(const EvalScore& score) {
  Json classes = Json::array();
  for (const ClassScore& one : score.classes) {
    classes.push_back({{"class", one.name},
                       {"labelled", one.labelled},
                       {"answered", one.answered},
                       {"right", one.right},
                       {"precision", one.precision},
                       {"recall", one.recall},
                       {"f1", one.f1}});
  }
  return classes;
}

Json score_json(const EvalScore& score) {
  Json json = {{"metrics", metrics_json(score.metrics)}};
  if (!score.classes.empty()) {
    json["right"] = score.right;
    json["accuracy"] = score.accuracy;
    json["classes"] = classes_json(score);
    json["confusion"] = score.confusion;
  }
  return json;
}

Json comparison_json(const EvalComparison& comparison, const EvalResult& result, const EvalData& data) {
  Json json = {{"metric_differences", metrics_json(comparison.metric_differences)},
               {"max_abs_logit_difference", json_number(comparison.max_abs_logit_difference)},
               {"mean_abs_logit_difference", json_number(comparison.mean_abs_logit_difference)}};
  if (!result.classes.empty()) {
    json["changed"] = comparison.changed;
    if (data.has_labels) {
      json["only_first_right"] = comparison.only_first;
      json["only_this_right"] = comparison.only_this;
      json["mcnemar_p"] = comparison.mcnemar_p;
    }
  }
  return json;
}

Json timings_json(const EvalAnswers& answers, size_t rows) {
  Json timings = Json::array();
  for (const EvalTiming& timing : answers.timings) {
    timings.push_back({{"threads", timing.threads},
                       {"seconds", timing.seconds},
                       {"rows_per_s", static_cast<double>(rows) / timing.seconds},
                       {"max_abs_logit_difference", json_number(timing.max_abs_difference)}});
  }
  return timings;
}

Json answers_json(const EvalModel& model, const EvalAnswers& answers, const EvalResult& result, const EvalData& data) {
  return {{"model", model.name},
          {"score", answers.score ? score_json(*answers.score) : Json()},
          {"against_first", answers.against_first ? comparison_json(*answers.against_first, result, data) : Json()},
          {"tokens", answers.tokens},
          {"positions", answers.positions},
          {"timings", timings_json(answers, data.lines.size())}};
}

Json data_json(const EvalResult& result, const EvalData& data) {
  Json baselines = Json::array();
  for (const EvalBaseline& baseline : data.baselines) {
    Json json = {{"answer", baseline.answer}};
    json.update(score_json(baseline.score));
    baselines.push_back(json);
  }
  Json models = Json::array();
  for (size_t i = 0; i < result.models.size(); ++i) {
    models.push_back(answers_json(result.models[i], data.models[i], result, data));
  }
  return {{"name", data.name},   {"path", data.path},      {"rows", data.lines.size()}, {"has_labels", data.has_labels},
          {"notes", data.notes}, {"baselines", baselines}, {"models", models}};
}

Json model_json(const EvalModel& model) {
  return {{"model", model.name},
          {"kind", model.kind},
          {"dtype", json_text_or_null(model.dtype)},
          {"size_bytes", model.size_bytes},
          {"tokenizer", model.tokenizer},
          {"tokenize_s", model.tokenize_seconds},
          {"labels", model.labels},
          {"labels_from", model.labels_from},
          {"notes", model.notes}};
}

}  // namespace

nlohmann::ordered_json to_json(const EvalResult& result) {
  Json models = Json::array();
  for (const EvalModel& model : result.models) {
    models.push_back(model_json(model));
  }
  Json data = Json::array();
  for (const EvalData& one : result.data) {
    data.push_back(data_json(result, one));
  }
  return {{"schema", "bertjit.eval/1"},
          {"task", result.task},
          {"split", result.split},
          {"classes", result.classes},
          {"positive", json_text_or_null(result.positive)},
          {"max_seq_length", result.max_seq_length},
          {"batch_size", result.batch_size},
          {"padding", result.padding},
          {"cpu_capability", result.cpu_capability},
          {"int8_engine", result.int8_engine},
          {"models", models},
          {"data", data}};
}

}  // namespace bertjit
