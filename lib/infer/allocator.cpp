#include "infer/allocator.h"

#include <cstdlib>
#include <limits>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace bertjit {

void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int kGreatestThreshold = 32 << 20;  // more is refused
  ::mallopt(M_MMAP_THRESHOLD, kGreatestThreshold);
  ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
#endif
  // libtorch asks once, when it makes its first tensor. What somebody has set stays.
  ::setenv("THP_MEM_ALLOC_ENABLE", "1", /*overwrite=*/0);
}

}  // namespace bertjit
