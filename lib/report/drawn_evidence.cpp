#include "report/drawn_evidence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace bertjit {

namespace {

/// The field of a row as a T; nullopt where it is absent or of another type.
template <class T>
std::optional<T> get(const EvidenceFields& row, const std::string& key) {
  for (const Evidence& field : row) {
    if (field.key == key) {
      const T* value = std::get_if<T>(&field.value);
      return value == nullptr ? std::nullopt : std::optional<T>(*value);
    }
  }
  return std::nullopt;
}

/// A number may have been given as a whole one.
std::optional<double> get_number(const EvidenceFields& row, const std::string& key) {
  if (const auto whole = get<int64_t>(row, key)) {
    return static_cast<double>(*whole);
  }
  return get<double>(row, key);
}

/// The rows of the field called `key`; nullptr for other fields, or where there are none.
const EvidenceRows* rows_of(const Evidence& field, const char* key) {
  const auto* rows = std::get_if<EvidenceRows>(&field.value);
  return field.key == key && rows != nullptr && !rows->empty() ? rows : nullptr;
}

std::optional<ShapeOutcome> read_outcome(const std::string& name) {
  for (const ShapeOutcome outcome :
       {ShapeOutcome::kWorks, ShapeOutcome::kFails, ShapeOutcome::kWrongNumbers, ShapeOutcome::kRefused}) {
    if (name == shape_outcome_name(outcome)) {
      return outcome;
    }
  }
  return std::nullopt;
}

/// Finite, so that quotients are; a NaN is worse than any number.
double rank_of(double error) {
  return std::isfinite(error) ? std::abs(error) : std::numeric_limits<double>::max();
}

/// How often the error at each layer is that of all before it.
///
/// From nothing to a last bit is no jump, though it grows infinitely: what is less than a millionth of the greatest
/// error counts as that. Where there is no error at all, nothing grows.
std::vector<double> growth_of(const std::vector<DrawnLayer>& layers) {
  double greatest = 0;
  for (const DrawnLayer& layer : layers) {
    greatest = std::max(greatest, rank_of(layer.max_abs_error));
  }
  std::vector<double> growth(layers.size(), 0.0);
  const double floor = greatest * 1e-6;
  double before = floor;
  for (size_t i = 0; i < layers.size() && greatest > 0; ++i) {
    const double error = std::max(rank_of(layers[i].max_abs_error), floor);
    growth[i] = error / before;
    before = std::max(before, error);
  }
  return growth;
}

}  // namespace

bool lies_in(const std::string& module, const std::string& where) {
  return module == where || (module.size() > where.size() && module.starts_with(where) && module[where.size()] == '.');
}

std::optional<std::vector<DrawnLayer>> read_layers(const Evidence& field) {
  const EvidenceRows* rows = rows_of(field, "layers");
  if (rows == nullptr) {
    return std::nullopt;
  }
  std::vector<DrawnLayer> layers;
  for (const EvidenceFields& row : *rows) {
    const auto module = get<std::string>(row, "module");
    const auto error = get_number(row, "max_abs_error");
    if (!module || !error) {
      return std::nullopt;
    }
    layers.push_back({*module, get<std::string>(row, "operator").value_or(""), *error, get_number(row, "sqnr_db")});
  }
  return layers;
}

size_t blamed_layer(const std::vector<DrawnLayer>& layers, const std::string& where) {
  constexpr double kJump = 10;
  const std::vector<double> growth = growth_of(layers);
  const auto named =
      std::find_if(layers.begin(), layers.end(), [&](const DrawnLayer& layer) { return lies_in(layer.module, where); });
  if (where.empty() || named == layers.end()) {
    return static_cast<size_t>(std::max_element(growth.begin(), growth.end()) - growth.begin());
  }
  const auto first = static_cast<size_t>(named - layers.begin());
  for (size_t i = first; i < layers.size(); ++i) {
    if (growth[i] > kJump) {
      return i;
    }
    if (!lies_in(layers[i].module, where)) {
      break;
    }
  }
  return first;
}

const char* shape_outcome_name(ShapeOutcome outcome) {
  switch (outcome) {
    case ShapeOutcome::kWorks:
      return "works";
    case ShapeOutcome::kFails:
      return "fails";
    case ShapeOutcome::kWrongNumbers:
      return "wrong numbers";
    case ShapeOutcome::kRefused:
      break;
  }
  return "refused";
}

const ShapeCell* ShapeGrid::find(int64_t batch, int64_t length) const {
  const auto it = cells.find({batch, length});
  return it == cells.end() ? nullptr : &it->second;
}

std::optional<std::pair<int64_t, int64_t>> ShapeGrid::smallest(ShapeOutcome outcome) const {
  std::optional<std::pair<int64_t, int64_t>> best;
  for (const auto& [shape, cell] : cells) {
    if (cell.outcome == outcome &&
        (!best || static_cast<double>(shape.first) * static_cast<double>(shape.second) <
                      static_cast<double>(best->first) * static_cast<double>(best->second))) {
      best = shape;
    }
  }
  return best;
}

std::optional<ShapeGrid> read_grid(const Evidence& field) {
  const EvidenceRows* rows = rows_of(field, "grid");
  if (rows == nullptr) {
    return std::nullopt;
  }
  ShapeGrid grid;
  std::set<int64_t> batches;
  std::set<int64_t> lengths;
  for (const EvidenceFields& row : *rows) {
    const auto batch = get<int64_t>(row, "batch");
    const auto length = get<int64_t>(row, "length");
    const auto outcome = read_outcome(get<std::string>(row, "outcome").value_or(""));
    if (!batch || !length || !outcome) {
      return std::nullopt;
    }
    batches.insert(*batch);
    lengths.insert(*length);
    grid.cells[{*batch, *length}] = {*outcome, get<std::string>(row, "detail").value_or("")};
  }
  grid.batches.assign(batches.begin(), batches.end());
  grid.lengths.assign(lengths.begin(), lengths.end());
  return grid;
}

std::optional<std::vector<ErrorHistogram>> read_histograms(const Evidence& field) {
  const EvidenceRows* rows = rows_of(field, "error_histogram");
  if (rows == nullptr) {
    return std::nullopt;
  }
  std::vector<ErrorHistogram> histograms;
  for (const EvidenceFields& row : *rows) {
    const auto output = get<std::string>(row, "output");
    const auto from = get_number(row, "from");
    const auto to = get_number(row, "to");
    const auto count = get<int64_t>(row, "count");
    if (!output || !from || !to || !count || *count < 0) {
      return std::nullopt;
    }
    auto it = std::find_if(histograms.begin(), histograms.end(),
                           [&](const ErrorHistogram& histogram) { return histogram.output == *output; });
    if (it == histograms.end()) {
      it = histograms.insert(histograms.end(), {*output, {}});
    }
    it->bins.push_back({*from, *to, *count});
  }
  return histograms;
}

}  // namespace bertjit
