#include "conform/lite.h"

#include <torch/csrc/jit/mobile/module.h>
#include <torch/csrc/jit/serialization/export_bytecode.h>

#include "compare/named_outputs.h"
#include "infer/guards.h"
#include "infer/random_state.h"

namespace bertjit {

namespace {

Misfit fault(const std::string& why) {
  return {"interpreter", "forward", "", "", "", why};
}

/// The first line of what libtorch says.
std::string first_line(const std::string& message) {
  return message.substr(0, message.find('\n'));
}

}  // namespace

std::optional<Misfit> run_lite(const ConformSubject& subject) {
  const RandomStateGuard random;
  // The bytecode shares buffers with what it is made from, and a run may change them.
  ModuleRunner fresh = subject.module.fresh_copy();
  // Not the interpreter's fault where the module itself does not take the example.
  const c10::IValue expected = fresh.run_on_copy(subject.example, GradMode::kOff);
  random.state().restore();
  try {
    const GradGuard no_grad(GradMode::kOff);
    torch::jit::mobile::Module bytecode = torch::jit::jitModuleToMobile(subject.module.fresh_copy().module(), {});
    const c10::IValue actual = bytecode.forward(subject.example.copy().values);
    const OutputDifference difference =
        compare_named(expected, actual, subject.module.output_names(), subject.tolerance);
    if (!difference.matches) {
      return fault("answers otherwise as bytecode of the lite interpreter: " + difference.message);
    }
  } catch (const c10::Error& error) {
    return fault("does not run in the lite interpreter: " + first_line(error.what_without_backtrace()));
  } catch (const std::runtime_error& error) {
    return fault("does not run in the lite interpreter: " + first_line(error.what()));
  }
  return std::nullopt;
}

}  // namespace bertjit
