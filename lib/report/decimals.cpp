#include "report/decimals.h"

#include <cmath>
#include <cstdio>

namespace bertjit {

std::string fixed(double value, int digits, bool with_sign) {
  if (std::isnan(value)) {
    return "nan";
  }
  char text[64];
  std::snprintf(text, sizeof text, with_sign ? "%+.*f" : "%.*f", digits, value);
  return text;
}

}  // namespace bertjit
