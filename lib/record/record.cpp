#include "record/record.h"

#include <torch/csrc/jit/frontend/tracer.h>

#include "infer/guards.h"
#include "models/sizes.h"
#include "record/trace_session.h"

namespace bertjit {

namespace tracer = torch::jit::tracer;

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
  clean_graph(state->graph);
  add_forward(recording.module, state->graph);
  recording.outputs = outputs.at(0);
  return recording;
}

}  // namespace bertjit
