#include "locate/locate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "compare/outputs.h"
#include "infer/guards.h"
#include "locate/alignment.h"
#include "locate/blame.h"
#include "locate/measure.h"
#include "locate/side_by_side.h"
#include "locate/stepped_run.h"
#include "support/error.h"

namespace bertjit {

namespace {

using Pairs = std::vector<std::pair<size_t, size_t>>;

const std::string kOutputsAgree = "the outputs agree";

/// Of a batch that cannot be compared as a whole.
constexpr int64_t kRowsTried = 4;

/// All that is known before the two run together.
struct Subject {
  const torch::jit::Module& module;
  const torch::jit::Module& reference;
  const BoundBatch& inputs;
  const BoundBatch& reference_inputs;
  TapedRun ours;
  TapedRun theirs;
  Pairs outputs;
};

Location nothing(const std::string& why) {
  Location location;
  location.why_not = why;
  return location;
}

/// The pairs that are wanted, or all in order, as far as both are tensors of one shape.
Pairs comparable_outputs(const TapedRun& ours, const TapedRun& theirs, const Pairs& wanted) {
  const auto left = flatten_outputs(ours.outputs);
  const auto right = flatten_outputs(theirs.outputs);
  Pairs all = wanted;
  for (size_t i = 0; wanted.empty() && i < std::min(left.size(), right.size()); ++i) {
    all.emplace_back(i, i);
  }
  std::erase_if(all, [&](const auto& pair) {
    if (pair.first >= left.size() || pair.second >= right.size()) {
      return true;
    }
    const auto& a = left[pair.first].value;
    const auto& b = right[pair.second].value;
    return !a.isTensor() || !b.isTensor() || a.toTensor().sizes() != b.toTensor().sizes();
  });
  return all;
}

/// What a whole network's output may be off by, as a part of its greatest number, but of 1 at least. Clean float32
/// exports were seen within 6e-6 of their source and faults from 1e-4 on (shared corpus); the halves have 16 units in
/// their last place, for as many steps that round.
double output_limit(at::ScalarType dtype) {
  switch (dtype) {
    case at::kHalf:
      return 16 * std::pow(2, -10);
    case at::kBFloat16:
      return 16 * std::pow(2, -7);
    case at::kFloat:
      return 2e-5;
    default:
      return 1e-12;
  }
}

bool outputs_agree(const Subject& subject) {
  const auto ours = flatten_outputs(subject.ours.outputs);
  const auto theirs = flatten_outputs(subject.theirs.outputs);
  return std::ranges::all_of(subject.outputs, [&](const auto& pair) {
    const at::Tensor actual = ours[pair.first].value.toTensor();
    const at::Tensor expected = theirs[pair.second].value.toTensor().to(at::kDouble);
    const at::Tensor errors = (actual.to(at::kDouble) - expected).abs();
    const double size = std::max(1.0, expected.abs().max().item<double>());
    return errors.max().item<double>() <= output_limit(actual.scalar_type()) * size;
  });
}

/// Whether an operator rounds activations to integers.
bool rounds_to_integers(const Step& step) {
  static const std::vector<std::string> kFamilies = {"int_mm", "round", "quantize_per_tensor",
                                                     "quantize_per_tensor_dynamic", "quantize_per_channel"};
  const std::string family = step_family(step);
  return step.op.starts_with("quantized::") || family.starts_with("fake_quantize") ||
         std::ranges::find(kFamilies, family) != kFamilies.end();
}

/// Rounding to int8 is off by scale / sqrt(12) on average, and the scale is 1/127 of the greatest number. With that
/// taken to be up to 40 times the common one: 40 / 127 / sqrt(12).
constexpr double kIntegerSlack = 0.1;

std::vector<double> integer_slack(const Alignment& alignment, const Tape& tape) {
  std::vector<double> slack;
  for (size_t i = 0; i < alignment.points().size(); ++i) {
    const auto steps = alignment.region(i).module;
    const int64_t own = alignment.points()[i].module.user;
    // A layer whose weight is known is measured with its weight's own noise.
    const bool is_known = own != 0 && step_family(tape.at(own)) == "linear";
    const bool rounds = (own != 0 && !is_known && rounds_to_integers(tape.at(own))) ||
                        std::ranges::any_of(steps, [&](int64_t id) { return rounds_to_integers(tape.at(id)); });
    slack.push_back(rounds ? kIntegerSlack : 0);
  }
  return slack;
}

/// The measures of the outputs' points.
void measure_outputs(const Subject& subject, const Alignment& alignment, SideBySide& run) {
  const auto ours = flatten_outputs(run.outputs);
  const auto theirs = flatten_outputs(subject.theirs.outputs);
  for (size_t i = 0; i < run.measures.size(); ++i) {
    const Point& point = alignment.points()[i];
    if (point.kind == Point::Kind::kOutput) {
      const auto [our, their] = subject.outputs[point.output];
      const at::Tensor& value = ours.at(our).value.toTensor();
      run.measures[i] = measure(theirs.at(their).value.toTensor(), value, step_limit(value.scalar_type()));
    }
  }
}

class Search {
 public:
  Search(const Subject& subject, const NameMatch& names)
      : subject_(subject),
        names_(names),
        alignment_(subject.ours.tape, subject.theirs.tape, names, subject.outputs),
        slack_(integer_slack(alignment_, subject.ours.tape)) {}

