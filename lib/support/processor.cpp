#include "support/processor.h"

#include <array>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

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

}  // namespace

Processor parse_cpuinfo(const std::string& cpuinfo) {
  const std::string flags = value_of(cpuinfo, "flags");
  std::istringstream words(flags.empty() ? value_of(cpuinfo, "Features") : flags);
  std::set<std::string> present;
  for (std::string word; words >> word;) {
    present.insert(word);
  }
  Processor processor{value_of(cpuinfo, "model name"), {}};
  for (const char* feature : kFeatures) {
    if (present.contains(feature)) {
      processor.features.emplace_back(feature);
    }
  }
  return processor;
}

Processor describe_processor() {
  std::ifstream file("/proc/cpuinfo");
  return parse_cpuinfo({std::istreambuf_iterator<char>(file), {}});
}

}  // namespace bertjit
