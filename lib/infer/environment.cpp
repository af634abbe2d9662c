#include "infer/environment.h"

#include <sys/utsname.h>

#include <utility>

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include "support/parallel.h"
#include "support/processor.h"

namespace bertjit {

namespace {

std::string machine() {
  utsname names{};
  return ::uname(&names) == 0 ? names.machine : "";
}

}  // namespace

Environment describe_environment() {
  Processor processor = describe_processor();
  return {TORCH_VERSION,
          processor.name.empty() ? machine() : processor.name,
          at::get_cpu_capability(),
          std::move(processor.features),
          count_threads(0),
          static_cast<int>(at::get_num_interop_threads()),
          at::get_parallel_info()};
}

void use_one_interop_thread() {
  if (at::get_num_interop_threads() == 1) {
    return;
  }
  try {
    at::set_num_interop_threads(1);
  } catch (const c10::Error&) {
    // Too late in this process.
  }
}

}  // namespace bertjit
