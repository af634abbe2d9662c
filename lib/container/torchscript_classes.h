// The class headers in a TorchScript archive's code: which attributes of a module are parameters, which are buffers.
//
// torch/csrc/jit/serialization/python_print.cpp prints a module's class as "class Linear(Module):" followed by
// __parameters__ and __buffers__, lists of names in double quotes. Method bodies are not looked at.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace bertjit {

struct ScriptClass {
  bool is_module = false;
  std::set<std::string> parameters;
  std::set<std::string> buffers;
};

/// By qualified name, "__torch__.torch.nn.modules.linear.Linear".
using ScriptClasses = std::map<std::string, ScriptClass>;

/// "__torch__.a.b" for "code/__torch__/a/b.py".
std::string qualifier_of_record(std::string_view record_name);

/// Adds the classes of one record of code.
void read_class_headers(std::string_view qualifier, std::string_view text, ScriptClasses& classes);

}  // namespace bertjit
