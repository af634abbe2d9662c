// torch.testing.assert_close's words, so that a failure can be searched and reads as it does in Python.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compare/element_statistics.h"

namespace bertjit {

/// A float as Python's repr writes it: "1e-05", "0.1", "2.0", "nan".
std::string python_float(double value);

/// The place of the element at `position` in row-major order of `shape`.
std::vector<int64_t> unravel_index(int64_t position, const std::vector<int64_t>& shape);

/// "The values for attribute 'shape' do not match: torch.Size([2]) != torch.Size([3])."; actual stands first.
std::string attribute_message(const std::string& attribute, const std::string& expected, const std::string& actual);

enum class ElementKind { kFloat, kInteger, kBool };

/// "Tensor-likes are not close!" with counts and greatest errors, or "Scalars are not close!" for an empty shape. Where
/// an element is not finite, one line of our own says that such elements do not match.
std::string values_message(const ElementStatistics& statistics, const std::vector<int64_t>& shape, ElementKind kind);

/// The same where the signal to noise ratio decides.
std::string noise_message(double sqnr_db, double min_sqnr_db);

}  // namespace bertjit
