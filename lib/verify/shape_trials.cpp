#include "verify/shape_trials.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "infer/batch.h"
#include "support/error.h"
#include "verify/failing_module.h"
#include "verify/file_weights.h"
#include "verify/located.h"

namespace bertjit {

namespace {

using Outcome = ShapeTrial::Outcome;

/// [batch, length], with the example's number of choices between them where the model takes choices.
std::vector<int64_t> shape_like(const at::Tensor& example, int64_t batch, int64_t length) {
  return example.dim() == 3 ? std::vector<int64_t>{batch, example.size(1), length}
                            : std::vector<int64_t>{batch, length};
}

/// As ids and masks are given: some modules take masks of floats or bools alone.
BoundBatch in_dtypes_of(const BoundBatch& example, BoundBatch batch) {
  for (size_t i = 0; i < batch.values.size() && i < example.values.size(); ++i) {
    if (batch.values[i].isTensor() && example.values[i].isTensor()) {
      batch.values[i] = batch.values[i].toTensor().to(example.values[i].toTensor().scalar_type());
    }
  }
  return batch;
}

/// Row `row` of every input that has `batch` rows.
BoundBatch row_of(const BoundBatch& batch, int64_t rows, int64_t row) {
  BoundBatch result = batch;
  for (auto& value : result.values) {
    if (value.isTensor() && value.toTensor().dim() > 0 && value.toTensor().size(0) == rows) {
      value = value.toTensor().narrow(0, row, 1);
    }
  }
  return result;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

/// What a comparison found, as the trial's outcome.
void judge(const OutputDifference& difference, ShapeTrial& trial) {
  trial.only_values = true;
  for (const auto& row : difference.rows) {
    for (const auto& field : row) {
      if (field.key == "mean_abs_error") {
        const double error = std::get<double>(field.value);
        // NaN is no noise that a module might have of its own.
        trial.mean_abs_error = std::isnan(error) ? std::numeric_limits<double>::infinity()
                                                 : std::max(trial.mean_abs_error.value_or(0), error);
      } else if (field.key == "mismatch") {
        const auto& kind = std::get<std::string>(field.value);
        trial.only_values =
            trial.only_values && (kind == mismatch_name(Mismatch::kNone) || kind == mismatch_name(Mismatch::kValues));
      }
    }
  }
  if (!difference.matches) {
    trial.outcome = Outcome::kWrong;
    trial.detail = difference.message;
  }
}

int64_t longest_text(const VerifyContext& context) {
  const int64_t by_table = context.module.signature().max_positions;
  return by_table > 0 ? by_table : context.network.max_positions();
}

}  // namespace

const char* outcome_name(ShapeTrial::Outcome outcome) {
  switch (outcome) {
    case Outcome::kWorks:
      return "works";
    case Outcome::kFails:
      return "fails";
    case Outcome::kWrong:
      return "wrong numbers";
    case Outcome::kRefused:
      break;
  }
  return "refused";
}

ShapeTrials::ShapeTrials(const VerifyContext& context) : context_(context) {
  const auto& values = context.example.values;
  const int64_t rank = values.empty() || !values[0].isTensor() ? 0 : values[0].toTensor().dim();
  if (rank != 2 && (rank != 3 || context.module.signature().inputs[0].rank != 3)) {
    why_not_ = "the inputs are not [batch, length]";
    return;
  }
  example_batch_ = context.example.tensor(0).size(0);
  example_length_ = context.example.tensor(0).size(-1);
  is_network_ = context.network.recognition().recognised() || (context.claims && !context.claims->head.empty());
  try {
    inputs(1, 1);
  } catch (const Error& error) {
    why_not_ = error.what();
    return;
  }
  longest_ = longest_text(context);
  c10::IValue outputs;
  try {
    outputs = context.module.run_on_copy(context.example, GradMode::kOff);
    example_outputs_ = output_tensors(outputs);
  } catch (const RunError&) {
    if (context.claims && context.claims->dynamic_length == false) {
      throw;
    }
    // Every shape is tried all the same; what is raised there is the answer.
  }
  if (context.source != nullptr) {
    compared_ = Compared::kSource;
    return;
  }
  compared_ = is_network_ ? Compared::kRows : Compared::kNothing;
  if (!example_outputs_.empty() && context.network.why_not().empty()) {
    try {
      const auto difference = context.network.compare(context.example, outputs, context.tolerance);
      compared_ = difference && difference->matches ? Compared::kNetwork : compared_;
    } catch (const Error&) {
      // It takes what the network does not, such as position_ids.
    }
  }
}

std::string ShapeTrials::reference() const {
  switch (compared_) {
    case Compared::kSource:
      return "the source";
    case Compared::kNetwork:
      return "the network rebuilt from the file's weights";
    case Compared::kRows:
      return "their rows run alone";
    case Compared::kNothing:
      break;
  }
  return "";
}

BoundBatch ShapeTrials::inputs(int64_t batch, int64_t length) const {
  Signature signature = context_.module.signature();
  signature.max_positions = 0;
  const auto shape = shape_like(context_.example.tensor(0), batch, length);
  const bool is_program = context_.source != nullptr && context_.source->is_program();
  const uint64_t seed = context_.options.inputs.seed;
  const auto like_example = [&] {
    return bind_batch(shape_batch(shape, signature, seed, &context_.example), signature);
  };
  if (is_program) {
    return like_example();
  }
  try {
    return in_dtypes_of(context_.example, bind_batch(shape_batch(shape, signature, seed), signature));
  } catch (const Error&) {
    // Not all of its arguments are ids or masks. What is no network may take other shapes only if it says so.
    const auto& claims = context_.claims;
    if (!is_network_ && !(claims && (claims->dynamic_batch || claims->dynamic_length))) {
      throw;
    }
    return like_example();
  }
}

bool ShapeTrials::is_by_rows(size_t output) const {
  // One row may be a sum over rows as well.
  const bool tells = is_network_ || example_batch_ > 1;
  return tells && output < example_outputs_.size() && example_outputs_[output].dim() > 0 &&
         example_outputs_[output].size(0) == example_batch_;
}

ShapeTrial ShapeTrials::run(int64_t batch, int64_t length) {
  ShapeTrial trial{.batch = batch, .length = length};
  const BoundBatch given = inputs(batch, length);
  if (compared_ == Compared::kSource) {
    compare_with_source(given, trial);
    return trial;
  }
  try {
    const c10::IValue outputs = context_.module.run_on_copy(given, GradMode::kOff);
    if (compared_ == Compared::kNetwork) {
      compare_with_network(given, outputs, trial);
    } else {
      compare_with_rows(given, outputs, trial);
    }
  } catch (const Error& error) {
    trial.outcome = Outcome::kFails;
    trial.detail = first_line(error.what());
  }
  return trial;
}

void ShapeTrials::compare_with_source(const BoundBatch& inputs, ShapeTrial& trial) {
  const InputVerdict verdict = check_input(*context_.source, context_.module, inputs, source_comparison(context_));
  if (verdict.verdict == Verdict::kSkip) {
    trial.outcome = Outcome::kRefused;
    trial.detail = first_line(verdict.source_error);
  } else if (!verdict.trace_error.empty()) {
    trial.outcome = Outcome::kFails;
    trial.detail = first_line(verdict.trace_error);
  } else {
    if (verdict.outputs) {
      judge(*verdict.outputs, trial);
    }
    if (verdict.verdict == Verdict::kFail) {
      trial.only_values = trial.only_values && trial.outcome == Outcome::kWrong;
      trial.outcome = Outcome::kWrong;
      trial.detail = verdict.complaint;
    }
  }
}

void ShapeTrials::compare_with_network(const BoundBatch& inputs, const c10::IValue& outputs, ShapeTrial& trial) {
  std::optional<OutputDifference> difference;
  try {
    difference = context_.network.compare(inputs, outputs, context_.tolerance);
  } catch (const Error& error) {
    trial.detail = "not compared: " + first_line(error.what());
    return;
  }
  if (difference) {
    judge(*difference, trial);
  }
}

void ShapeTrials::compare_with_rows(const BoundBatch& inputs, const c10::IValue& outputs, ShapeTrial& trial) {
  const std::vector<at::Tensor> together = output_tensors(outputs);
  std::vector<size_t> by_rows;
  for (size_t i = 0; i < together.size(); ++i) {
    if (!is_by_rows(i)) {
      continue;
    }
    by_rows.push_back(i);
    if (together[i].dim() == 0 || together[i].size(0) != trial.batch) {
      trial.outcome = Outcome::kWrong;
      trial.detail = "output " + std::to_string(i + 1) + " has " +
                     std::to_string(together[i].dim() == 0 ? 0 : together[i].size(0)) + " rows, the inputs " +
                     std::to_string(trial.batch);
      return;
    }
  }
  if (compared_ != Compared::kRows || trial.batch < 2 || by_rows.empty()) {
    return;
  }
  std::vector<std::vector<at::Tensor>> alone(by_rows.size());
  for (int64_t row = 0; row < trial.batch; ++row) {
    const auto tensors = output_tensors(context_.module.run_on_copy(row_of(inputs, trial.batch, row), GradMode::kOff));
    for (size_t i = 0; i < by_rows.size() && tensors.size() == together.size(); ++i) {
      alone[i].push_back(tensors[by_rows[i]]);
    }
  }
  std::vector<c10::IValue> expected, actual;
  std::vector<std::string> names;
  for (size_t i = 0; i < by_rows.size() && !alone[i].empty(); ++i) {
    expected.emplace_back(at::cat(alone[i], 0));
    actual.emplace_back(together[by_rows[i]]);
    const auto& known = context_.module.output_names();
    names.push_back(known.size() == together.size() ? known[by_rows[i]] : std::to_string(by_rows[i]));
  }
  judge(compare_named(c10::ivalue::Tuple::create(std::move(expected)), c10::ivalue::Tuple::create(std::move(actual)),
                      names, context_.tolerance),
        trial);
}

ShapeTrial ShapeTrials::run_beyond() {
  ShapeTrial trial{.batch = 1, .length = longest_ + 1, .outcome = Outcome::kRefused};
  BoundBatch given = inputs(trial.batch, trial.length);
  // Padding among the ids would be counted out by what begins its positions after padding.
  const int64_t padding = context_.network.recognition().config.value("pad_token_id", int64_t{0});
  for (size_t i = 0; i < given.values.size(); ++i) {
    if (context_.module.signature().inputs[i].name == "input_ids") {
      const at::Tensor& ids = given.tensor(i);
      const at::Tensor words = ids.masked_select(ids.ne(padding));
      ids.fill_(words.numel() > 0 ? words.max() : ids.max() + 1);
    }
  }
  try {
    context_.module.run_on_copy(given, GradMode::kOff);
    trial.outcome = Outcome::kWrong;
    trial.detail = "it answers, and has positions for " + std::to_string(longest_) + " tokens";
  } catch (const Error& error) {
    trial.detail = first_line(error.what());
  }
  return trial;
}

std::string ShapeTrials::place_of(const ShapeTrial& trial) const {
  const BoundBatch given = inputs(trial.batch, trial.length);
  std::string path;
  if (trial.outcome == Outcome::kFails) {
    path = failing_module(context_.module, given);
  } else if (trial.only_values && compared_ == Compared::kSource) {
    path = locate_against_source(context_, given).module;
  } else if (trial.only_values && compared_ == Compared::kNetwork) {
    path = locate_against_network(context_, given).module;
  }
  // Positions that do not follow the ids are a constant of the example, also where the code is in one piece.
  for (const auto& item : context_.network.recognition().contradictions) {
    if (path.empty() && item.field == "position_ids" && !item.where.empty()) {
      path = item.where.substr(0, item.where.rfind('.'));
    }
  }
  return checkpoint_path(context_, path);
}

}  // namespace bertjit
