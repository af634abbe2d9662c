#include "compare/weight_relation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <ATen/ATen.h>

#include "compare/compare.h"
#include "compare/describe.h"
#include "compare/named_outputs.h"
#include "compare/weight_grid.h"
#include "compare/weight_pair.h"

namespace bertjit {

namespace {

using Relation = WeightRelation;

/// Noise that leaves more than this is the same weight still. Weights of two checkpoints are uncorrelated: of 32 x 32
/// elements .03, of the 16 that are asked for at least .25 (1 / sqrt(n)); a fine-tuned one's are .99 and more.
constexpr double kRelated = 0.9;
constexpr int64_t kFewestCorrelated = 16;
/// Numbers of a row that fit a grid of 255 steps by chance once in 10^9.
constexpr int64_t kFewestOnGrid = 4;
/// What is so near is no other weight even where it hardly varies, as a normalisation's does.
constexpr double kNear = 0.05;
constexpr double kAnotherFactor = 1e-4;  ///< nearer to 1 is rounding, or noise

/// One comparison; each find_… fills `found` and says whether it applies.
class Relating {
 public:
  Relating(const at::Tensor& expected, const at::Tensor& actual)
      : shape_(expected.sizes().vec()), pair_(expected, actual), sums_(pair_.sums()) {
    found_.elements = pair_.elements();
    found_.differing = sums_.differing;
    found_.relative_error = sums_.relative_error();
    found_.correlation = sums_.correlation();
  }

  WeightDifference run() {
    if (sums_.differing == 0) {
      set(Relation::kSame, "is the same");
      return found_;
    }
    const bool is_named = find_non_finite() || find_one_number() || find_narrower() || find_single() || find_factor() ||
                          find_rounded() || find_quantized() || find_transposed() || find_reordered() ||
                          find_pruned() || find_clipped() || find_shifted() || find_row_added() || find_part();
    if (!is_named) {
      describe_noise();
    }
    return found_;
  }

 private:
  bool set(Relation relation, const std::string& text, const std::string& cause = {}) {
    found_.relation = relation;
    found_.text = text;
    found_.cause = cause.empty() ? text : cause;
    return true;
  }

  at::ScalarType dtype() const {
    return pair_.actual().scalar_type();
  }
  double rounding() const {
    const at::ScalarType type = dtype();
    return type == at::kHalf ? 0x1p-10 : type == at::kBFloat16 ? 0x1p-7 : type == at::kFloat ? 0x1p-22 : 0x1p-51;
  }
  /// What the smallest numbers of the dtype are apart.
  double smallest() const {
    return dtype() == at::kHalf ? 0x1p-24 : 0x1p-133;
  }

  /// "[3, 17]"
  std::string index_text(int64_t position) const {
    std::string text;
    for (size_t i = shape_.size(); i-- > 0;) {
      text.insert(0, (i > 0 ? ", " : "") + std::to_string(position % shape_[i]));
      position /= shape_[i];
    }
    return "[" + text + "]";
  }

  /// Where it differs: "row 3", "rows 8 to 15", "column 2", "5 of 1024 elements".
  std::string extent() const {
    const auto& rows = sums_.rows;
    const bool is_matrix = pair_.row_size() > 1;
    if (sums_.differing == 1) {
      return "element " + index_text(sums_.first);
    }
    if (is_matrix && rows.size() == 1 && pair_.rows() > 1) {
      return "row " + std::to_string(rows[0]);
    }
    if (sums_.columns.size() == 1) {
      return "column " + std::to_string(sums_.columns[0]);
    }
    const bool is_run = rows.back() - rows.front() + 1 == static_cast<int64_t>(rows.size());
    if (is_run && rows.size() > 1 && 2 * static_cast<int64_t>(rows.size()) <= pair_.rows()) {
      return (is_matrix ? "rows " : "elements ") + std::to_string(rows.front()) + " to " + std::to_string(rows.back());
    }
    if (sums_.differing * 10 >= sums_.elements * 9) {
      return "every element";
    }
    return std::to_string(sums_.differing) + " of " + std::to_string(sums_.elements) + " elements";
  }

