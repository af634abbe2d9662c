#include "record/record.h"

#include <algorithm>
#include <mutex>

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/lower_tuples.h>

#include "infer/guards.h"
#include "models/sizes.h"

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

class WarningCollector {
 public:
  explicit WarningCollector(std::vector<std::string>& warnings) : lock_(g_recording) {
    g_warnings = &warnings;
    tracer::setWarn(collect_warning);
  }
  ~WarningCollector() {
    g_warnings = nullptr;
  }
  WarningCollector(const WarningCollector&) = delete;
  WarningCollector& operator=(const WarningCollector&) = delete;

 private:
  std::lock_guard<std::mutex> lock_;
};

}  // namespace

Recording record_model(const Model& model, const std::vector<at::Tensor>& example, const RecordOptions& options) {
  Recording recording{.module = model.module()};
  const WarningCollector collector(recording.warnings);
  const GradGuard guard(options.grad);
  const SizeRecording sizes(options.shapes == Shapes::kDynamic);

  std::vector<std::string> names;
  for (const auto& input : model.description().inputs) {
    names.push_back(input.name);
  }
  const auto run = [&](torch::jit::Stack inputs) -> torch::jit::Stack {
    std::vector<at::Tensor> tensors;
    for (const auto& input : inputs) {
      tensors.push_back(input.toTensor());
    }
    return {model.forward(tensors)};
  };
  auto [state, outputs] = tracer::trace(
      torch::jit::Stack(example.begin(), example.end()), run, [](const at::Tensor&) { return ""; },
      /*strict=*/true, /*force_outplace=*/false, &recording.module, names);
  // What torch.jit.trace does to a finished graph.
  torch::jit::EliminateDeadCode(state->graph);
  torch::jit::LowerSimpleTuples(state->graph);

  const auto type = recording.module.type();
  torch::jit::Function* forward = type->compilation_unit()->create_function(
      c10::QualifiedName(*type->name(), "forward"), state->graph, /*shouldMangle=*/false);
  type->addMethod(forward);
  recording.outputs = outputs.at(0);
  return recording;
}

}  // namespace bertjit
