#include "report/eval_files.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <span>
#include <vector>

#include <nlohmann/json.hpp>

#include "container/npz.h"
#include "report/columns.h"
#include "report/evidence_json.h"
#include "support/error.h"
#include "support/file.h"

namespace bertjit {

namespace {

using Json = nlohmann::ordered_json;

bool fits_float(double value) {
  return std::isnan(value) || static_cast<double>(static_cast<float>(value)) == value;
}

/// repr(float): shortest digits, and a point or an exponent.
std::string python_float(double value) {
  const std::string text = number_text(value);
  return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}

/// Nine digits are enough for a float32; a double needs all.
Json logit_json(double value) {
  if (!std::isfinite(value) || !fits_float(value)) {
    return json_number(value);
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return std::strtod(text, nullptr);
}

class NpzWriter {
 public:
  void add(const std::string& name, const std::vector<int64_t>& values) {
    if (!values.empty()) {
      append(name, DType::kInt64, {static_cast<int64_t>(values.size())}, values.data(),
             values.size() * sizeof(int64_t));
    }
  }

  void add(const std::string& name, const std::vector<double>& values, const std::vector<int64_t>& shape) {
    if (values.empty()) {
      return;
    }
    if (!std::ranges::all_of(values, fits_float)) {
      append(name, DType::kFloat64, shape, values.data(), values.size() * sizeof(double));
      return;
    }
    const std::vector<float> narrow(values.begin(), values.end());
    append(name, DType::kFloat32, shape, narrow.data(), narrow.size() * sizeof(float));
  }

  void write(const std::filesystem::path& path) {
    std::vector<TensorView> views;
    for (Array& array : arrays_) {
      views.push_back({array.name, array.dtype, array.shape, array.bytes});
    }
    write_npz(path, views);
  }

 private:
  void append(const std::string& name, DType dtype, const std::vector<int64_t>& shape, const void* data, size_t size) {
    const auto* bytes = static_cast<const std::byte*>(data);
    arrays_.push_back({name, dtype, shape, {bytes, bytes + size}});
  }

  std::vector<Array> arrays_;
};

void write_npz_logits(const std::filesystem::path& path, const EvalResult& result) {
  NpzWriter writer;
  for (const EvalData& data : result.data) {
    const std::string prefix = result.data.size() > 1 ? data.name + "." : "";
    const auto rows = static_cast<int64_t>(data.lines.size());
    for (size_t i = 0; i < data.models.size(); ++i) {
      const EvalAnswers& answers = data.models[i];
      const std::string suffix = data.models.size() > 1 ? "." + std::to_string(i) : "";
      writer.add(prefix + "logits" + suffix, answers.logits, {rows, answers.outputs});
    }
    writer.add(prefix + "labels", data.labels);
    writer.add(prefix + "scores", data.scores, {rows});
    writer.add(prefix + "lines", data.lines);
  }
  writer.write(path);
}

Json row_json(const EvalResult& result, const EvalData& data, const EvalAnswers& answers, size_t row) {
  Json logits = Json::array();
  for (int64_t i = 0; i < answers.outputs; ++i) {
    logits.push_back(logit_json(answers.logits[row * static_cast<size_t>(answers.outputs) + static_cast<size_t>(i)]));
  }
  const auto word = [&](int64_t index) {
    return index < 0 ? Json() : Json(result.classes[static_cast<size_t>(index)]);
  };
  Json json = {{"line", data.lines[row]}, {"logits", logits}};
  if (!answers.answers.empty()) {
    json["answer"] = word(answers.answers[row]);
  }
  if (!data.labels.empty()) {
    json["label"] = word(data.labels[row]);
  } else if (!data.scores.empty()) {
    json["label"] = data.scores[row];
  }
  return json;
}

Json logits_json(const EvalResult& result) {
  Json list = Json::array();
  for (const EvalData& data : result.data) {
    for (size_t i = 0; i < data.models.size(); ++i) {
      Json rows = Json::array();
      for (size_t row = 0; row < data.lines.size(); ++row) {
        rows.push_back(row_json(result, data, data.models[i], row));
      }
      list.push_back({{"data", data.name},
                      {"path", data.path},
                      {"model", result.models[i].name},
                      {"labels", result.models[i].labels},
                      {"rows", rows}});
    }
  }
  return {{"schema", "bertjit.eval-logits/1"}, {"task", result.task}, {"answers", list}};
}

}  // namespace

std::string eval_results_text(const EvalResult& result, size_t model) {
  std::map<std::string, double> metrics;
  for (const EvalData& data : result.data) {
    for (const EvalMetric& metric : data.models[model].score.value_or(EvalScore{}).metrics) {
      metrics[metric.name] = metric.value;
    }
  }
  std::string text;
  for (const auto& [name, value] : metrics) {
    text += name + " = " + (std::isfinite(value) ? python_float(value) : number_text(value)) + "\n";
  }
  return text;
}

void check_logits_name(const std::filesystem::path& path) {
  if (path.extension() != ".npz" && path.extension() != ".json") {
    throw Error(ErrorKind::kInvalidArgument,
                "--logits " + path.string() + ": expected a name that ends in .npz or .json");
  }
}

void write_logits(const std::filesystem::path& path, const EvalResult& result) {
  check_logits_name(path);
  if (path.extension() == ".npz") {
    write_npz_logits(path, result);
  } else {
    write_file_atomically(path, logits_json(result).dump(1) + "\n");
  }
}

}  // namespace bertjit
