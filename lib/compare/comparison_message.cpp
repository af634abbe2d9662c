#include "compare/comparison_message.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace bertjit {
namespace {

std::string shortest(double value, std::chars_format format) {
  char text[400];
  return {text, std::to_chars(text, text + sizeof text, value, format).ptr};
}

std::string index_text(const std::vector<int64_t>& index) {
  std::string text = "(";
  for (size_t dim = 0; dim < index.size(); ++dim) {
    text += (dim ? ", " : "") + std::to_string(index[dim]);
  }
  return text + (index.size() == 1 ? ",)" : ")");
}

std::string element_text(double element, ElementKind kind) {
  switch (kind) {
    case ElementKind::kBool:
      return element != 0 ? "True" : "False";
    case ElementKind::kInteger:
      return shortest(element, std::chars_format::fixed);
    case ElementKind::kFloat:
      break;
  }
  return python_float(element);
}

std::string allowed_text(const ElementStatistics& statistics, double tolerance) {
  const bool exact = statistics.rtol == 0 && statistics.atol == 0;
  return exact ? "" : " (up to " + python_float(tolerance) + " allowed)";
}

std::string abs_error_text(double error, ElementKind kind) {
  return element_text(error, kind == ElementKind::kBool ? ElementKind::kInteger : kind);
}

std::string scalar_body(const ElementStatistics& statistics, ElementKind kind) {
  const GreatestError& abs_error = statistics.mismatched_abs_error;
  return "Expected " + element_text(abs_error.expected, kind) + " but got " + element_text(abs_error.actual, kind) +
         ".\nAbsolute difference: " + abs_error_text(abs_error.error, kind) +
         allowed_text(statistics, statistics.atol) +
         "\nRelative difference: " + python_float(statistics.mismatched_rel_error.error) +
         allowed_text(statistics, statistics.rtol);
}

std::string tensor_body(const ElementStatistics& statistics, const std::vector<int64_t>& shape, ElementKind kind) {
  char percent[32];
  std::snprintf(percent, sizeof percent, "%.1f%%",
                100 * (static_cast<double>(statistics.mismatched) / static_cast<double>(statistics.elements)));
  const GreatestError& abs_error = statistics.mismatched_abs_error;
  const GreatestError& rel_error = statistics.mismatched_rel_error;
  return "Mismatched elements: " + std::to_string(statistics.mismatched) + " / " + std::to_string(statistics.elements) +
         " (" + percent + ")\nGreatest absolute difference: " + abs_error_text(abs_error.error, kind) + " at index " +
         index_text(unravel_index(abs_error.position, shape)) + allowed_text(statistics, statistics.atol) +
         "\nGreatest relative difference: " + python_float(rel_error.error) + " at index " +
         index_text(unravel_index(rel_error.position, shape)) + allowed_text(statistics, statistics.rtol);
}

std::string non_finite_line(const ElementStatistics& statistics) {
  const int64_t expected = statistics.expected_nans + statistics.expected_infs;
  const int64_t actual = statistics.actual_nans + statistics.actual_infs;
  if (expected + actual == 0) {
    return "";
  }
  return "\nNon-finite elements: " + std::to_string(expected) + " expected, " + std::to_string(actual) + " actual (" +
         (statistics.equal_nan ? "they match their like" : "equal infinities match, NaN only with --equal-nan") + ")";
}

}  // namespace

std::string python_float(double value) {
  if (!std::isfinite(value)) {
    return std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
  }
  const double magnitude = std::fabs(value);
  if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    return shortest(value, std::chars_format::scientific);
  }
  const std::string text = shortest(value, std::chars_format::fixed);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

std::vector<int64_t> unravel_index(int64_t position, const std::vector<int64_t>& shape) {
  std::vector<int64_t> index(shape.size());
  for (size_t dim = shape.size(); dim-- > 0; position /= shape[dim]) {
    index[dim] = position % shape[dim];
  }
  return index;
}

std::string attribute_message(const std::string& attribute, const std::string& expected, const std::string& actual) {
  return "The values for attribute '" + attribute + "' do not match: " + actual + " != " + expected + ".";
}

std::string values_message(const ElementStatistics& statistics, const std::vector<int64_t>& shape, ElementKind kind) {
  const bool exact = statistics.rtol == 0 && statistics.atol == 0;
  return std::string(shape.empty() ? "Scalars" : "Tensor-likes") + " are not " + (exact ? "equal" : "close") + "!\n\n" +
         (shape.empty() ? scalar_body(statistics, kind) : tensor_body(statistics, shape, kind)) +
         non_finite_line(statistics);
}

std::string noise_message(double sqnr_db, double min_sqnr_db) {
  return "Tensor-likes are not close!\n\nSignal to noise ratio: " + python_float(sqnr_db) + " dB (at least " +
         python_float(min_sqnr_db) + " dB expected)";
}

}  // namespace bertjit