  bool find_non_finite() {
    if (sums_.nans + sums_.infinities == 0) {
      return false;
    }
    return set(
        Relation::kNonFinite,
        "has " + non_finite_text(sums_.nans, sums_.infinities) + " where numbers are expected (" + extent() + ")",
        "has NaN or infinity where numbers are expected");
  }

  bool find_one_number() {
    if (sums_.elements < 2 || sums_.least_actual != sums_.most_actual ||
        sums_.least_expected == sums_.greatest_expected) {
      return false;
    }
    return sums_.least_actual == 0 ? set(Relation::kZeroed, "is all 0")
                                   : set(Relation::kFilled, "is " + short_number(sums_.least_actual) + " throughout",
                                         "is one number throughout");
  }

  bool find_narrower() {
    if (dtype() == pair_.expected().scalar_type() || !pair_.is_rounded_to(dtype())) {
      return false;
    }
    return set(Relation::kNarrower, "is rounded to " + dtype_text(pair_.actual()));
  }

  bool find_single() {
    if (sums_.differing != 1) {
      return false;
    }
    return set(Relation::kPart,
               "differs in one element, " + index_text(sums_.first) + ", by " +
                   short_number(std::fabs(sums_.first_actual - sums_.first_expected)) + ": " +
                   short_number(sums_.first_expected) + " became " + short_number(sums_.first_actual),
               "differs in one element");
  }

  bool find_factor() {
    const double factor = sums_.ea / sums_.ee;
    if (sums_.elements < 4 || !std::isfinite(factor) || factor == 0 || std::fabs(factor - 1) < kAnotherFactor) {
      return false;
    }
    if (!pair_.all([factor, slack = rounding(), least = smallest()](double e, double a) {
          return std::fabs(a - factor * e) <= slack * std::fabs(factor * e) + least;
        })) {
      return false;
    }
    return std::fabs(factor + 1) < kAnotherFactor
               ? set(Relation::kNegated, "has every sign turned")
               : set(Relation::kScaled, "is what is expected times " + short_number(factor));
  }

  bool find_rounded() {
    const at::ScalarType own = dtype();
    if (own != pair_.expected().scalar_type()) {
      return false;
    }
    for (const at::ScalarType narrow : {at::kFloat, at::kHalf, at::kBFloat16, at::kFloat8_e4m3fn, at::kFloat8_e5m2}) {
      const bool is_narrower =
          c10::elementSize(narrow) < c10::elementSize(own) || (own == at::kHalf && narrow == at::kBFloat16);
      if (is_narrower && pair_.is_rounded_to(narrow)) {
        return set(Relation::kRounded, "went through " + std::string(c10::getDtypeNames(narrow).first) + " and back");
      }
    }
    return false;
  }

  /// Row by row where rows are long enough to show a step, else all at once. A step of one for all is one for each row.
  bool find_quantized() {
    const bool by_row = pair_.row_size() >= kFewestOnGrid;
    const int64_t pieces = by_row ? pair_.rows() : 1;
    const int64_t size = sums_.elements / pieces;
    if ((dtype() != at::kFloat && dtype() != at::kDouble) || size < kFewestOnGrid) {
      return false;
    }
    double greatest_step = 0;
    double greatest_lost = 0;  ///< of pieces that are all zero
    int most_steps = 0;
    for (int64_t piece = 0; piece < pieces; ++piece) {
      const at::Tensor e = pair_.expected().narrow(0, piece * size, size).to(at::kDouble);
      const at::Tensor a = pair_.actual().narrow(0, piece * size, size).to(at::kDouble);
      const std::span<const double> wanted(e.const_data_ptr<double>(), static_cast<size_t>(size));
      const std::span<const double> values(a.const_data_ptr<double>(), static_cast<size_t>(size));
      const auto grid = find_grid(values);
      if (!grid) {
        if (std::ranges::any_of(values, [](double value) { return value != 0; })) {
          return false;
        }
        greatest_lost = std::max(greatest_lost, e.abs().max().item<double>());
      } else if (!lies_within_half(wanted, values, *grid)) {
        return false;
      } else {
        greatest_step = std::max(greatest_step, grid->step);
        most_steps = std::max(most_steps, grid->steps);
      }
    }
    if (greatest_step == 0 || greatest_lost > greatest_step / 2) {
      return false;
    }
    return set(Relation::kQuantized,
               "is on a grid of " + std::to_string(most_steps) + " steps, each number the nearest",
               most_steps <= 8 ? "went through int4" : "went through int8");
  }

