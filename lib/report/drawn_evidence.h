// Evidence that reports draw: the rows of some keys, read back into what they say.
//
// A check gives these as rows like any other evidence, so JSON has them complete and a reader that knows nothing of
// them still prints them. Rows that are not of the form are left to that: the functions then answer nullopt.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/evidence.h"

namespace bertjit {

/// The error of one tensor on the way through the model.
struct DrawnLayer {
  std::string module;  ///< path of the module that makes it; empty for the root
  std::string op;      ///< operator; may be empty
  double max_abs_error = 0;
  std::optional<double> sqnr_db;

  std::string name() const {
    return module.empty() ? "(root)" : module;
  }
};

/// `layers`: rows {module, operator, max_abs_error, sqnr_db, …} in the order of execution; at least one.
std::optional<std::vector<DrawnLayer>> read_layers(const Evidence& field);

/// Whether `module` is the module `where` or lies in it.
bool lies_in(const std::string& module, const std::string& where);

/// Index of the layer at which the error of the module `where` shows: the first that lies in it with more than ten
/// times the error before; or the one right after it, where an operator between two layers is measured; if it grows
/// nowhere so, the first that lies in it. If none does, the one of all at which the error grows most. A NaN or an
/// infinity counts as the greatest error.
size_t blamed_layer(const std::vector<DrawnLayer>& layers, const std::string& where);

enum class ShapeOutcome { kWorks, kFails, kWrongNumbers, kRefused };

/// "works", "fails", "wrong numbers", "refused".
const char* shape_outcome_name(ShapeOutcome outcome);

struct ShapeCell {
  ShapeOutcome outcome;
  std::string detail;  ///< what was raised, or differs; may be empty
};

/// Which batch sizes and lengths were tried; not every pair of them need have been.
struct ShapeGrid {
  std::vector<int64_t> batches;  ///< ascending, like the lengths
  std::vector<int64_t> lengths;
  std::map<std::pair<int64_t, int64_t>, ShapeCell> cells;  ///< by batch and length

  /// nullptr if it was not tried.
  const ShapeCell* find(int64_t batch, int64_t length) const;
  /// The key of the cell with the fewest tokens of that outcome; nullopt if there is none.
  std::optional<std::pair<int64_t, int64_t>> smallest(ShapeOutcome outcome) const;
};

/// `grid`: rows {batch, length, outcome, detail}; at least one.
std::optional<ShapeGrid> read_grid(const Evidence& field);

/// How many elements have a difference in [from, to).
struct ErrorBin {
  double from = 0;
  double to = 0;
  int64_t count = 0;
};

struct ErrorHistogram {
  std::string output;
  std::vector<ErrorBin> bins;
};

/// `error_histogram`: rows {output, from, to, count}; the outputs in the order in which they come first.
std::optional<std::vector<ErrorHistogram>> read_histograms(const Evidence& field);

}  // namespace bertjit
