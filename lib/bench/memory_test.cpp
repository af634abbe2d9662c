#include "bench/memory.h"

#include <cstring>
#include <sstream>
#include <vector>

#include "testing/testing.h"

namespace bertjit {

namespace {

/// Touched, so that they are resident.
std::vector<char> megabytes(size_t count) {
  return std::vector<char>(count << 20, 'x');
}

constexpr double kMegabyte = 1 << 20;

}  // namespace

// The form is the kernel's: Documentation/filesystems/proc.rst, "smaps".
TEST_CASE("bench: memory is told apart into programs with their constants, and all else") {
  std::istringstream smaps(
      "00400000-0048a000 r--p 00000000 fd:03 960637       /usr/bin/a program\n"
      "Size:                552 kB\nRss:                 100 kB\nPss:                  50 kB\nVmFlags: rd mr\n"
      "0048a000-0049a000 r-xp 0008a000 fd:03 960637       /usr/bin/a program\nRss:                 200 kB\n"
      "0148a000-0249a000 rw-p 00000000 00:00 0            [heap]\nRss:                1000 kB\n"
      "7f000000-7f100000 rw-p 00000000 00:00 0 \nRss:                2000 kB\n"
      "7f200000-7f300000 r--p 00000000 fd:03 77           /models/model.safetensors\nRss:                4000 kB\n"
      "7ffd0000-7ffe0000 r-xp 00000000 00:00 0            [vdso]\nRss:                   8 kB\n");
  const ResidentSet set = parse_smaps(smaps);
  CHECK(set.code == 300 << 10);
  CHECK(set.data == 7008 << 10);
  std::istringstream nothing("");
  CHECK(parse_smaps(nothing).data == 0);
}

TEST_CASE("bench: what a model keeps counts to it from then on, what it frees to its peak alone") {
  if (!resident_set() || !reset_peak()) {
    SUCCEED("skipped: this system does not say how large the resident set was");
    return;
  }
  ModelMemory memory;
  memory.begin();
  const std::vector<char> kept = megabytes(24);
  const auto first = memory.most();
  memory.end();
  REQUIRE(first.has_value());
  CHECK(static_cast<double>(*first) == Approx(24 * kMegabyte).margin(4 * kMegabyte));
  CHECK(static_cast<double>(*memory.held()) == Approx(24 * kMegabyte).margin(4 * kMegabyte));

  const std::vector<char> of_another = megabytes(16);  // between the two: none of its business
  memory.begin();
  megabytes(40);
  const auto second = memory.most();
  memory.end();
  CHECK(static_cast<double>(*second) == Approx(64 * kMegabyte).margin(6 * kMegabyte));
  CHECK(static_cast<double>(*memory.held()) == Approx(24 * kMegabyte).margin(6 * kMegabyte));
  CHECK(kept.size() + of_another.size() == 40 << 20);
}

}  // namespace bertjit
