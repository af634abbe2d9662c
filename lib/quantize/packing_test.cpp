#include "quantize/packing.h"

#include "testing/error_of.h"
#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;

namespace {

at::Tensor some_weight() {
  return (at::arange(48, at::kFloat).reshape({6, 8}) * 0.7).sin();
}

/// Half a step of each element's own scale, and what float32 adds to it.
bool within_half_a_step(const at::Tensor& quantized, const at::Tensor& weight, const at::Tensor& scales) {
  return ((quantized.dequantize() - weight).abs() <= scales * (0.5 + 1e-5)).all().item<bool>();
}

}  // namespace

// MinMaxObserver (torch 2.13): scale = max(|min|, |max|) / ((127 - -128) / 2), zero point 0.
TEST_CASE(
    "quantize: one scale for a weight is its greatest number over 127.5, and no number is off by more than half of "
    "it") {
  const at::Tensor weight = some_weight();
  const at::Tensor quantized = quantize_weight(weight, QuantizeScheme::kPerTensor);
  CHECK(quantized.q_scale() == Approx(weight.abs().max().item<double>() / 127.5).epsilon(1e-6));
  CHECK(quantized.q_zero_point() == 0);
  CHECK(within_half_a_step(quantized, weight, at::scalar_tensor(quantized.q_scale())));
}

TEST_CASE("quantize: a scale for each row is that row's own") {
  const at::Tensor weight = some_weight() * at::linspace(0.01, 10, 6).unsqueeze(1);
  for (const auto scheme : {QuantizeScheme::kPerChannel, QuantizeScheme::kPerToken}) {
    const at::Tensor quantized = quantize_weight(weight, scheme);
    const at::Tensor scales = quantized.q_per_channel_scales();
    CHECK(at::allclose(scales, weight.abs().amax(1).to(at::kDouble) / 127.5, 1e-6));
    CHECK(within_half_a_step(quantized, weight, scales.unsqueeze(1)));
  }
}

TEST_CASE("quantize: a table keeps every row within half a step, and rows of one number as they are") {
  at::Tensor table = some_weight() + 3;
  table[2].fill_(0.125);
  table[3].zero_();
  const at::Tensor quantized = quantize_table(table);
  CHECK(within_half_a_step(quantized, table, quantized.q_per_channel_scales().unsqueeze(1)));
  CHECK(at::equal(quantized.q_per_channel_zero_points().round(), quantized.q_per_channel_zero_points()));
  CHECK(at::equal(quantized.dequantize()[2], table[2]));
  CHECK(at::equal(quantized.dequantize()[3], table[3]));
}

TEST_CASE("quantize: a weight of zeros has a scale all the same") {
  for (const auto scheme : {QuantizeScheme::kPerTensor, QuantizeScheme::kPerChannel}) {
    CHECK(at::equal(quantize_weight(at::zeros({3, 4}), scheme).dequantize(), at::zeros({3, 4})));
  }
}

}  // namespace bertjit
