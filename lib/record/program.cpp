#include "record/program.h"

#include "support/error.h"

namespace bertjit {

Program module_program(const torch::jit::Module& module, const std::string& name) {
  const auto forward = module.find_method("forward");
  if (!forward) {
    throw Error(ErrorKind::kUnsupported, name + ": the module has no forward method");
  }
  Program program;
  program.name = name;
  program.self = module;
  program.function = &forward->function();
  program.unit = module._ivalue()->compilation_unit();
  return program;
}

}  // namespace bertjit
