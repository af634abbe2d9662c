// `shapes`: which batch sizes and lengths does it take, and where does it silently give other numbers?
//
// Proves, for a grid of batch sizes and lengths, that the module runs and that its numbers are those of the source;
// without one, of the network rebuilt from its own weights; without that, of each row run alone. Does not prove
// anything of shapes outside the grid. The smallest counterexample is searched for between the cells of the grid.
//
// A shape that fails is a finding, not a fault, unless the file claims to take it. Wrong numbers are a fault, unless
// the file claims to take that shape not. Texts longer than the table of positions must be refused: what answers there
// makes positions up. Where the length of that table is not known, errors beyond the longest text that was given prove
// nothing.
//
// Where the source is a program whose inputs are no ids, shapes are made up from the example; what it refuses itself is
// not asked of the module.
#include <algorithm>
#include <set>

#include "support/error.h"
#include "verify/check.h"
#include "verify/shape_trials.h"

namespace bertjit {

namespace {

using Outcome = ShapeTrial::Outcome;

/// int8: one scale for a whole activation makes each number depend on all others, so that a row of a few logits may be
/// far off by the ratio of signal to noise. A shape is to blame if it is that much noisier than most: of 60 honest int8
/// files the noisiest cell had 5.2 times the median's error, where a constant of the example is used it is 20 and more.
constexpr double kNoisyCell = 8;

struct Grid {
  std::vector<ShapeTrial> cells;
  /// A text longer than there are positions; among the cells if it is answered.
  std::optional<ShapeTrial> beyond;
  int64_t searched = 0;  ///< runs between the cells
};

bool is_bad(const ShapeTrial& trial) {
  return trial.outcome == Outcome::kFails || trial.outcome == Outcome::kWrong;
}

/// What the claims say of a shape that is not the example's. The example's own is taken by every file.
class ClaimedShapes {
 public:
  ClaimedShapes(const VerifyContext& context, const ShapeTrials& trials)
      : batch_(trials.example_batch()), length_(trials.example_length()) {
    if (context.claims) {
      dynamic_batch_ = context.claims->dynamic_batch;
      dynamic_length_ = context.claims->dynamic_length;
    }
  }

  /// It is said to be taken.
  bool includes(const ShapeTrial& trial) const {
    return (trial.batch == batch_ || dynamic_batch_ == true) && (trial.length == length_ || dynamic_length_ == true);
  }
  /// It is said not to be taken.
  bool excludes(const ShapeTrial& trial) const {
    return (trial.batch != batch_ && dynamic_batch_ == false) || (trial.length != length_ && dynamic_length_ == false);
  }
  /// It fails although it is claimed, or is wrong although nobody said that it would be.
  bool is_broken_by(const ShapeTrial& trial) const {
    return trial.outcome == Outcome::kFails ? includes(trial) : trial.outcome == Outcome::kWrong && !excludes(trial);
  }

