#include "script/python_operators.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <ATen/Dispatch.h>
#include <ATen/ScalarOps.h>
#include <torch/csrc/jit/runtime/custom_operator.h>
#include <torch/csrc/jit/runtime/operator.h>

namespace bertjit {

using torch::jit::pop;
using torch::jit::push;
using torch::jit::Stack;

namespace {

/// Characters of UTF-8 text: bytes that do not go on with one.
int64_t text_length(const std::string& text) {
  return std::ranges::count_if(text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; });
}

/// round(number, digits): by the shortest text that is the number, as Python does it, not by multiplication.
double round_digits(double number, int64_t digits) {
  if (!std::isfinite(number) || digits > 300) {
    return number;
  }
  if (digits >= 0) {
    char text[512];
    std::snprintf(text, sizeof text, "%.*f", static_cast<int>(digits), number);
    return std::strtod(text, nullptr);
  }
  const double scale = std::pow(10.0, static_cast<double>(-digits));
  return std::nearbyint(number / scale) * scale;
}

double float_info(c10::ScalarType type, const std::string& field) {
  double result = 0;
  const auto read = [&]<typename T>(T) {
    using Limits = std::numeric_limits<T>;
    result = field == "min" || field == "lowest"             ? static_cast<double>(Limits::lowest())
             : field == "max"                                ? static_cast<double>(Limits::max())
             : field == "eps"                                ? static_cast<double>(Limits::epsilon())
             : field == "tiny" || field == "smallest_normal" ? static_cast<double>(Limits::min())
             : field == "bits"                               ? 8.0 * sizeof(T)
                                                             : std::nan("");
  };
  TORCH_CHECK(c10::isFloatingType(type),
              "torch.finfo() requires a floating point input type. Use torch.iinfo to handle '", c10::toString(type),
              "'");
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, type, "finfo", [&] { read(scalar_t()); });
  TORCH_CHECK(!std::isnan(result), "torch.finfo has no attribute '", field, "'");
  return result;
}

int64_t integer_info(c10::ScalarType type, const std::string& field) {
  TORCH_CHECK(c10::isIntegralType(type, /*includeBool=*/false),
              "torch.iinfo() requires an integer input type. Use torch.finfo to handle '", c10::toString(type), "'");
  int64_t result = 0;
  AT_DISPATCH_INTEGRAL_TYPES(type, "iinfo", [&] {
    using Limits = std::numeric_limits<scalar_t>;
    TORCH_CHECK(field == "min" || field == "max" || field == "bits", "torch.iinfo has no attribute '", field, "'");
    result = field == "min"   ? static_cast<int64_t>(Limits::min())
             : field == "max" ? static_cast<int64_t>(Limits::max())
                              : static_cast<int64_t>(8 * sizeof(scalar_t));
  });
  return result;
}

/// n choose k, or in how many orders: n! / (n - k)!
int64_t ways(int64_t n, int64_t k, bool ordered) {
  TORCH_CHECK(n >= 0 && k >= 0, "must be a non-negative integer");
  k = ordered ? k : std::min(k, n - k);
  int64_t result = k < 0 || k > n ? 0 : 1;
  for (int64_t i = 0; i < k && result != 0; ++i) {
    TORCH_CHECK(!__builtin_mul_overflow(result, n - i, &result), "the number is beyond 64 bits");
    result = ordered ? result : result / (i + 1);
  }
  return result;
}

bool is_close(double a, double b, double relative, double absolute) {
  return a == b || (std::isfinite(a) && std::isfinite(b) &&
                    std::abs(a - b) <= std::max(relative * std::max(std::abs(a), std::abs(b)), absolute));
}

template <double (*function)(double)>
void of_one(Stack& stack) {
  const double x = pop(stack).toDouble();
  push(stack, function(x));
}

double log2_of(double x) {
  TORCH_CHECK(x > 0, "ValueError: math domain error");
  return std::log2(x);
}
double cbrt_of(double x) {
  return std::cbrt(x);
}
double exp2_of(double x) {
  return std::exp2(x);
}

void hypotenuse(Stack& stack) {
  double sum = 0;
  for (const double x : pop(stack).toDoubleVector()) {
    sum = std::hypot(sum, x);
  }
  push(stack, sum);
}

void wrapped(Stack& stack) {
  push(stack, at::native::wrapped_scalar_tensor(pop(stack).toScalar()));
}

int64_t power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  for (int64_t i = 0; i < exponent && result != 0 && base != 1; ++i) {
    TORCH_CHECK(!__builtin_mul_overflow(result, base, &result), "the number is beyond 64 bits");
    if (base == -1) {
      return exponent % 2 == 0 ? 1 : -1;
    }
  }
  return result;
}

template <typename Function>
torch::jit::Operator made(const char* schema, Function function) {
  return {schema, torch::jit::Operation(function), c10::AliasAnalysisKind::FROM_SCHEMA};
}

}  // namespace

void register_python_operators() {
  static const torch::jit::RegisterOperators kRegistered({
      made("bertjit::text_length(str text) -> int",
           [](Stack& stack) { push(stack, text_length(pop(stack).toStringRef())); }),
      made("bertjit::number(float number) -> Tensor", wrapped),
      made("bertjit::pow(int base, int exponent) -> int",
           [](Stack& stack) {
             const int64_t exponent = pop(stack).toInt();
             push(stack, power(pop(stack).toInt(), exponent));
           }),
      made("bertjit::round_digits(float number, int digits) -> float",
           [](Stack& stack) {
             const int64_t digits = pop(stack).toInt();
             push(stack, round_digits(pop(stack).toDouble(), digits));
           }),
      made("bertjit::finfo(int dtype, str field) -> float",
           [](Stack& stack) {
             const std::string field = pop(stack).toStringRef();
             push(stack, float_info(pop(stack).toScalarType(), field));
           }),
      made("bertjit::iinfo(int dtype, str field) -> int",
           [](Stack& stack) {
             const std::string field = pop(stack).toStringRef();
             push(stack, integer_info(pop(stack).toScalarType(), field));
           }),
      made("bertjit::log2(float x) -> float", of_one<log2_of>),
      made("bertjit::cbrt(float x) -> float", of_one<cbrt_of>),
      made("bertjit::exp2(float x) -> float", of_one<exp2_of>),
      made("bertjit::hypot(float[] coordinates) -> float", hypotenuse),
      made("bertjit::comb(int n, int k) -> int",
           [](Stack& stack) {
             const int64_t k = pop(stack).toInt();
             push(stack, ways(pop(stack).toInt(), k, false));
           }),
      made("bertjit::perm(int n, int k) -> int",
           [](Stack& stack) {
             const int64_t k = pop(stack).toInt();
             push(stack, ways(pop(stack).toInt(), k, true));
           }),
      made("bertjit::isclose(float a, float b, float rel_tol, float abs_tol) -> bool",
           [](Stack& stack) {
             const auto arguments = torch::jit::last(stack, 4).vec();
             torch::jit::drop(stack, 4);
             push(stack, is_close(arguments[0].toDouble(), arguments[1].toDouble(), arguments[2].toDouble(),
                                  arguments[3].toDouble()));
           }),
  });
}

}  // namespace bertjit
