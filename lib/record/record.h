// Recording a network or a TorchScript program into a TorchScript method with libtorch's own tracer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

#include "infer/grad_mode.h"
#include "models/model.h"
#include "record/finding.h"
#include "record/program.h"

namespace bertjit {

enum class Shapes {
  kDynamic,  ///< sizes are recorded: the trace takes every batch and length that the program allows
  kFixed,    ///< sizes are constants: the trace takes the example's batch and length, nothing else
};

struct RecordOptions {
  GradMode grad = GradMode::kOn;
  Shapes shapes = Shapes::kDynamic;
  /// Nodes the graph may have, constants included; a loop of many turns goes beyond. Error(kInvalidArgument) names the
  /// source line.
  size_t max_nodes = 20'000;
};

/// One recording: the module that can now run by itself, and what the program answered while it was recorded.
struct Recording {
  /// A tree with the program's parameters and `forward`; for a function, what torch.jit.save makes of one
  /// (`__torch__.PlaceholderModule`).
  torch::jit::Module module;
  /// For a function: the traced function that `forward` is, callable from other programs. Owned by `unit`.
  torch::jit::Function* function = nullptr;
  std::shared_ptr<torch::jit::CompilationUnit> unit;
  c10::IValue outputs;
  std::vector<std::string> warnings;  ///< libtorch's TracerWarnings, each once
  std::vector<Finding> findings;      ///< in the order of the program, each place once
};

/// Runs `model` once on `example` (its inputs in call order) under libtorch's tracer and adds the recorded graph to
/// model.module() as `forward`, hierarchical: one method for each submodule.
///
/// The argument names are those of description().inputs. A model can be recorded once; record a rebuilt copy to
/// compare. Not reentrant: one recording at a time in a process.
Recording record_model(const Model& model, const std::vector<at::Tensor>& example, const RecordOptions& options);

/// A module whose forward is `function`: what torch.jit.save makes of a function (`__torch__.PlaceholderModule`). Its
/// class is made in `unit`, which owns the function and what it calls and so lives as long as the module.
torch::jit::Module function_module(torch::jit::Function& function,
                                   const std::shared_ptr<torch::jit::CompilationUnit>& unit);

/// Runs `program` once on `example` (call order, without self) under libtorch's tracer: branches taken, loops turned,
/// calls entered with the scopes of the module tree, but for the program's whole parts, which are called.
///
/// The inputs are tensors, or tuples, lists and dicts of them; so are the outputs. Tensors of `example` may be changed
/// in place if the program does that: hand in copies. Every node carries the source line it comes from. The program
/// itself is left as it is and can be recorded again; each recording has a compilation unit of its own.
///
/// Throws Error(kInvalidArgument) with source location: for inputs or outputs of other types, a tensor that requires
/// grad and is neither input nor parameter (libtorch's "Cannot insert a Tensor that requires grad as a constant"), more
/// than max_nodes; and what interpret() throws.
Recording record_program(const Program& program, const torch::jit::Stack& example, const RecordOptions& options);

/// The lines that a node of a recording comes from, innermost first: its own, then those that called. After loading
/// from a file only the first is known.
std::vector<SourceLocation> source_stack(const torch::jit::Node& node);

}  // namespace bertjit
