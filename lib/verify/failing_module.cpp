#include "verify/failing_module.h"

#include <unordered_map>

#include "infer/guards.h"
#include "record/execution.h"
#include "record/interpreter.h"
#include "record/module_tree.h"

namespace bertjit {

namespace {

/// Runs a module and notes the innermost submodule that an error leaves.
class ErrorTracker : public Execution {
 public:
  explicit ErrorTracker(const torch::jit::Module& module) : Execution(InterpreterLimits().max_steps) {
    for (const auto& part : module.named_modules()) {
      paths_.emplace(part.value._ivalue().get(), part.name);
    }
  }

  const std::string& path() const {
    return path_;
  }

 protected:
  Slot call_method(const std::string& name, Slots arguments) override {
    const auto found = paths_.find(arguments.at(0).value.toObject().get());
    try {
      return Execution::call_method(name, std::move(arguments));
    } catch (...) {
      if (path_.empty() && found != paths_.end()) {
        path_ = found->second;
      }
      throw;
    }
  }

 private:
  std::unordered_map<const c10::ivalue::Object*, std::string> paths_;
  std::string path_;
};

}  // namespace

std::string failing_module(ModuleRunner& module, const BoundBatch& batch) {
  const GradGuard grad(GradMode::kOff);
  const BufferGuard buffers(module.module());
  ErrorTracker tracker(module.module());
  Slots arguments{{module.module()._ivalue()}};
  for (auto& value : batch.copy().values) {
    arguments.push_back({std::move(value)});
  }
  try {
    tracker.enter(module.module().get_method("forward").function(), std::move(arguments));
  } catch (const std::exception&) {
    return tracker.path();
  }
  return "";
}

}  // namespace bertjit
