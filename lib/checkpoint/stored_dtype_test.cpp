#include "checkpoint/stored_dtype.h"

#include "container/pytorch_bin.h"
#include "container/safetensors.h"
#include "testing/testing.h"

namespace bertjit {

using testing::testdata;

namespace {

TensorFile stored(const std::vector<DType>& dtypes) {
  TensorFile file;
  for (const DType dtype : dtypes) {
    file.tensors.push_back({std::to_string(file.tensors.size()), dtype, {}, {}});
  }
  return file;
}

}  // namespace

TEST_CASE("stored dtype: what the files of testdata/stored hold, as their makers say") {
  CHECK(stored_dtype(read_safetensors(testdata("broken/intact/model.safetensors"))) == DType::kFloat32);
  CHECK(stored_dtype(read_safetensors(testdata("stored/float16/model.safetensors"))) == DType::kFloat16);
  CHECK(stored_dtype(read_safetensors(testdata("stored/float64/model.safetensors"))) == DType::kFloat64);
  CHECK(stored_dtype(read_safetensors(testdata("stored/mixed/model.safetensors"))) == DType::kFloat32);
  CHECK(stored_dtype(read_pytorch_bin(testdata("stored/bfloat16-old-bin/pytorch_model.bin"))) == DType::kBFloat16);
}

TEST_CASE("stored dtype: the one that holds every tensor exactly, integers aside") {
  using enum DType;
  CHECK(stored_dtype(stored({kFloat16, kInt64})) == kFloat16);
  // 65504 is no bfloat16, 1e38 is no float16 (IEEE 754 binary16).
  CHECK(stored_dtype(stored({kFloat16, kBFloat16})) == kFloat32);
  CHECK(stored_dtype(stored({kBFloat16, kFloat16, kFloat64})) == kFloat64);
  CHECK(stored_dtype(stored({kFloat64, kFloat32})) == kFloat64);
  CHECK(stored_dtype(stored({kInt64})) == kFloat32);
  CHECK(stored_dtype(stored({})) == kFloat32);
}

TEST_CASE("stored dtype: a conversion is said, with the flag that avoids it; none is not") {
  using enum DType;
  CHECK(conversion_note(stored({kFloat32, kInt64}), kFloat32).empty());
  CHECK(conversion_note(stored({kFloat16}), kFloat16).empty());
  CHECK(conversion_note(stored({}), kFloat32).empty());
  CHECK(conversion_note(stored({kFloat16}), kFloat32) ==
        "weights are float16, converted to float32; --dtype float16 keeps them");
  CHECK(conversion_note(stored({kFloat32}), kBFloat16) ==
        "weights are float32, rounded to bfloat16; --dtype float32 keeps them");
  CHECK(conversion_note(stored({kFloat64}), kFloat32) ==
        "weights are float64, rounded to float32; --dtype float64 keeps them");
  CHECK(conversion_note(stored({kBFloat16}), kFloat16) ==
        "weights are bfloat16, rounded to float16; --dtype bfloat16 keeps them");
  CHECK(conversion_note(stored({kFloat16, kFloat32, kFloat32}), kFloat32) ==
        "weights are float16 (1) and float32 (2), converted to float32");
  CHECK(conversion_note(stored({kFloat16, kFloat32}), kFloat16) ==
        "weights are float16 (1) and float32 (1), rounded to float16; --dtype float32 keeps them");
}

}  // namespace bertjit
