// What a run of a graph did, in plain data: every operator, where it stood, and which earlier ones gave it its inputs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/csrc/jit/ir/ir.h>

#include "record/slot.h"

namespace bertjit {

/// One operator that ran. Steps count from 1 in the order of execution, which is the same in every run on one input.
struct Step {
  struct Constant {
    std::string name;  ///< of the operator's argument
    std::string text;  ///< its value, as Python writes it
    bool is_default;
  };
  std::string op;                    ///< "aten::gelu"
  std::string module;                ///< path of the module whose code it stands in
  std::vector<int64_t> inputs;       ///< for each argument the step that made it; 0: an input of the model, or constant
  std::vector<std::string> weights;  ///< for each argument the weight it is; empty for others
  std::vector<Constant> constants;   ///< arguments that are numbers and words
  const torch::jit::Node* node = nullptr;
};

struct Tape {
  std::vector<Step> steps;      ///< of step n at n - 1
  std::vector<int64_t> leaves;  ///< for each output, counted flat, the step that made it; 0 where that is not known

  const Step& at(int64_t id) const {
    return steps[static_cast<size_t>(id - 1)];
  }
  /// The step that gave `id` its numbers: dropout that does nothing, copies and the like are passed over.
  int64_t origin(int64_t id) const;
};

/// "gelu" for "aten::gelu", "add" for "aten::add_", "linear" for all that multiply with a weight.
std::string step_family(const Step& step);
/// Whether a step only rearranges numbers, counts them, or puts values into containers.
bool is_plumbing(const Step& step);
/// "aten::gelu(approximate='tanh')": with the arguments in which it differs from `other`, or, if that does something
/// else or is absent, those that are no defaults.
std::string step_text(const Step& step, const Step* other);
bool same_constants(const Step& a, const Step& b);

/// The constants among an operator's inputs.
std::vector<Step::Constant> step_constants(const torch::jit::Node& node, const Slots& inputs);

}  // namespace bertjit
