#include "infer/environment.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;

TEST_CASE("environment: says what libtorch says of itself") {
  use_one_interop_thread();
  const Environment environment = describe_environment();
  CHECK(environment.cpu_capability == at::get_cpu_capability());
  CHECK(environment.interop_threads == static_cast<int>(at::get_num_interop_threads()));
  CHECK(environment.cores >= 1);
  CHECK_FALSE(environment.cpu.empty());
  CHECK_THAT(environment.parallel_info, Contains("at::get_num_threads()"));
}

}  // namespace bertjit
