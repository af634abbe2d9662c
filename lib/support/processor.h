// The processor, as /proc/cpuinfo describes it.
#pragma once

#include <string>
#include <vector>

namespace bertjit {

struct Processor {
  std::string name;                   ///< empty if it has none
  std::vector<std::string> features;  ///< those that speed matrices up, as the kernel spells them, in a fixed order
};

/// `cpuinfo` is the text of that file, of x86 or ARM; its first processor counts.
Processor parse_cpuinfo(const std::string& cpuinfo);

/// This machine's; empty where there is no such file.
Processor describe_processor();

}  // namespace bertjit
