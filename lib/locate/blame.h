// From what was measured at each point to the place that is to blame.
#pragma once

#include <optional>
#include <vector>

#include "locate/alignment.h"
#include "locate/location.h"
#include "locate/measure.h"

namespace bertjit {

/// The two tapes, what they have in common, and how it is named.
struct Comparison {
  const Tape& module;
  const Tape& reference;
  const NameMatch& names;
  const Alignment& alignment;
};

/// Whether `measures` say that a point is wrong, for certain: not good, and compared.
bool is_bad(const Measure& measure);

/// The first point from which error goes on, over points that are wrong, to an output; nullopt if there is none.
std::optional<size_t> first_guilty(const Alignment& alignment, const std::vector<Measure>& measures);

/// Module, operators, source line of a point that is to blame.
Location describe(const Comparison& comparison, size_t point);

}  // namespace bertjit
