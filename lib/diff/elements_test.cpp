#include "diff/elements.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "testing/testing.h"

using namespace bertjit;

namespace {

std::vector<double> read(const std::string& dtype, size_t size, const std::string& bytes,
                         const ScriptQuantization* quantization = nullptr, const std::vector<int64_t>& shape = {}) {
  std::vector<double> values(bytes.size() / size);
  make_element_reader(dtype, size, shape, quantization).read(std::as_bytes(std::span(bytes)), 0, values);
  return values;
}

}  // namespace

TEST_CASE("elements: every float16 and bfloat16 number is its own nearest one") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const std::string bytes{static_cast<char>(bits & 0xff), static_cast<char>(bits >> 8)};
    const auto half = static_cast<float>(read("float16", 2, bytes)[0]);
    const auto brain = static_cast<float>(read("bfloat16", 2, bytes)[0]);
    if (!(std::isnan(half) || std::bit_cast<uint32_t>(round_to_float16(half)) == std::bit_cast<uint32_t>(half)) ||
        !(std::isnan(brain) || std::bit_cast<uint32_t>(round_to_bfloat16(brain)) == std::bit_cast<uint32_t>(brain))) {
      FAIL("bits " << bits);
    }
  }
  CHECK(std::bit_cast<uint32_t>(static_cast<float>(read("bfloat16", 2, std::string("\x80\x3f", 2))[0])) == 0x3f800000);
}

// torch 2.13: torch.tensor(x).half().float(), torch.tensor(x).bfloat16().float()
TEST_CASE("elements: rounding is to the nearest, ties to even, as torch casts") {
  const float big = 65520.f;
  CHECK(round_to_float16(65519.f) == 65504.f);
  CHECK(std::isinf(round_to_float16(big)));
  CHECK(round_to_float16(-big) == -INFINITY);
  CHECK(round_to_float16(1.f + 0x1p-11f) == 1.f);
  CHECK(round_to_float16(1.f + 3 * 0x1p-11f) == 1.f + 0x1p-9f);
  CHECK(round_to_float16(0x1p-25f) == 0.f);
  CHECK(round_to_float16(3 * 0x1p-25f) == 0x1p-23f);
  CHECK(round_to_float16(0.1f) == 0.0999755859375f);
  CHECK(round_to_bfloat16(1.f + 0x1p-8f) == 1.f);
  CHECK(round_to_bfloat16(1.f + 3 * 0x1p-8f) == 1.f + 0x1p-6f);
  CHECK(round_to_bfloat16(0.1f) == 0.10009765625f);
  CHECK(std::isnan(round_to_float16(NAN)));
  CHECK(std::isnan(round_to_bfloat16(NAN)));
}

TEST_CASE("elements: integers, flags and quantized integers are read as the numbers they stand for") {
  CHECK(read("int8", 1, "\xff\x01") == std::vector<double>{-1, 1});
  CHECK(read("uint8", 1, "\xff\x01") == std::vector<double>{255, 1});
  CHECK(read("bool", 1, "\x02\x01") == std::vector<double>{1, 1});
  CHECK(read("int16", 2, "\xfe\xff") == std::vector<double>{-2});
  const ScriptQuantization tensor{"per_tensor_affine", {0.5}, {1}};
  CHECK(read("qint8", 1, "\xff\x03", &tensor, {2}) == std::vector<double>{-1, 1});
  const ScriptQuantization channel{"per_channel_affine", {0.5, 2}, {0, 1}, 0};
  CHECK(read("qint8", 1, "\x01\x02\x03\x04", &channel, {2, 2}) == std::vector<double>{0.5, 1, 4, 6});
  CHECK(element_kind("complex64") == ElementForm::kOpaque);
}

TEST_CASE("elements: a position is named by its index") {
  CHECK(index_at(0, {}).empty());
  CHECK(index_at(23, {2, 3, 4}) == std::vector<int64_t>{1, 2, 3});
}
