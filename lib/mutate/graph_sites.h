// Places in a module's code, and the few ways in which code is changed.
//
// Graphs are those of the methods as they lie in the file, one for each module, with calls between them: what is
// changed there is what is saved.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torch/csrc/jit/ir/ir.h>

#include "mutate/mutation_entry.h"

namespace bertjit {

/// One operator of one method.
struct Site {
  std::string module;  ///< path
  std::shared_ptr<torch::jit::Graph> graph;
  torch::jit::Node* node;
};

using SiteTest = std::function<bool(const torch::jit::Node&)>;

/// Every operator that `fits`, modules in order, operators as they are run.
std::vector<Site> find_sites(const torch::jit::Module& module, const SiteTest& fits);

/// The graph of the root's forward.
std::shared_ptr<torch::jit::Graph> forward_graph(const torch::jit::Module& module);

/// Whether the node is `name` of aten: "gelu".
bool is_operator(const torch::jit::Node& node, const char* name);

/// The number that an input is, by the operator's own name of it; nullopt if there is no such input or it is no
/// constant number.
std::optional<double> constant_number(const torch::jit::Node& node, const std::string& input);

/// The numbers that a list is, written in the code one by one or as one constant; nullopt if one of them is computed.
std::optional<std::vector<int64_t>> constant_sizes(const torch::jit::Value* list);

bool is_tensor(const torch::jit::Value* value);

/// Whether the value is what another module's method gave.
bool is_module_output(const torch::jit::Value* value);

/// Puts a constant in the place of an input.
void set_input(const Site& site, const std::string& input, const c10::IValue& constant);

/// Path of the module that a value is, from the graph's own: "layer.0" for getattr(self.layer, "0"); "" for self.
std::string receiver_path(const torch::jit::Value* value);

/// Path of the module that the site's method call goes to.
std::string called_module(const Site& site);

/// A new value from those there are, by operators of aten.
using ValueEdit = std::function<torch::jit::Value*(torch::jit::Graph&, torch::jit::Value*)>;

/// Whoever read the site's output reads the new value.
void edit_output(const Site& site, const ValueEdit& edit);

/// Whoever read an argument of `graph` reads the new value.
void edit_argument(torch::jit::Graph& graph, torch::jit::Value* argument, const ValueEdit& edit);

/// Takes the operator out: whoever read its output reads `instead`.
void replace_site(const Site& site, torch::jit::Value* instead);

/// aten's operator over values and constants, at the graph's insertion point.
torch::jit::Value* call(torch::jit::Graph& graph, const char* name,
                        const std::vector<torch::jit::NamedValue>& arguments);

/// A code mutation of one operator. `edit` returns what was done, in words; "" if it could not.
MutationEntry site_mutation(const char* name, const char* description, SiteTest fits,
                            std::function<std::string(const Site&, Workpiece&)> edit);

}  // namespace bertjit
