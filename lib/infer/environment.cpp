#include "infer/environment.h"

#include <sys/utsname.h>

#include <array>
#include <fstream>
#include <set>
#include <sstream>

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include "support/parallel.h"

namespace bertjit {

namespace {

/// oneDNN, MKL and FBGEMM choose int8, bfloat16 and float16 kernels by these.
constexpr std::array kFeatures = {"avx_vnni", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_int8",
                                  "amx_fp16", "asimddp",     "i8mm",        "bf16",        "sve",      "sve2"};

/// The value of the first "KEY : VALUE" line with that key.
std::string value_of(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon != std::string::npos && line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1) == key) {
      const size_t begin = line.find_first_not_of(" \t", colon + 1);
      return begin == std::string::npos ? "" : line.substr(begin);
    }
  }
  return "";
}

std::string machine() {
  utsname names{};
  return ::uname(&names) == 0 ? names.machine : "";
}

std::string read_cpuinfo() {
  std::ifstream file("/proc/cpuinfo");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

ProcessorWords parse_cpuinfo(const std::string& cpuinfo) {
  const std::string flags = value_of(cpuinfo, "flags");
  std::istringstream words(flags.empty() ? value_of(cpuinfo, "Features") : flags);
  std::set<std::string> present;
  for (std::string word; words >> word;) {
    present.insert(word);
  }
  ProcessorWords processor{value_of(cpuinfo, "model name"), {}};
  for (const char* feature : kFeatures) {
    if (present.contains(feature)) {
      processor.features.emplace_back(feature);
    }
  }
  return processor;
}

Environment describe_environment() {
  ProcessorWords processor = parse_cpuinfo(read_cpuinfo());
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
