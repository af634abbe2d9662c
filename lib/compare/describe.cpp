#include "compare/describe.h"

#include <c10/core/ScalarType.h>

namespace bertjit {

std::string dtype_text(const at::Tensor& tensor) {
  return std::string(c10::getDtypeNames(tensor.scalar_type()).first);
}

std::string shape_text(const at::Tensor& tensor) {
  std::string text = "[";
  for (const int64_t size : tensor.sizes()) {
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  }
  return text + "]";
}

std::string non_finite_text(int64_t nans, int64_t infinities) {
  const std::string text = nans > 0 ? std::to_string(nans) + " NaN" : "";
  return infinities > 0 ? text + (text.empty() ? "" : " and ") + std::to_string(infinities) + " infinite" : text;
}

}  // namespace bertjit
