#include "report/eval_report.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "report/columns.h"
#include "report/decimals.h"
#include "support/progress.h"

namespace bertjit {

namespace {

using Cells = std::vector<std::string>;

std::string seconds_text(double seconds) {
  return fixed(seconds, seconds < 10 ? 2 : 1) + " s";
}

/// One column of figures.
struct Figure {
  std::string title;
  std::function<double(const EvalScore&)> value;
};

double metric(const EvalScore& score, const std::string& name) {
  const auto found =
      std::ranges::find_if(score.metrics, [&](const EvalMetric& one) { return one.name.ends_with(name); });
  return found == score.metrics.end() ? NAN : found->value;
}

const ClassScore& class_score(const EvalScore& score, const std::string& name) {
  return *std::ranges::find(score.classes, name, &ClassScore::name);
}

/// The first is the task's own, whose difference is shown.
std::vector<Figure> figures_of(const EvalResult& result) {
  if (result.classes.empty()) {
    return {{"Pearson", [](const EvalScore& score) { return metric(score, "pearson"); }},
            {"Spearman", [](const EvalScore& score) { return metric(score, "spearmanr"); }}};
  }
  std::vector<Figure> figures = {{"accuracy", [](const EvalScore& score) { return score.accuracy; }}};
  if (result.task == "cola") {
    figures.insert(figures.begin(), {"Matthews", [](const EvalScore& score) { return metric(score, "mcc"); }});
  }
  if (!result.positive.empty()) {
    const std::string positive = result.positive;
    figures.push_back({"precision", [=](const EvalScore& score) { return class_score(score, positive).precision; }});
    figures.push_back({"recall", [=](const EvalScore& score) { return class_score(score, positive).recall; }});
    figures.push_back({"F1", [=](const EvalScore& score) { return class_score(score, positive).f1; }});
  }
  return figures;
}

/// The figure whose difference the table shows: F1 where it counts, as in the tutorial's table.
const Figure& leading_figure(const EvalResult& result, const std::vector<Figure>& figures) {
  const bool is_f1 = result.task == "mrpc" || result.task == "qqp";
  return is_f1 ? figures.back() : figures.front();
}

Cells figure_cells(const std::vector<Figure>& figures, const std::optional<EvalScore>& score) {
  Cells cells;
  for (const Figure& figure : figures) {
    cells.push_back(score ? fixed(figure.value(*score), 4) : "-");
  }
  return cells;
}

void append(Cells& row, const Cells& more) {
  row.insert(row.end(), more.begin(), more.end());
}

std::string threads_title(int threads) {
  return std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

Cells title_row(const EvalResult& result, const EvalData& data, const std::vector<Figure>& figures) {
  Cells row = {"model", "weights"};
  for (const Figure& figure : figures) {
    row.push_back(figure.title);
  }
  row.push_back("size");
  for (const EvalTiming& timing : data.models.front().timings) {
    row.push_back(threads_title(timing.threads));
  }
  if (data.models.size() > 1) {
    row.push_back(leading_figure(result, figures).title + " diff.");
    if (!result.classes.empty()) {
      row.push_back("changed");
    }
  }
  return row;
}

Cells model_row(const EvalResult& result, const EvalData& data, size_t index, const std::vector<Figure>& figures) {
  const EvalModel& model = result.models[index];
  const EvalAnswers& answers = data.models[index];
  Cells row = {model.name, model.dtype.empty() ? "-" : model.dtype};
  append(row, figure_cells(figures, answers.score));
  row.push_back(model.size_bytes == 0 ? "-" : format_byte_count(static_cast<double>(model.size_bytes)));
  for (const EvalTiming& timing : answers.timings) {
    row.push_back(seconds_text(timing.seconds));
  }
  if (answers.against_first) {
    const Figure& leading = leading_figure(result, figures);
    row.push_back(answers.score ? fixed(leading.value(*answers.score) - leading.value(*data.models.front().score), 4,
                                        /*with_sign=*/true)
                                : "-");
    if (!result.classes.empty()) {
      row.push_back(std::to_string(answers.against_first->changed));
    }
  }
  return row;
}

void print_table(const EvalResult& result, const EvalData& data, std::ostream& out) {
  const std::vector<Figure> figures = figures_of(result);
  std::vector<Cells> rows = {title_row(result, data, figures)};
  for (size_t i = 0; i < result.models.size(); ++i) {
    rows.push_back(model_row(result, data, i, figures));
  }
  for (const EvalBaseline& baseline : data.baselines) {
    Cells row = {"always " + baseline.answer, ""};
    append(row, figure_cells(figures, baseline.score));
    rows.push_back(row);
  }
  std::vector<Align> aligns(rows.front().size(), Align::kRight);
  aligns[0] = aligns[1] = Align::kLeft;
  print_columns(rows, aligns, "", out);
}

std::string noun(uint64_t count) {
  return grouped_count(count, "row");
}

void print_head(const EvalResult& result, const EvalData& data, std::ostream& out) {
  out << data.name << ": " << data.path << ", " << noun(data.lines.size());
  if (!data.has_labels) {
    out << " without labels";
  }
  for (const EvalBaseline& baseline : data.baselines) {
    out << (&baseline == &data.baselines.front() ? " (" : ", ") << class_score(baseline.score, baseline.answer).labelled
        << " of class " << baseline.answer;
  }
  out << (data.baselines.empty() ? "" : ")") << "; at most " << result.max_seq_length << " tokens, batches of "
      << result.batch_size << ", padding " << result.padding << "\n\n";
}

std::string changes_text(const EvalData& data, const EvalComparison& comparison) {
  std::string text =
      std::to_string(comparison.changed) + " of " + std::to_string(data.lines.size()) + " answers changed";
  if (data.has_labels) {
    text += ", " + std::to_string(comparison.only_this) + " for the better, " + std::to_string(comparison.only_first) +
            " for the worse (McNemar p " + rounded_text(comparison.mcnemar_p) + ")";
  }
  return text;
}

/// "2.06 x the speed on 1 thread, 1.90 x on 4".
std::string speeds_text(const EvalAnswers& first, const EvalAnswers& answers) {
  std::string text;
  for (size_t i = 0; i < answers.timings.size(); ++i) {
    const int threads = answers.timings[i].threads;
    text += (text.empty() ? "" : ", ") + fixed(first.timings[i].seconds / answers.timings[i].seconds, 2) + " x " +
            (text.empty() ? "the speed on " + threads_title(threads) : "on " + std::to_string(threads));
  }
  return text;
}

void print_comparison(const EvalResult& result, const EvalData& data, const EvalAnswers& answers, std::ostream& out) {
  const EvalComparison& comparison = *answers.against_first;
  if (!result.classes.empty()) {
    out << "  " << changes_text(data, comparison) << "\n";
  }
  out << "  outputs differ by up to " << rounded_text(comparison.max_abs_logit_difference) << ", "
      << rounded_text(comparison.mean_abs_logit_difference) << " on average\n";
  out << "  " << speeds_text(data.models.front(), answers) << "\n";
}

void print_comparisons(const EvalResult& result, const EvalData& data, std::ostream& out) {
  if (result.models.size() < 2) {
    return;
  }
  for (size_t i = 1; i < result.models.size(); ++i) {
    out << "\n" << result.models[i].name << " beside " << result.models.front().name << "\n";
    print_comparison(result, data, data.models[i], out);
  }
}

void print_confusions(const EvalResult& result, const EvalData& data, std::ostream& out) {
  if (result.classes.empty() || !data.has_labels) {
    return;
  }
  std::vector<Cells> rows = {{"label \\ answer", ""}};
  append(rows.front(), result.classes);
  for (size_t i = 0; i < result.models.size(); ++i) {
    for (size_t label = 0; label < result.classes.size(); ++label) {
      Cells row = {label == 0 ? result.models[i].name : "", result.classes[label]};
      for (const int64_t count : data.models[i].score->confusion[label]) {
        row.push_back(std::to_string(count));
      }
      rows.push_back(row);
    }
  }
  std::vector<Align> aligns(rows.front().size(), Align::kRight);
  aligns[0] = aligns[1] = Align::kLeft;
  out << "\n";
  print_columns(rows, aligns, "", out);
}

}  // namespace

void print_text(const EvalResult& result, std::ostream& out) {
  for (const EvalData& data : result.data) {
    if (&data != &result.data.front()) {
      out << "\n";
    }
    print_head(result, data, out);
    print_table(result, data, out);
    print_comparisons(result, data, out);
    print_confusions(result, data, out);
  }
}

}  // namespace bertjit