  /// Numbers at the end of the grid may be a step off: what cuts outliers away, and 127.5 that became 127, are honest.
  static bool lies_within_half(std::span<const double> wanted, std::span<const double> values, const NumberGrid& grid) {
    const double bound = grid.step / 2 * 1.001;
    const double end = grid.step * (grid.steps - 0.5);
    for (size_t i = 0; i < wanted.size(); ++i) {
      const double error = std::fabs(values[i] - wanted[i]);
      if (!(error <= bound) && !(std::fabs(values[i]) >= end && error <= 2 * bound)) {
        return false;
      }
    }
    return true;
  }

  bool find_transposed() {
    if (shape_.size() != 2 || shape_[0] != shape_[1] || shape_[0] < 2 ||
        !same_bits(pair_.expected().view(shape_).t().to(dtype()), pair_.actual().view(shape_))) {
      return false;
    }
    return set(Relation::kTransposed, "is transposed");
  }

  bool find_reordered() {
    // Another order leaves sums as they are: what spares most tensors the search.
    if (dtype() != pair_.expected().scalar_type() || sums_.elements < 2 ||
        !(std::fabs(sums_.ee - sums_.aa) <= 1e-9 * sums_.ee)) {
      return false;
    }
    const int64_t rows = shape_.empty() ? 1 : shape_[0];
    if (const auto order = row_order(pair_.expected(), pair_.actual(), rows)) {
      return set(Relation::kRowsReordered,
                 "has the right " + std::string(shape_.size() > 1 ? "rows" : "elements") + " in another order" +
                     order_text(*order),
                 "has rows in another order");
    }
    if (shape_.size() != 2 || shape_[1] < 2) {
      return false;
    }
    if (const auto order = row_order(pair_.expected().view(shape_).t().contiguous(),
                                     pair_.actual().view(shape_).t().contiguous(), shape_[1])) {
      return set(Relation::kColumnsReordered, "has the right columns in another order" + order_text(*order),
                 "has columns in another order");
    }
    return false;
  }

  /// For each row of `actual` the row of `expected` that it is; nullopt if they are not the same rows. Of equal ones
  /// the one that was in this place is preferred.
  static std::optional<std::vector<int64_t>> row_order(const at::Tensor& expected, const at::Tensor& actual,
                                                       int64_t rows) {
    const size_t size = expected.nbytes() / static_cast<size_t>(rows);
    const auto row = [size](const at::Tensor& tensor, int64_t i) {
      return std::string_view(static_cast<const char*>(tensor.const_data_ptr()) + static_cast<size_t>(i) * size, size);
    };
    std::unordered_map<std::string_view, std::vector<int64_t>> places;
    std::vector<int64_t> order(static_cast<size_t>(rows), -1);
    for (int64_t i = rows - 1; i >= 0; --i) {
      if (row(expected, i) == row(actual, i)) {
        order[static_cast<size_t>(i)] = i;
      } else {
        places[row(expected, i)].push_back(i);
      }
    }
    for (int64_t i = 0; i < rows; ++i) {
      if (order[static_cast<size_t>(i)] < 0) {
        const auto found = places.find(row(actual, i));
        if (found == places.end() || found->second.empty()) {
          return std::nullopt;
        }
        order[static_cast<size_t>(i)] = found->second.back();
        found->second.pop_back();
      }
    }
    return order;
  }