 private:
  int64_t batch_, length_;
  std::optional<bool> dynamic_batch_, dynamic_length_;
};

/// The longest text that the module was given by whoever asks.
int64_t longest_given(const VerifyContext& context) {
  int64_t longest = context.example.tensor(0).size(-1);
  for (const auto& batch : context.further) {
    if (batch.values[0].isTensor() && batch.tensor(0).dim() > 0) {
      longest = std::max(longest, batch.tensor(0).size(-1));
    }
  }
  return longest;
}

Grid try_grid(const VerifyContext& context, ShapeTrials& trials) {
  const int64_t longest = trials.longest();
  const bool limit_unknown = longest == 0 && !context.network.why_not().empty();
  const std::set<int64_t> batches{1, 2, 3};
  const std::set<int64_t> lengths{1, 2, 3, 7, 33, trials.example_length()};
  Grid grid;
  for (const int64_t batch : batches) {
    for (const int64_t length : lengths) {
      if (longest > 0 && length > longest) {
        continue;
      }
      ShapeTrial trial = trials.run(batch, length);
      if (trial.outcome == Outcome::kFails && limit_unknown && length > longest_given(context)) {
        trial.outcome = Outcome::kRefused;
        trial.detail = "longer than any text that was given, and how many positions there are is not known";
      }
      grid.cells.push_back(std::move(trial));
    }
  }
  if (!batches.contains(trials.example_batch())) {
    grid.cells.push_back(trials.run(trials.example_batch(), trials.example_length()));
  }
  if (longest > 0 && !lengths.contains(longest)) {
    grid.cells.push_back(trials.run(1, longest));
  }
  if (longest > 0) {
    grid.beyond = trials.run_beyond();
    if (is_bad(*grid.beyond)) {
      grid.cells.push_back(*grid.beyond);
    }
  }
  return grid;
}

/// In int8, forgives cells whose numbers are no noisier than the others'. Returns how many times the median's error the
/// noisiest cell has.
double forgive_noise(std::vector<ShapeTrial>& cells) {
  std::vector<double> errors;
  for (const auto& cell : cells) {
    if (cell.mean_abs_error) {
      errors.push_back(*cell.mean_abs_error);
    }
  }
  if (errors.empty()) {
    return 0;
  }
  std::ranges::sort(errors);
  const double middle = errors[errors.size() / 2];
  for (auto& cell : cells) {
    if (cell.outcome == Outcome::kWrong && cell.only_values && cell.mean_abs_error <= kNoisyCell * middle) {
      cell.outcome = Outcome::kWorks;
      cell.detail = "as noisy as other shapes";
    }
  }
  return middle > 0 ? errors.back() / middle : 0;
}

/// Of the cells that `wanted` accepts, the one of the smallest batch, and of these the shortest.
template <class Predicate>
std::optional<ShapeTrial> smallest(const std::vector<ShapeTrial>& cells, Predicate wanted) {
  std::optional<ShapeTrial> best;
  for (const auto& cell : cells) {
    if (wanted(cell) && (!best || std::pair(cell.batch, cell.length) < std::pair(best->batch, best->length))) {
      best = cell;
    }
  }
  return best;
}

/// Goes on between the counterexample and the longest shorter text of that batch that is none, by halves.
void shorten(ShapeTrials& trials, Grid& grid, ShapeTrial& found) {
  int64_t fine = 0;
  for (const auto& cell : grid.cells) {
    if (cell.batch == found.batch && cell.length < found.length && cell.outcome != found.outcome) {
      fine = std::max(fine, cell.length);
    }
  }
  while (found.length - fine > 1) {
    ShapeTrial middle = trials.run(found.batch, fine + (found.length - fine) / 2);
    ++grid.searched;
    if (middle.outcome == found.outcome) {
      found = std::move(middle);
    } else {
      fine = middle.length;
    }
  }
}

/// The shape to name: one that is a fault before one that is a finding, wrong numbers before errors.
std::optional<ShapeTrial> find_counterexample(const VerifyContext& context, ShapeTrials& trials,
                                              const ClaimedShapes& claimed, Grid& grid) {
  const auto broken = [&](Outcome outcome) {
    return smallest(grid.cells,
                    [&](const auto& cell) { return cell.outcome == outcome && claimed.is_broken_by(cell); });
  };
  std::optional<ShapeTrial> found = broken(Outcome::kWrong);
  found = found ? found : broken(Outcome::kFails);
  found = found ? found : smallest(grid.cells, is_bad);
  // Of single shapes, noise cannot be told from faults; and one beyond the positions is as short as it can be.
  const bool is_noise = context.is_quantized && found && found->outcome == Outcome::kWrong;
  if (found && !is_noise && found->length != trials.longest() + 1) {
    shorten(trials, grid, *found);
  }
  return found;
}

EvidenceFields describe(const ShapeTrial& trial) {
  return {{"batch", trial.batch},
          {"length", trial.length},
          {"outcome", std::string(outcome_name(trial.outcome))},
          {"detail", trial.detail}};
}

int64_t count(const std::vector<ShapeTrial>& cells, Outcome outcome) {
  return std::ranges::count(cells, outcome, &ShapeTrial::outcome);
}

std::string describe_works(const std::vector<ShapeTrial>& cells, const std::string& reference) {
  const int64_t refused = count(cells, Outcome::kRefused);
  std::string text = std::to_string(count(cells, Outcome::kWorks)) + " of " +
                     std::to_string(static_cast<int64_t>(cells.size()) - refused) + " batch x length shapes work" +
                     (reference.empty() ? "; numbers not compared, that needs --source" : " and equal " + reference);
  return text + (refused > 0 ? "; " + std::to_string(refused) + " more are refused" : "");
}

bool is_example(const ShapeTrials& trials, const ShapeTrial& trial) {
  return trial.batch == trials.example_batch() && trial.length == trials.example_length();
}

void blame_error(const ShapeTrials& trials, const ShapeTrial& found, CheckResult& result) {
  const std::string place = trials.place_of(found);
  result.where = place.empty() ? found.shape() : place;
  result.summary =
      (is_example(trials, found) ? "fails at the example's own shape, " : "claims to take every shape, fails at ") +
      found.shape() + (place.empty() ? "" : " in " + place) + ": " + found.detail;
}

void blame_numbers(const std::vector<ShapeTrial>& cells, const ShapeTrials& trials, const ShapeTrial& found,
                   CheckResult& result) {
  const bool example_too = std::ranges::any_of(
      cells, [&](const ShapeTrial& cell) { return is_example(trials, cell) && cell.outcome == Outcome::kWrong; });
  result.summary = "wrong numbers at " + found.shape() + ": " + found.detail;
  if (example_too) {
    // What is wrong everywhere is not the shape's doing; other checks say where it comes from.
    result.summary += "; not for its shape: at the example's own numbers are wrong, too";
    result.advice = "mend what `source` or `rebuilt` says of the numbers first";
    return;
  }
  const std::string place = trials.place_of(found);
  result.where = place.empty() ? found.shape() : place;
  result.summary += place.empty() ? "" : "; first in " + place;
}

}  // namespace

CheckResult check_shapes(const VerifyContext& context) {
  ShapeTrials trials(context);
  if (!trials.why_not().empty()) {
    return skipped("shapes", trials.why_not());
  }
  const ClaimedShapes claimed(context, trials);
  Grid grid = try_grid(context, trials);
  const double noise_ratio = context.is_quantized ? forgive_noise(grid.cells) : 0;
  const auto& cells = grid.cells;
  if (count(cells, Outcome::kRefused) == static_cast<int64_t>(cells.size())) {
    return skipped("shapes", "the source itself takes no shape of the grid");
  }
  CheckResult result{"shapes", Verdict::kPass, describe_works(cells, trials.reference()), "", {}};
  const std::optional<ShapeTrial> found = find_counterexample(context, trials, claimed, grid);
  if (found && claimed.is_broken_by(*found)) {
    result.verdict = Verdict::kFail;
    if (found->outcome == Outcome::kWrong) {
      blame_numbers(cells, trials, *found, result);
    } else {
      blame_error(trials, *found, result);
    }
  } else if (count(cells, Outcome::kWorks) == 0) {
    result.verdict = Verdict::kFail;
    result.summary = "no shape of the grid works: " + found->detail;
  } else if (found) {
    result.summary += std::string("; the smallest that ") +
                      (found->outcome == Outcome::kFails ? "fails is " : "gives other numbers is ") + found->shape();
  }
  EvidenceRows rows;
  for (const auto& cell : cells) {
    rows.push_back(describe(cell));
  }
  result.evidence = {{"works", count(cells, Outcome::kWorks)},
                     {"cells", static_cast<int64_t>(cells.size())},
                     {"compared_with", trials.reference()},
                     {"claims_dynamic_shapes", context.claims_dynamic_shapes()},
                     {"longest", trials.longest()},
                     {"grid", std::move(rows)}};
  if (context.is_quantized) {
    result.evidence.push_back({"noisiest_to_median_error", noise_ratio});
  }
  if (grid.beyond) {
    result.evidence.push_back({"beyond_longest", describe(*grid.beyond)});
  }
  if (found) {
    result.evidence.push_back({"smallest_counterexample", describe(*found)});
    result.evidence.push_back({"shapes_searched", grid.searched});
  }
  return result;
}

}  // namespace bertjit
