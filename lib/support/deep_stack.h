// Room for deep recursion.
//
// A program of 20,000 lines becomes a tree, a chain of values and a chain of gradients of that depth, and libtorch
// walks and frees these recursively: on the 8 MB of stack that a process begins with it crashes.
#pragma once

#include <functional>

namespace bertjit {

/// Runs `work` on a thread of its own with a stack of `size_bytes`, which takes memory only as far as it is used, and
/// waits for it. What it throws is thrown here. Where the system has no room for such a stack, runs it in place.
///
/// State of the thread (libtorch's gradient mode, number of OpenMP threads) begins anew.
void run_with_stack(size_t size_bytes, const std::function<void()>& work);

/// Bytes of the stack below the caller's frame that are left to the current thread.
size_t stack_left();

}  // namespace bertjit
