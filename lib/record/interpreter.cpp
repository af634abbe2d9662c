#include "record/interpreter.h"

#include "record/arguments.h"
#include "record/execution.h"

namespace bertjit {

c10::IValue interpret(const Program& program, torch::jit::Stack inputs, const InterpreterLimits& limits) {
  Slots slots;
  for (auto& value : call_arguments(program, inputs)) {
    slots.push_back({std::move(value)});
  }
  inputs.clear();
  Execution execution(limits.max_steps);
  return execution.enter(*program.function, std::move(slots)).value;
}

}  // namespace bertjit
