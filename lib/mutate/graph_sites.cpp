#include "mutate/graph_sites.h"

#include <algorithm>

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>

namespace bertjit {

namespace jit = torch::jit;

namespace {

c10::Symbol aten(const char* name) {
  return c10::Symbol::fromQualString(std::string("aten::") + name);
}

}  // namespace

std::shared_ptr<jit::Graph> forward_graph(const jit::Module& module) {
  return module.get_method("forward").graph();
}

std::vector<Site> find_sites(const jit::Module& module, const SiteTest& fits) {
  std::vector<Site> sites;
  for (const auto& item : module.named_modules()) {
    for (const auto& method : item.value.get_methods()) {
      const std::shared_ptr<jit::Graph> graph = method.graph();
      for (jit::Node* node : graph->nodes()) {
        if (fits(*node)) {
          sites.push_back({item.name, graph, node});
        }
      }
    }
  }
  return sites;
}

bool is_operator(const jit::Node& node, const char* name) {
  return node.kind() == aten(name);
}

std::optional<double> constant_number(const jit::Node& node, const std::string& input) {
  const c10::FunctionSchema* schema = node.maybeSchema();
  if (schema == nullptr || !schema->argumentIndexWithName(input)) {
    return std::nullopt;
  }
  const auto value = jit::toIValue(node.namedInput(input));
  return value && value->isScalar() ? std::optional(value->toScalar().toDouble()) : std::nullopt;
}

std::optional<std::vector<int64_t>> constant_sizes(const jit::Value* list) {
  if (const auto whole = jit::toIValue(list)) {
    return whole->isIntList() ? std::optional(whole->toIntVector()) : std::nullopt;
  }
  if (list->node()->kind() != c10::prim::ListConstruct) {
    return std::nullopt;
  }
  std::vector<int64_t> sizes;
  for (const jit::Value* item : list->node()->inputs()) {
    const auto number = jit::toIValue(item);
    if (!number || !number->isInt()) {
      return std::nullopt;
    }
    sizes.push_back(number->toInt());
  }
  return sizes;
}

bool is_tensor(const jit::Value* value) {
  return value->type()->isSubtypeOf(*c10::TensorType::get());
}

bool is_module_output(const jit::Value* value) {
  return value->node()->kind() == c10::prim::CallMethod;
}

void set_input(const Site& site, const std::string& input, const c10::IValue& constant) {
  const jit::WithInsertPoint guard(site.node);
  const auto index = site.node->schema().argumentIndexWithName(input);
  site.node->replaceInput(static_cast<size_t>(index.value()), site.graph->insertConstant(constant));
}

std::string receiver_path(const jit::Value* value) {
  if (value->node()->kind() != c10::prim::GetAttr) {
    return "";
  }
  const std::string before = receiver_path(value->node()->input(0));
  return (before.empty() ? "" : before + ".") + value->node()->s(c10::attr::name);
}

std::string called_module(const Site& site) {
  const std::string below = receiver_path(site.node->input(0));
  return site.module + (site.module.empty() || below.empty() ? "" : ".") + below;
}

void edit_output(const Site& site, const ValueEdit& edit) {
  const jit::WithInsertPoint guard(site.node->next());
  jit::Value* old_value = site.node->output();
  jit::Value* new_value = edit(*site.graph, old_value);
  old_value->replaceAllUsesAfterNodeWith(new_value->node(), new_value);
}

void edit_argument(jit::Graph& graph, jit::Value* argument, const ValueEdit& edit) {
  const jit::WithInsertPoint guard(*graph.nodes().begin());
  jit::Value* new_value = edit(graph, argument);
  argument->replaceAllUsesAfterNodeWith(new_value->node(), new_value);
}

void replace_site(const Site& site, jit::Value* instead) {
  site.node->output()->replaceAllUsesWith(instead);
  site.node->destroy();
}

jit::Value* call(jit::Graph& graph, const char* name, const std::vector<jit::NamedValue>& arguments) {
  return graph.insert(aten(name), arguments);
}

MutationEntry site_mutation(const char* name, const char* description, SiteTest fits,
                            std::function<std::string(const Site&, Workpiece&)> edit) {
  return {{name, description, MutationKind::kCode, ShownBy::kFile},
          [fits = std::move(fits), edit = std::move(edit)](Workpiece& work) -> std::optional<Mutated> {
            std::vector<Site> sites = find_sites(work.loaded.module, fits);
            if (sites.empty()) {
              return std::nullopt;
            }
            const Site& site = work.dice.one_of(sites);
            const bool is_call = site.node->kind() == c10::prim::CallMethod;
            const std::string where = is_call ? called_module(site) : site.module;
            const std::string what = edit(site, work);
            return what.empty() ? std::nullopt
                                : std::optional(Mutated{{where}, (where.empty() ? "the model" : where) + ": " + what});
          },
          nullptr};
}

}  // namespace bertjit
