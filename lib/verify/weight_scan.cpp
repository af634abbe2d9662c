#include "verify/weight_scan.h"

#include <algorithm>
#include <cstdint>

#include <ATen/ATen.h>

namespace bertjit {

namespace {

/// A binary floating format by its masks. Loops over bits are plain integer arithmetic, which compilers vectorise: what
/// decides how long a model of some hundred megabytes takes.
template <class Bits>
struct Format {
  Bits exponent;  ///< all ones: infinity or NaN
  Bits sign;
  Bits least_normal;  ///< magnitude of the least number that is not denormal
};

template <class Bits>
class Scanner {
 public:
  Scanner(const at::Tensor& tensor, Format<Bits> format)
      : format_(format),
        data_(static_cast<const Bits*>(tensor.const_data_ptr())),
        elements_(tensor.numel()),
        columns_(tensor.dim() < 2 ? elements_ : elements_ / tensor.size(0)),
        is_matrix_(tensor.dim() > 1) {}

  WeightScan run() {
    std::vector<Bits> seen(is_matrix_ ? static_cast<size_t>(columns_) : 0);
    for (int64_t row = 0; row * columns_ < elements_; ++row) {
      scan_row(row);
      for (size_t j = 0; j < seen.size(); ++j) {
        seen[j] |= static_cast<Bits>(data_[row * columns_ + static_cast<int64_t>(j)] & ~format_.sign);
      }
    }
    scan_.elements = elements_;
    scan_.zero_columns = std::ranges::count(seen, Bits{0});
    scan_.is_zero = greatest_ == 0;
    scan_.varies = (all_ ^ common_) != 0;
    return scan_;
  }

  /// Whether the last `count` bits of every element are 0.
  bool has_short_fractions(int count) const {
    return (all_ & ((Bits{1} << count) - 1)) == 0;
  }
  Bits greatest() const {
    return greatest_;
  }

 private:
  void scan_row(int64_t row) {
    const Bits* begin = data_ + row * columns_;
    const auto magnitude_mask = static_cast<Bits>(~format_.sign);
    Bits greatest = 0;
    int64_t denormals = 0;
    for (int64_t j = 0; j < columns_; ++j) {
      const auto magnitude = static_cast<Bits>(begin[j] & magnitude_mask);
      greatest = std::max(greatest, magnitude);
      denormals += static_cast<Bits>(magnitude - 1) < static_cast<Bits>(format_.least_normal - 1) ? 1 : 0;
      all_ |= begin[j];
      common_ &= begin[j];
    }
    scan_.denormals += denormals;
    greatest_ = std::max(greatest_, greatest);
    if (greatest == 0 && is_matrix_) {
      scan_.zero_rows.push_back(row);
    }
    if (greatest >= format_.exponent) {
      count_non_finite(begin, row);
    }
  }

  void count_non_finite(const Bits* begin, int64_t row) {
    for (int64_t j = 0; j < columns_; ++j) {
      const auto magnitude = static_cast<Bits>(begin[j] & ~format_.sign);
      if (magnitude >= format_.exponent) {
        ++(magnitude == format_.exponent ? scan_.infinities : scan_.nans);
        if (scan_.first_non_finite < 0) {
          scan_.first_non_finite = is_matrix_ ? row : j;
        }
      }
    }
  }

  Format<Bits> format_;
  const Bits* data_;
  int64_t elements_, columns_;
  bool is_matrix_;
  Bits all_ = 0;
  Bits common_ = static_cast<Bits>(~Bits{0});
  Bits greatest_ = 0;
  WeightScan scan_;
};

}  // namespace

WeightScan scan_weight(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.detach().contiguous();
  if (dense.numel() == 0) {
    return {};
  }
  switch (dense.scalar_type()) {
    case at::kFloat: {
      Scanner<uint32_t> scanner(dense, {0x7f800000u, 0x80000000u, 0x00800000u});
      WeightScan scan = scanner.run();
      scan.fits_bfloat16 = scanner.has_short_fractions(16);
      // 65504 is float16's greatest.
      scan.fits_float16 = scanner.has_short_fractions(13) && scanner.greatest() <= 0x477fe000u;
      return scan;
    }
    case at::kHalf:
      return Scanner<uint16_t>(dense, {0x7c00, 0x8000, 0x0400}).run();
    case at::kBFloat16:
      return Scanner<uint16_t>(dense, {0x7f80, 0x8000, 0x0080}).run();
    case at::kDouble:
      return Scanner<uint64_t>(dense, {0x7ff0000000000000u, 0x8000000000000000u, 0x0010000000000000u}).run();
    default:
      return {.elements = dense.numel()};
  }
}

}  // namespace bertjit
