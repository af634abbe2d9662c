#include "record/trace_session.h"

#include <algorithm>
#include <cctype>

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/lower_tuples.h>

namespace bertjit {

namespace tracer = torch::jit::tracer;

namespace {

// tracer::setWarn takes a plain function pointer for the whole process, so the collector has to be reached from there.
std::mutex g_recording;
std::vector<std::string>* g_warnings = nullptr;

void collect_warning(const std::string& message) {
  if (g_warnings != nullptr && std::find(g_warnings->begin(), g_warnings->end(), message) == g_warnings->end()) {
    g_warnings->push_back(message);
  }
}

}  // namespace

WarningCollector::WarningCollector(std::vector<std::string>& warnings) : lock_(g_recording) {
  g_warnings = &warnings;
  tracer::setWarn(collect_warning);
}

WarningCollector::~WarningCollector() {
  g_warnings = nullptr;
}

void clean_graph(const std::shared_ptr<torch::jit::Graph>& graph) {
  torch::jit::EliminateDeadCode(graph);
  torch::jit::LowerSimpleTuples(graph);
}

torch::jit::Function& add_forward(const torch::jit::Module& module, const std::shared_ptr<torch::jit::Graph>& graph) {
  const auto type = module.type();
  torch::jit::Function* forward = type->compilation_unit()->create_function(
      c10::QualifiedName(*type->name(), "forward"), graph, /*shouldMangle=*/false);
  type->addMethod(forward);
  return *forward;
}

std::string qualified_function_name(const std::string& name) {
  const std::string prefix = "__torch__.";
  std::string result = name.starts_with(prefix) ? "" : prefix;
  for (const char c : name) {
    result += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' ? c : '_';
  }
  return result;
}

TracingPause::TracingPause() : resume_(tracer::pauseTracing()) {}

TracingPause::~TracingPause() {
  resume_();
}

}  // namespace bertjit
