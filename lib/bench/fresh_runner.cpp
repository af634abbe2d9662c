#include "bench/fresh_runner.h"

#include <exception>

#include <torch/csrc/jit/api/function_impl.h>

#include "infer/guards.h"

namespace bertjit {

FreshRunner::FreshRunner(ModuleRunner& module)
    : module_(module),
      executor_(torch::jit::toGraphFunction(module.module().get_method("forward").function()).optimized_graph(),
                "forward") {}

c10::IValue FreshRunner::run(const BoundBatch& batch, GradMode grad) {
  torch::jit::Stack stack = {module_.module()._ivalue()};
  stack.insert(stack.end(), batch.values.begin(), batch.values.end());
  try {
    const GradGuard guard(grad);
    executor_.run(stack);
  } catch (const std::exception&) {
    return module_.run(batch, grad);  // fails too, and says so in the words that all commands have for it
  }
  return stack.back();
}

}  // namespace bertjit
