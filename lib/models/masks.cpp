#include "models/masks.h"

#include <limits>

#include "models/sizes.h"

namespace bertjit {

namespace {

/// Ones and zeros to what is added to scores.
at::Tensor additive(const at::Tensor& mask, at::ScalarType dtype) {
  return at::rsub(mask.to(dtype), 1.0) * lowest_of(dtype);
}

}  // namespace

double lowest_of(at::ScalarType dtype) {
  return dtype == at::kHalf       ? -65504.0
         : dtype == at::kBFloat16 ? static_cast<double>(std::numeric_limits<at::BFloat16>::lowest())
         : dtype == at::kDouble   ? std::numeric_limits<double>::lowest()
                                  : static_cast<double>(std::numeric_limits<float>::lowest());
}

at::Tensor additive_mask(const at::Tensor& attention_mask, at::ScalarType dtype) {
  return additive(attention_mask.unsqueeze(1).unsqueeze(2), dtype);
}

at::Tensor causal_additive_mask(const at::Tensor& attention_mask, at::ScalarType dtype) {
  const at::Tensor positions = positions_of(attention_mask);
  const at::Tensor seen = positions.unsqueeze(0).le(positions.unsqueeze(1));  // [seq, seq]
  return additive(at::mul(attention_mask.unsqueeze(1).unsqueeze(2), seen), dtype);
}

}  // namespace bertjit
