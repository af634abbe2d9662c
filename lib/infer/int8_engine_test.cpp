#include "infer/int8_engine.h"

#include "support/processor.h"
#include "testing/error_of.h"
#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;

TEST_CASE(
    "int8 engine: one that there is none of is refused with those there are, and the choice ends with its scope") {
  CHECK_THAT(testing::error_of([] { Int8EngineGuard("tensorrt"); }).what(),
             Contains("--engine tensorrt: not known (known: x86"));
  const std::string before = int8_engine();
  {
    const Int8EngineGuard guard("qnnpack");
    CHECK(int8_engine() == "qnnpack");
  }
  CHECK(int8_engine() == before);
}

TEST_CASE("int8 engine: with nothing asked for it is oneDNN where the CPU has tiles, else libtorch's own") {
  const std::string before = int8_engine();
  const auto features = describe_processor().features;
  const bool has_tiles = std::count(features.begin(), features.end(), "amx_int8") > 0;
  const Int8EngineGuard guard("");
  CHECK(int8_engine() == (has_tiles ? "onednn" : before));
}

}  // namespace bertjit
