#include "infer/allocator.h"

#include <cstdlib>  // says which library it is

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "testing/testing.h"

namespace bertjit {

#ifdef __GLIBC__
// What glibc says of itself (::mallinfo2): mapped apart, a block would go back to the system when it is freed.
TEST_CASE("infer: freed memory of a large tensor's size is kept, not mapped anew for each") {
  if (::mallinfo2().arena == 0) {
    WARN("skipped: another allocator than glibc's, a sanitizer's");
    return;
  }
  constexpr size_t kBytes = 20u << 20;
  keep_freed_memory();
  const size_t mapped = ::mallinfo2().hblkhd;
  void* block = ::malloc(kBytes);
  CHECK(block != nullptr);
  CHECK(::mallinfo2().hblkhd == mapped);
  ::free(block);
  CHECK(::mallinfo2().fordblks >= kBytes);
}
#endif

}  // namespace bertjit
