// Expected texts were printed by torch 2.13.0 (CPU) with its default print options.
#include "report/tensor_text.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "support/error.h"
#include "testing/testing.h"

namespace bertjit {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

using Shape = std::vector<int64_t>;

template <class T>
PrintedTensor printed(DType dtype, const Shape& shape, const std::vector<T>& elements,
                      const std::string& grad_fn = "") {
  return {dtype, shape, std::as_bytes(std::span<const T>(elements)), grad_fn};
}

std::string floats(const Shape& shape, const std::vector<float>& elements, const std::string& grad_fn = "") {
  return tensor_text(printed(DType::kFloat32, shape, elements, grad_fn));
}

std::string floats(const std::vector<float>& elements) {
  return floats({static_cast<int64_t>(elements.size())}, elements);
}

std::string longs(const Shape& shape, const std::vector<int64_t>& elements) {
  return tensor_text(printed(DType::kInt64, shape, elements));
}

template <class T>
std::vector<T> counted(size_t count) {
  std::vector<T> elements(count);
  std::iota(elements.begin(), elements.end(), T{0});
  return elements;
}

TEST_CASE("tensor_text: a tensor without dimensions is its element") {
  CHECK(floats({}, {1.5f}) == "tensor(1.5000)");
  CHECK(longs({}, {7}) == "tensor(7)");
  CHECK(tensor_text(printed<uint8_t>(DType::kBool, {}, {1})) == "tensor(True)");
  CHECK(tensor_text(printed<double>(DType::kFloat64, {}, {0.1})) == "tensor(0.1000, dtype=torch.float64)");
}

TEST_CASE("tensor_text: whole floats end in a point, others have four digits") {
  CHECK(floats({1, 2, -3}) == "tensor([ 1.,  2., -3.])");
  CHECK(floats({0.1f, -2.25f}) == "tensor([ 0.1000, -2.2500])");
  CHECK(floats({-0.0f, 0.0f}) == "tensor([-0., 0.])");
}

TEST_CASE("tensor_text: a ratio above 1000, or a value above 1e8 or below 1e-4, makes it scientific") {
  CHECK(floats({0.5f, 500}) == "tensor([  0.5000, 500.0000])");
  CHECK(floats({0.5f, 501}) == "tensor([5.0000e-01, 5.0100e+02])");
  CHECK(floats({1, 20000}) == "tensor([1.0000e+00, 2.0000e+04])");
  CHECK(floats({1e8f}) == "tensor([100000000.])");
  CHECK(floats({100000008.f}) == "tensor([1.0000e+08])");
  CHECK(floats({1e-5f, 1}) == "tensor([1.0000e-05, 1.0000e+00])");
}

TEST_CASE("tensor_text: nan and inf are shown and do not choose the format") {
  CHECK(floats({kNan, kInf, -kInf, 1}) == "tensor([nan, inf, -inf, 1.])");
  CHECK(floats({-kNan, kInf}) == "tensor([nan, inf])");
  CHECK(floats({kNan, -kInf, 0.5f}) == "tensor([   nan,   -inf, 0.5000])");
  CHECK(floats({kNan, -kInf, 1e-7f}) == "tensor([       nan,       -inf, 1.0000e-07])");
}

TEST_CASE("tensor_text: dtypes that Python would not assume are named") {
  CHECK(tensor_text(printed<uint8_t>(DType::kBool, {2}, {1, 0})) == "tensor([ True, False])");
  CHECK(longs({2, 2}, {1, -20, 300, 4}) == "tensor([[  1, -20],\n        [300,   4]])");
  CHECK(longs({2}, {INT64_MIN, 0}) == "tensor([-9223372036854775808,                    0])");
  CHECK(tensor_text(printed<int32_t>(DType::kInt32, {2}, {1, 2})) == "tensor([1, 2], dtype=torch.int32)");
  CHECK(tensor_text(printed<uint16_t>(DType::kFloat16, {2}, {0x2e66, 0x7bff})) ==
        "tensor([9.9976e-02, 6.5504e+04], dtype=torch.float16)");
  CHECK(tensor_text(printed<uint16_t>(DType::kFloat16, {1}, {1})) == "tensor([5.9605e-08], dtype=torch.float16)");
  CHECK(tensor_text(printed<uint16_t>(DType::kBFloat16, {2}, {0x3dcd, 0x4040})) ==
        "tensor([0.1001, 3.0000], dtype=torch.bfloat16)");
}

TEST_CASE("tensor_text: an empty tensor says its size and dtype where [] does not") {
  CHECK(floats({0}, {}) == "tensor([])");
  CHECK(floats({0, 3}, {}) == "tensor([], size=(0, 3))");
  CHECK(longs({0}, {}) == "tensor([], dtype=torch.int64)");
  CHECK(tensor_text(printed<uint8_t>(DType::kBool, {2, 0}, {})) == "tensor([], size=(2, 0), dtype=torch.bool)");
}

TEST_CASE("tensor_text: rows wrap at 80 columns, blocks are set apart by empty lines") {
  CHECK(longs({25}, counted<int64_t>(25)) ==
        "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
        "        18, 19, 20, 21, 22, 23, 24])");
  CHECK(floats({2, 2, 2}, counted<float>(8)) ==
        "tensor([[[0., 1.],\n"
        "         [2., 3.]],\n"
        "\n"
        "        [[4., 5.],\n"
        "         [6., 7.]]])");
}

TEST_CASE("tensor_text: above 1000 elements only the edges are shown") {
  CHECK(longs({1001}, counted<int64_t>(1001)) == "tensor([   0,    1,    2,  ...,  998,  999, 1000])");
  CHECK(longs({1000}, counted<int64_t>(1000)).find("...") == std::string::npos);
  std::vector<float> hidden = counted<float>(24 * 768);
  for (float& value : hidden) {
    value = value / 1000 - 3;
  }
  CHECK(floats({1, 24, 768}, hidden) ==
        "tensor([[[-3.0000, -2.9990, -2.9980,  ..., -2.2350, -2.2340, -2.2330],\n"
        "         [-2.2320, -2.2310, -2.2300,  ..., -1.4670, -1.4660, -1.4650],\n"
        "         [-1.4640, -1.4630, -1.4620,  ..., -0.6990, -0.6980, -0.6970],\n"
        "         ...,\n"
        "         [13.1280, 13.1290, 13.1300,  ..., 13.8930, 13.8940, 13.8950],\n"
        "         [13.8960, 13.8970, 13.8980,  ..., 14.6610, 14.6620, 14.6630],\n"
        "         [14.6640, 14.6650, 14.6660,  ..., 15.4290, 15.4300, 15.4310]]])");
}

TEST_CASE("tensor_text: elements that are not shown do not choose the format") {
  std::vector<float> elements(1001, 1);
  elements[500] = 1e-9f;
  CHECK(floats({1001}, elements) == "tensor([1., 1., 1.,  ..., 1., 1., 1.])");
}

TEST_CASE("tensor_text: grad_fn stands before requires_grad and wraps when the line is full") {
  PrintedTensor leaf = printed<float>(DType::kFloat32, {2}, {});
  const std::vector<float> ones = {1, 1};
  leaf.bytes = std::as_bytes(std::span(ones));
  leaf.requires_grad = true;
  CHECK(tensor_text(leaf) == "tensor([1., 1.], requires_grad=True)");
  leaf.grad_fn = "MulBackward0";
  CHECK(tensor_text(leaf) == "tensor([1., 1.], grad_fn=<MulBackward0>)");
  CHECK(floats({1, 4}, {-1.2649f, -0.6325f, 0.6325f, 1.2649f}, "NativeLayerNormBackward0") ==
        "tensor([[-1.2649, -0.6325,  0.6325,  1.2649]],\n"
        "       grad_fn=<NativeLayerNormBackward0>)");
  CHECK(
      tensor_text(printed<double>(DType::kFloat64, {6}, {1, 1.1536, 1.3307, 1.5351, 1.7708, 2.0427}, "ExpBackward0")) ==
      "tensor([1.0000, 1.1536, 1.3307, 1.5351, 1.7708, 2.0427], dtype=torch.float64,\n"
      "       grad_fn=<ExpBackward0>)");
}

TEST_CASE("tensor_text: bytes that do not fill the shape are refused") {
  CHECK_THROWS_AS(floats({3}, {1, 2}), Error);
  CHECK_THROWS_AS(floats({-1, -2}, {1, 2}), Error);
  CHECK_THROWS_AS(floats({INT64_MAX, 4}, {1, 2}), Error);
}

TEST_CASE("value_text: tuples, lists and dicts are written as Python's repr, tensors inside keep their indent") {
  const std::vector<float> one = {1};
  const std::vector<float> zeros(4, 0);
  const PrintedValue first{printed(DType::kFloat32, {1}, one)};
  const PrintedValue second{printed(DType::kFloat32, {2, 2}, zeros)};
  const PrintedValue none{std::string("None")};
  CHECK(value_text({PrintedTuple{{first, none, {PrintedTuple{{second}}}}}}) ==
        "(tensor([1.]), None, (tensor([[0., 0.],\n        [0., 0.]]),))");
  CHECK(value_text({PrintedList{{first, {PrintedDict{{{"'logits'", first}}}}}}}) ==
        "[tensor([1.]), {'logits': tensor([1.])}]");
  CHECK(value_text({PrintedTuple{}}) == "()");
}

}  // namespace
}  // namespace bertjit
