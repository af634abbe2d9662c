// Recording a network into a TorchScript method with libtorch's own tracer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

#include "infer/guards.h"
#include "models/model.h"

namespace bertjit {

/// One recording: the module that can now run by itself, and what the network answered while it was recorded.
struct Recording {
  torch::jit::Module module;
  c10::IValue outputs;
  std::vector<std::string> warnings;  ///< libtorch's TracerWarnings, each once
};

enum class Shapes {
  kDynamic,  ///< sizes are recorded: the trace takes every batch and length that the embeddings allow
  kFixed,    ///< sizes are constants: the trace takes the example's batch and length, nothing else
};

/// Runs `model` once on `example` (its inputs in call order) under libtorch's tracer and adds the recorded graph to
/// model.module() as `forward`, hierarchical: one method for each submodule.
///
/// The argument names are those of description().inputs. A model can be recorded once; record a rebuilt copy to
/// compare. Not reentrant: one recording at a time in a process.
Recording record_model(const Model& model, const std::vector<at::Tensor>& example, GradMode grad, Shapes shapes);

}  // namespace bertjit
