#include "checkpoint/stored_dtype.h"

#include <map>

namespace bertjit {

namespace {

bool is_floating(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBFloat16 || dtype == DType::kFloat32 || dtype == DType::kFloat64;
}

/// Whether every value of `from` is one of `to`: neither 16-bit dtype holds the other.
bool holds(DType to, DType from) {
  return to == from || dtype_size(to) > dtype_size(from);
}

/// Floating dtypes of the file and how many tensors have each.
std::map<DType, size_t> count_dtypes(const TensorFile& weights) {
  std::map<DType, size_t> counts;
  for (const TensorView& tensor : weights.tensors) {
    if (is_floating(tensor.dtype)) {
      ++counts[tensor.dtype];
    }
  }
  return counts;
}

}  // namespace

DType stored_dtype(const TensorFile& weights) {
  const auto counts = count_dtypes(weights);
  if (counts.empty()) {
    return DType::kFloat32;
  }
  DType dtype = counts.begin()->first;
  for (const auto& [stored, count] : counts) {
    if (!holds(dtype, stored)) {
      dtype = holds(stored, dtype) ? stored : DType::kFloat32;
    }
  }
  return dtype;
}

std::string conversion_note(const TensorFile& weights, DType dtype) {
  const auto counts = count_dtypes(weights);
  if (counts.empty() || (counts.size() == 1 && counts.begin()->first == dtype)) {
    return "";
  }
  std::string text = "weights are ";
  bool exact = true;
  for (const auto& [stored, count] : counts) {
    text += stored == counts.begin()->first ? "" : " and ";
    text += dtype_name(stored);
    if (counts.size() > 1) {
      text += " (" + std::to_string(count) + ")";
    }
    exact = exact && holds(dtype, stored);
  }
  text += std::string(exact ? ", converted to " : ", rounded to ") + dtype_name(dtype);
  const DType kept = stored_dtype(weights);
  return kept == dtype ? text : text + "; --dtype " + dtype_name(kept) + " keeps them";
}

}  // namespace bertjit
