// bertjit.bench/1, which docs/formats/bench.md describes.
#include <optional>

#include "report/bench_report.h"
#include "report/evidence_json.h"

namespace bertjit {

namespace {

using Json = nlohmann::ordered_json;

template <typename Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

Json number_or_null(double value) {
  return value > 0 ? Json(value) : Json();
}

Json all_texts(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) {
    list.push_back(json_text(text));
  }
  return list;
}

Json environment_to_json(const Environment& environment) {
  return {{"libtorch", environment.libtorch},
          {"cpu", json_text(environment.cpu)},
          {"cpu_capability", environment.cpu_capability},
          {"cpu_features", environment.cpu_features},
          {"cores", environment.cores},
          {"interop_threads", environment.interop_threads},
          {"parallel_info", json_text(environment.parallel_info)}};
}

Json model_to_json(const BenchModel& model) {
  return {{"model", json_text(model.name)}, {"kind", model.kind},     {"dtype", json_text_or_null(model.dtype)},
          {"size_bytes", model.size_bytes}, {"open_s", model.open_s}, {"opened_bytes", or_null(model.opened_bytes)},
          {"notes", all_texts(model.notes)}};
}

Json row_to_json(const BenchRow& row) {
  const bool is_of = row.is_of_sequences();
  const RunFigures& figures = row.figures;
  return {{"model", json_text(row.model)},
          {"kind", row.kind},
          {"inputs", json_text(row.inputs)},
          {"shape", row.shape},
          {"batch", is_of ? Json(row.shape[0]) : Json()},
          {"seq", is_of ? Json(row.shape[1]) : Json()},
          {"threads", row.threads},
          {"first_s", row.first_s},
          {"runs_s", row.runs_s},
          {"median_s", figures.median},
          {"mean_s", figures.mean},
          {"min_s", figures.min},
          {"max_s", figures.max},
          {"stddev_s", figures.stddev},
          {"quartiles_s", figures.quartiles},
          {"p10_s", or_null(figures.p10)},
          {"p90_s", or_null(figures.p90)},
          {"p95_s", or_null(figures.p95)},
          {"p99_s", or_null(figures.p99)},
          {"drift", figures.drift},
          {"settled", or_null(figures.settled)},
          {"sequences_per_s", number_or_null(sequences_per_second(row))},
          {"tokens_per_s", number_or_null(tokens_per_second(row))},
          {"peak_bytes", or_null(row.peak_bytes)},
          {"speedup", row.speedup}};
}

Json plan_to_json(const PaddingPlan& plan) {
  Json costs = Json::array();
  for (const auto& cost : plan.costs) {
    costs.push_back({{"model", json_text(cost.model)}, {"threads", cost.threads}, {"seconds", cost.seconds}});
  }
  return {{"batch", plan.batch},
          {"padding", plan.padding},
          {"sorted", plan.sorted},
          {"positions", plan.positions},
          {"costs", costs}};
}

Json texts_to_json(const BenchTexts& texts) {
  Json plans = Json::array();
  for (const PaddingPlan& plan : texts.plans) {
    plans.push_back(plan_to_json(plan));
  }
  return {{"path", json_text(texts.path)},
          {"tokenizer", json_text(texts.tokenizer)},
          {"max_length", texts.max_length},
          {"cut", texts.cut},
          {"tokens", texts.tokens},
          {"lengths", texts.lengths},
          {"plans", plans}};
}

}  // namespace

nlohmann::ordered_json to_json(const BenchResult& result) {
  Json models = Json::array();
  for (const BenchModel& model : result.models) {
    models.push_back(model_to_json(model));
  }
  Json rows = Json::array();
  for (const BenchRow& row : result.rows) {
    rows.push_back(row_to_json(row));
  }
  Json texts = Json::array();
  for (const BenchTexts& one : result.texts) {
    texts.push_back(texts_to_json(one));
  }
  return {{"schema", "bertjit.bench/1"},
          {"environment", environment_to_json(result.environment)},
          {"int8_engine", result.int8_engine},
          {"warmup", result.warmup},
          {"models", models},
          {"rows", rows},
          {"texts", texts},
          {"notes", all_texts(result.notes)}};
}

}  // namespace bertjit
