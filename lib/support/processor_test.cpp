#include "support/processor.h"

#include "testing/testing.h"

namespace bertjit {

using Words = std::vector<std::string>;

// Lines of /proc/cpuinfo as the kernel writes them: x86 in arch/x86/kernel/cpu/proc.c ("flags\t\t:"), ARM in
// arch/arm64/kernel/cpuinfo.c ("Features\t:"), which has no line "model name".
TEST_CASE("processor: the first processor's name and what speeds matrices up, of x86 and of ARM") {
  const Processor x86 = parse_cpuinfo(
      "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz\n"
      "flags\t\t: fpu avx2 avx512f amx_bf16 avx512_vnni avx512_bf16 amx_int8\nbugs\t\t: spectre_v1\n\n"
      "processor\t: 1\nmodel name\t: another\nflags\t\t: avx_vnni\n");
  CHECK(x86.name == "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz");
  CHECK(x86.features == Words{"avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"});
  const Processor arm = parse_cpuinfo(
      "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd asimddp sve i8mm bf16\nCPU implementer\t: 0x41\n");
  CHECK(arm.name.empty());
  CHECK(arm.features == Words{"asimddp", "i8mm", "bf16", "sve"});
}

TEST_CASE("processor: a file without processors names none") {
  for (const char* text : {"", "\n", ": \n", "model name", "model name\t:\n", "flags\t\t:\n"}) {
    INFO(text);
    CHECK(parse_cpuinfo(text).name.empty());
    CHECK(parse_cpuinfo(text).features.empty());
  }
}

}  // namespace bertjit
