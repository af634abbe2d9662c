// How this process keeps memory between the tensors of one run and the next.
#pragma once

namespace bertjit {

/// Keeps freed memory for the tensors that come next, and asks for huge pages for large ones. For work that runs a
/// model again and again; for the rest of the process, or until malloc_trim() gives back what is free.
///
/// A run makes and drops the same tensors in the same order, some 6 MB each. glibc gives such memory back to the system
/// and takes it again, page by page, each of which the kernel clears. Kept, runs of an int8 MiniLM on 8 texts of 128
/// tokens took .9 of the time, and no more jumped by a third from one process to the next. Python does the same with
/// what docs/performance.md sets in the environment. Does nothing with another allocator than glibc's.
void keep_freed_memory();

}  // namespace bertjit
