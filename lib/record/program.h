// What the interpreter runs and the recorder records: a compiled TorchScript function, or a method of a module.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include <torch/csrc/jit/api/module.h>

namespace bertjit {

struct Program {
  std::string name;  ///< "loop_in_traced_fn", "MyCell"; stands in messages
  /// The module whose `function` is a method, its first argument; absent for a function.
  std::optional<torch::jit::Module> self;
  torch::jit::Function* function = nullptr;
  /// Owns `function` and what it calls, where `self` does not.
  std::shared_ptr<torch::jit::CompilationUnit> unit;
  /// Arguments that are not inputs, by position (self not counted): their value is part of the program, as that of an
  /// argument which a traced Python function leaves to its default.
  std::map<size_t, c10::IValue> fixed;
  /// Functions and methods that were compiled or traced on purpose: a recording calls them as a whole and keeps their
  /// control flow. All others are recorded through.
  std::unordered_set<const torch::jit::Function*> whole;
  /// Of whole methods: the types of the modules they belong to. Such a submodule is taken over as it is, methods too.
  std::unordered_set<const c10::ClassType*> whole_types;
};

/// The program that is `module`'s forward: everything is recorded through. Throws Error(kUnsupported) naming `name` if
/// there is no forward.
Program module_program(const torch::jit::Module& module, const std::string& name);

}  // namespace bertjit
