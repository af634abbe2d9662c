// One run under libtorch's tracer: what both kinds of recording share.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

namespace bertjit {

/// Collects libtorch's TracerWarnings, each once, until the end of the scope. The tracer reports to one function of the
/// whole process, so this holds a lock: one recording at a time.
class WarningCollector {
 public:
  explicit WarningCollector(std::vector<std::string>& warnings);
  ~WarningCollector();
  WarningCollector(const WarningCollector&) = delete;
  WarningCollector& operator=(const WarningCollector&) = delete;

 private:
  std::lock_guard<std::mutex> lock_;
};

/// What torch.jit.trace does to a finished graph.
void clean_graph(const std::shared_ptr<torch::jit::Graph>& graph);

/// Makes `graph`, whose first input is self, the forward of `module`.
torch::jit::Function& add_forward(const torch::jit::Module& module, const std::shared_ptr<torch::jit::Graph>& graph);

/// "__torch__.inner", as Python names a function that is compiled or traced; a name that has its prefix keeps it.
std::string qualified_function_name(const std::string& name);

/// No tracing on this thread until the end of the scope.
class TracingPause {
 public:
  TracingPause();
  ~TracingPause();
  TracingPause(const TracingPause&) = delete;
  TracingPause& operator=(const TracingPause&) = delete;

 private:
  std::function<void()> resume_;
};

}  // namespace bertjit