  /// ": 3 and 5 exchanged", ": blocks of 8, as heads are", "".
  static std::string order_text(const std::vector<int64_t>& order) {
    std::vector<int64_t> moved;
    for (size_t i = 0; i < order.size(); ++i) {
      if (order[i] != static_cast<int64_t>(i)) {
        moved.push_back(static_cast<int64_t>(i));
      }
    }
    if (moved.size() == 2) {
      return ": " + std::to_string(moved[0]) + " and " + std::to_string(moved[1]) + " exchanged";
    }
    const auto count = static_cast<int64_t>(order.size());
    for (int64_t block = count / 2; block > 1; --block) {
      bool whole = count % block == 0;
      for (int64_t i = 0; i < count && whole; ++i) {
        const auto at = static_cast<size_t>(i);
        whole = i % block == 0 ? order[at] % block == 0 : order[at] == order[at - 1] + 1;
      }
      if (whole) {
        return ": blocks of " + std::to_string(block) + ", as heads are";
      }
    }
    return "";
  }

  bool find_pruned() {
    if (sums_.zeroed != sums_.differing) {
      return false;
    }
    const bool smallest_go = sums_.greatest_zeroed <= sums_.least_kept && sums_.rows.size() > 1;
    return set(Relation::kPruned, "has " + extent() + " set to 0" + (smallest_go ? ", the smallest ones" : ""),
               "has elements set to 0");
  }

  bool find_clipped() {
    const double bound = sums_.greatest_actual;
    if (sums_.differing < 2 || bound == 0 || !pair_.all([bound](double e, double a) {
          return a == e || (std::fabs(a) == bound && std::fabs(e) > bound && (a < 0) == (e < 0));
        })) {
      return false;
    }
    return set(Relation::kClipped, "is cut off at " + short_number(bound) + " (" + extent() + ")", "is cut off");
  }

  bool find_shifted() {
    const double term = (sums_.a - sums_.e) / static_cast<double>(sums_.elements);
    const double size = std::max(std::fabs(sums_.greatest_expected), std::fabs(sums_.least_expected));
    // A shift that rounding hides is none.
    if (sums_.elements < 4 || std::fabs(term) <= 8 * rounding() * size ||
        !pair_.all([term, slack = rounding() * (size + std::fabs(term))](double e, double a) {
          return std::fabs(a - (e + term)) <= slack;
        })) {
      return false;
    }
    return set(Relation::kShifted, "is what is expected plus " + short_number(term));
  }

  /// One embedding table folded into another, where one row of it is all that is ever taken.
  bool find_row_added() {
    constexpr int64_t kPiece = 256;
    if (shape_.size() != 2 || shape_[0] < 3 || shape_[1] < 2) {
      return false;
    }
    const auto difference = [this](int64_t first, int64_t count) {
      return pair_.actual().view(shape_).narrow(0, first, count).to(at::kDouble) -
             pair_.expected().view(shape_).narrow(0, first, count).to(at::kDouble);
    };
    const at::Tensor row = difference(0, 1);
    const double size = std::max(std::fabs(sums_.greatest_expected), std::fabs(sums_.least_expected));
    const double slack = 2 * rounding() * (size + row.abs().max().item<double>());
    for (int64_t first = 0; first < shape_[0]; first += kPiece) {
      const at::Tensor rest = difference(first, std::min(kPiece, shape_[0] - first)) - row;
      if (!(rest.abs().max().item<double>() <= slack)) {
        return false;
      }
    }
    return set(Relation::kRowAdded, "is what is expected plus the same row in every row");
  }

  /// Where less than a quarter of it differs, what matters is where.
  bool find_part() {
    if (sums_.differing * 4 > sums_.elements) {
      return false;
    }
    const double here = std::sqrt(sums_.dd / sums_.differing_ee);
    return set(Relation::kPart, "differs in " + extent() + ", by " + short_number(here) + " of their size",
               "differs in parts");
  }

