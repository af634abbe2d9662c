// Any bytes through the whole of `bertjit scan`.
#include "scan/scan.h"

#include "fuzz/fuzz.h"

using namespace bertjit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto path = fuzz::write_scratch("input", fuzz::as_text(data, size));
  const ScanResult result = scan_file(path.string(), {.threads = 1});
  fuzz::require((result.verdict == ScanVerdict::kSafe) == result.findings.empty(), "safe means that nothing was found");
  fuzz::require(result.findings.size() <= result.finding_count, "all findings are counted");
  return 0;
}
