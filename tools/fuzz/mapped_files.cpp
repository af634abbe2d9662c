// Files that are "mapped" into memory of the heap.
//
// A mapping ends with a page, so reading a few bytes beyond the file's end goes unnoticed in one. In the heap each file
// has its exact size, and AddressSanitizer sees what reads beyond. The linker sends the program's own calls here
// (--wrap); those of the sanitizers and of shared libraries go to the system.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <set>

extern "C" {
void* __real_mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void* address, size_t size);
int __real_madvise(void* address, size_t size, int advice);

void* __wrap_mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void* address, size_t size);
int __wrap_madvise(void* address, size_t size, int advice);
}

namespace {

std::set<void*>& copies() {
  static std::set<void*> instance;
  return instance;
}

}  // namespace

void* __wrap_mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset) {
  if (fd < 0 || protection != PROT_READ) {
    return __real_mmap(address, size, protection, flags, fd, offset);
  }
  auto* copy = static_cast<char*>(std::malloc(size));
  for (size_t done = 0; done < size;) {
    const ssize_t got = ::pread(fd, copy + done, size - done, offset + static_cast<off_t>(done));
    if (got <= 0) {
      std::free(copy);
      return MAP_FAILED;
    }
    done += static_cast<size_t>(got);
  }
  copies().insert(copy);
  return copy;
}

int __wrap_munmap(void* address, size_t size) {
  if (copies().erase(address) == 0) {
    return __real_munmap(address, size);
  }
  std::free(address);
  return 0;
}

/// Giving back memory of the heap would lose what is in it.
int __wrap_madvise(void* address, size_t size, int advice) {
  return advice == MADV_DONTNEED ? 0 : __real_madvise(address, size, advice);
}