  void describe_noise() {
    const double error = found_.relative_error;
    const bool is_related =
        error < kNear || (sums_.elements >= kFewestCorrelated ? found_.correlation > kRelated : error < 0.5);
    if (is_related) {
      set(Relation::kNoise, "has noise of " + short_number(error) + " of its size in " + extent(), "has noise");
    } else {
      set(Relation::kUnrelated,
          "holds other numbers" +
              (std::isfinite(found_.correlation) ? " (correlation " + short_number(found_.correlation) + ")" : ""),
          "holds other numbers");
    }
  }

  std::vector<int64_t> shape_;
  WeightPair pair_;
  WeightPairSums sums_;
  WeightDifference found_;
};

WeightDifference relate_shapes(const at::Tensor& expected, const at::Tensor& actual) {
  WeightDifference found{.elements = expected.numel(), .differing = std::max(expected.numel(), actual.numel())};
  found.relative_error = found.correlation = std::numeric_limits<double>::quiet_NaN();
  if (expected.dim() == 2 && actual.sizes() == at::IntArrayRef({expected.size(1), expected.size(0)}) &&
      at::equal(expected.t().to(actual.scalar_type()), actual)) {
    found.relation = WeightRelation::kTransposed;
    found.text = found.cause = "is transposed";
    return found;
  }
  found.relation = WeightRelation::kShape;
  found.text = "is " + shape_text(actual) + ", expected " + shape_text(expected);
  found.cause = "has another shape";
  return found;
}

WeightDifference relate_others(const at::Tensor& expected, const at::Tensor& actual) {
  const bool equal = at::equal(expected.to(at::kDouble), actual.to(at::kDouble));
  WeightDifference found{.relation = equal ? WeightRelation::kSame : WeightRelation::kUnrelated,
                         .text = equal ? "is the same" : "holds other numbers",
                         .elements = expected.numel()};
  found.cause = found.text;
  found.differing = equal ? 0 : expected.ne(actual).sum().item<int64_t>();
  return found;
}

}  // namespace

const char* weight_relation_name(WeightRelation relation) {
  constexpr const char* kNames[] = {"same",   "quantized",  "narrower",  "rounded",        "transposed",
                                    "shape",  "non-finite", "zeroed",    "filled",         "negated",
                                    "scaled", "shifted",    "row-added", "rows-reordered", "columns-reordered",
                                    "pruned", "clipped",    "part",      "noise",          "unrelated"};
  return kNames[static_cast<size_t>(relation)];
}

WeightDifference relate_weights(const at::Tensor& expected, const at::Tensor& actual) {
  const at::Tensor plain = actual.is_quantized() ? actual.dequantize() : actual;
  if (expected.sizes() != plain.sizes()) {
    return relate_shapes(expected, plain);
  }
  if (expected.scalar_type() == plain.scalar_type() && same_bits(expected, plain)) {
    return {.text = "is the same", .cause = "is the same", .elements = expected.numel()};
  }
  if (!expected.is_floating_point() || !plain.is_floating_point() || expected.numel() == 0) {
    return relate_others(expected, plain);
  }
  // What is expected in half precision may be kept in full: then it is what was rounded.
  if (c10::elementSize(plain.scalar_type()) > c10::elementSize(expected.scalar_type()) &&
      WeightPair(plain, expected).is_rounded_to(expected.scalar_type())) {
    return {.text = "is the same", .cause = "is the same", .elements = expected.numel()};
  }
  return Relating(expected, plain).run();
}

double correlation_of_sample(const at::Tensor& a, const at::Tensor& b) {
  constexpr int64_t kSample = 8192;
  const int64_t count = std::min(a.numel(), kSample);
  const auto sample = [count](const at::Tensor& tensor) { return tensor.detach().flatten().narrow(0, 0, count); };
  return WeightPair(sample(a), sample(b)).sums().correlation();
}

}  // namespace bertjit