  /// `agree`: the outputs do, and nobody is to be blamed.
  Location run(bool agree) {
    const SideBySide piled_up = beside(GoOnWith::kOwn);
    const SideBySide alone = beside(GoOnWith::kReferenceWhereGood);
    for (const auto& failure : {piled_up.failure, alone.failure}) {
      if (!failure.empty()) {
        return nothing(failure);
      }
    }
    Location location = agree ? exact(alone.measures, kOutputsAgree) : judge(piled_up.measures, alone.measures);
    add_layers(location, piled_up.measures);
    location.most_held = std::max(piled_up.most_held, alone.most_held);
    return location;
  }

 private:
  SideBySide beside(GoOnWith go_on_with) const {
    SideBySide run =
        run_side_by_side({subject_.module, subject_.inputs}, {subject_.reference, subject_.reference_inputs},
                         alignment_, {go_on_with, slack_});
    if (run.failure.empty()) {
      measure_outputs(subject_, alignment_, run);
    }
    return run;
  }

  bool knows_all_before(size_t point, const std::vector<Measure>& measures) const {
    return std::ranges::all_of(alignment_.before(point), [&](size_t before) { return measures[before].compared; });
  }

  LayerError error_at(size_t point, const Measure& measure) const {
    const Point& one = alignment_.points()[point];
    const int64_t id = one.module.user != 0 ? one.module.user : one.module.step;
    const bool has_step = id != 0 && one.kind != Point::Kind::kOutput;
    const std::string module = one.module.user != 0 ? one.owner : has_step ? subject_.ours.tape.at(id).module : "";
    return {module, has_step ? subject_.ours.tape.at(id).op : "output", measure.max_abs_error, measure.sqnr_db,
            measure.elements};
  }

  Location blame(size_t guilty, const std::vector<Measure>& piled_up, const std::vector<Measure>& alone) const {
    const Comparison comparison{subject_.ours.tape, subject_.theirs.tape, names_, alignment_};
    Location location = describe(comparison, guilty);
    location.step_error = alone[guilty].error;
    location.step_limit = alone[guilty].limit;
    location.after = error_at(guilty, piled_up[guilty]);
    const auto before = alignment_.before(guilty);
    if (!before.empty()) {
      const size_t worst = *std::ranges::min_element(before, {}, [&](size_t point) { return piled_up[point].sqnr_db; });
      location.before = error_at(worst, piled_up[worst]);
    }
    add_likes(location, comparison, guilty);
    return location;
  }

  /// Other places with the same wrong operator: found by a run in which no error goes on to the next.
  void add_likes(Location& location, const Comparison& comparison, size_t guilty) const {
    const SideBySide healed = beside(GoOnWith::kReference);
    for (size_t i = guilty + 1; i < healed.measures.size(); ++i) {
      if (!is_bad(healed.measures[i])) {
        continue;
      }
      const Location other = describe(comparison, i);
      const bool is_like = other.op == location.op && other.expected_op == location.expected_op &&
                           other.op != other.expected_op && other.module != location.module;
      if (is_like && std::ranges::find(location.also, other.module) == location.also.end()) {
        location.also.push_back(other.module);
      }
    }
  }

