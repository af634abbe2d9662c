// The same work for each of many items, on several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace bertjit {

/// `asked`, or for 0 as many as this process may use cores; at least 1.
int count_threads(int asked);

/// Calls `work(0)` to `work(count - 1)`, each once, from up to `threads` threads; returns when all are done. Items are
/// begun in order. Throws what the first of those that threw, by index, threw; none is begun after it threw.
void for_each_index(size_t count, int threads, const std::function<void(size_t)>& work);

}  // namespace bertjit
