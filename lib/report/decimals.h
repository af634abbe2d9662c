// Numbers with a fixed count of decimals, for tables and plots.
#pragma once

#include <string>

namespace bertjit {

/// 0.05678, 3 -> "0.057"; with a sign "+0.057"; "nan" for NaN.
std::string fixed(double value, int digits, bool with_sign = false);

}  // namespace bertjit