  Location judge(const std::vector<Measure>& piled_up, const std::vector<Measure>& alone) const {
    const auto guilty = first_guilty(alignment_, alone);
    if (!guilty) {
      return exact(alone,
                   "no single place: each step, done alone on the reference's values, is as exact as its "
                   "numbers allow; the difference piles up");
    }
    if (knows_all_before(*guilty, alone)) {
      return blame(*guilty, piled_up, alone);
    }
    Location location = nothing(
        "the outputs differ, but the values that they come from cannot be compared: they have "
        "other shapes than the reference's");
    location.has_other_shapes = true;
    return location;
  }

  /// Nothing was found; how near the worst step is to its limit.
  static Location exact(const std::vector<Measure>& measures, const std::string& why_not) {
    Location location = nothing(why_not);
    for (const auto& one : measures) {
      const bool is_worse = one.error * location.step_limit > location.step_error * one.limit;
      if (one.compared && one.good && one.limit > 0 && (location.step_limit == 0 || is_worse)) {
        location.step_error = one.error;
        location.step_limit = one.limit;
      }
    }
    return location;
  }

  void add_layers(Location& location, const std::vector<Measure>& measures) const {
    std::map<int64_t, double> inputs;  // by the operator that is given them
    for (size_t i = 0; i < measures.size(); ++i) {
      const Point& point = alignment_.points()[i];
      if (!measures[i].compared) {
        continue;
      }
      ++location.values_compared;
      if (point.kind == Point::Kind::kWeightInput) {
        inputs[point.module.user] = measures[i].sqnr_db;
        continue;
      }
      location.layers.push_back(error_at(i, measures[i]));
      if (const auto input = inputs.find(point.module.user); point.module.user != 0 && input != inputs.end()) {
        location.layers.back().input_sqnr_db = input->second;
      }
    }
  }

  const Subject& subject_;
  const NameMatch& names_;
  Alignment alignment_;
  std::vector<double> slack_;
};

Location locate_on(const torch::jit::Module& module, const BoundBatch& inputs, Recordable& reference,
                   const BoundBatch& reference_inputs, const LocateOptions& options) {
  const Recording recording = reference.record(reference_inputs.copy(), {GradMode::kOff, Shapes::kFixed});
  const WeightNames our_names(module, options.weights);
  const WeightNames their_names(recording.module, {});
  Subject subject{module,
                  recording.module,
                  inputs,
                  reference_inputs,
                  run_taped(module, inputs, our_names),
                  run_taped(recording.module, reference_inputs, their_names),
                  {}};
  subject.outputs = comparable_outputs(subject.ours, subject.theirs, options.outputs);
  if (subject.outputs.empty()) {
    return nothing("no output has the same shape on both sides");
  }
  const bool agree = outputs_agree(subject);
  if (agree && !options.always_measure) {
    return nothing(kOutputsAgree);
  }
  const NameMatch names(our_names, their_names);
  return Search(subject, names).run(agree);
}

/// The rows of a batch, where every tensor has as many; 0 for other inputs.
int64_t row_count(const BoundBatch& batch) {
  int64_t rows = 0;
  for (const auto& value : batch.values) {
    if (!value.isTensor() || value.toTensor().dim() == 0 || (rows != 0 && value.toTensor().size(0) != rows)) {
      return 0;
    }
    rows = value.toTensor().size(0);
  }
  return rows;
}

BoundBatch row_of(const BoundBatch& batch, int64_t row) {
  BoundBatch one = batch;
  for (auto& value : one.values) {
    value = value.toTensor().narrow(0, row, 1);
  }
  return one;
}

}  // namespace

Location locate(const torch::jit::Module& module, const BoundBatch& inputs, Recordable& reference,
                const BoundBatch& reference_inputs, const LocateOptions& options) {
  const GradGuard no_grad(GradMode::kOff);
  try {
    Location location = locate_on(module, inputs, reference, reference_inputs, options);
    const int64_t rows = std::min(row_count(inputs), row_count(reference_inputs));
    for (int64_t row = 0; location.has_other_shapes && row < std::min(rows, kRowsTried); ++row) {
      const Location one = locate_on(module, row_of(inputs, row), reference, row_of(reference_inputs, row), options);
      location = one.found ? one : location;
    }
    return location;
  } catch (const std::exception& error) {
    return nothing(error.what());
  }
}

}  // namespace bertjit
