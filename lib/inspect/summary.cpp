#include "inspect/summary.h"

#include <algorithm>
#include <map>
#include <set>

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include "inspect/graph_text.h"
#include "inspect/lookup.h"
#include "inspect/members.h"
#include "inspect/packed.h"

namespace bertjit {

namespace {

namespace jit = torch::jit;

/// Nodes that only pass values on.
bool is_plumbing(const jit::Node& node) {
  switch (node.kind()) {
    case c10::prim::Constant:
    case c10::prim::GetAttr:
    case c10::prim::ListConstruct:
    case c10::prim::ListUnpack:
    case c10::prim::TupleConstruct:
    case c10::prim::TupleUnpack:
    case c10::prim::TupleIndex:
    case c10::prim::DictConstruct:
    case c10::prim::NumToTensor:
    case c10::prim::Uninitialized:
    case c10::prim::unchecked_cast:
      return true;
    default:
      return false;
  }
}

/// Branches, loops, calls that stay calls, and what else leaves the straight line.
bool is_control(const jit::Node& node) {
  switch (node.kind()) {
    case c10::prim::CallFunction:
    case c10::prim::CallMethod:
    case c10::prim::fork:
    case c10::prim::Print:
    case c10::prim::RaiseException:
    case c10::prim::SetAttr:
      return true;
    default:
      return !node.blocks().empty();
  }
}

/// What an input of a node is if that is known without running: a constant, or an attribute on the way from `self`.
std::optional<c10::IValue> known_value(const jit::Value& value, const jit::Value& self, const jit::Module& module) {
  if (&value == &self) {
    return c10::IValue(module._ivalue());
  }
  const jit::Node& node = *value.node();
  if (node.kind() != c10::prim::GetAttr) {
    return jit::toIValue(&value);
  }
  const auto owner = known_value(*node.input(), self, module);
  return owner && owner->isObject() ? std::optional(owner->toObjectRef().getAttr(node.s(c10::attr::name)))
                                    : std::nullopt;
}

/// An input by its schema name, as known_value() finds it.
std::optional<c10::IValue> known_argument(const jit::Node& node, const std::string& name, const jit::Module& module) {
  const auto* schema = node.maybeSchema();
  for (size_t i = 0; schema != nullptr && i < std::min(schema->arguments().size(), node.inputs().size()); ++i) {
    if (schema->arguments()[i].name() == name) {
      return known_value(*node.inputs()[i], *node.owningGraph()->inputs()[0], module);
    }
  }
  return std::nullopt;
}

/// libtorch counts dropout as random unless a constant turns it off, and attention always; here a module's training
/// flag counts too, and a dropout of 0.
bool is_random(const jit::Node& node, const jit::Module& module) {
  if (!node.isNondeterministic()) {
    return false;
  }
  const auto train = known_argument(node, "train", module);
  const auto dropout = known_argument(node, "dropout_p", module);
  return !(train && train->isBool() && !train->toBool()) &&
         !(dropout && dropout->isDouble() && dropout->toDouble() == 0);
}

/// What the nodes of a graph are, counted.
class NodeCensus {
 public:
  NodeCensus(const jit::Module& module, ModuleSummary& summary) : module_(module), summary_(summary) {}

  void count(const jit::Block& block) {
    for (const jit::Node* node : block.nodes()) {
      count(*node);
      for (const jit::Block* inner : node->blocks()) {
        count(*inner);
      }
    }
  }

  void finish() {
    summary_.operators = by_frequency(operators_);
    summary_.control = by_frequency(control_);
    summary_.source_files.assign(files_.begin(), files_.end());
    for (const auto& [name, times] : operators_) {
      if (name.starts_with("quantized::")) {
        summary_.quantized.push_back(name);
      }
    }
  }

 private:
  void count(const jit::Node& node) {
    const std::string location = node_location(node);
    if (!location.empty()) {
      const size_t column = location.rfind(':');
      files_.insert(location.substr(0, location.rfind(':', column - 1)));
    }
    if (node.kind() == c10::prim::Constant && node.hasAttribute(c10::attr::value) &&
        node.kindOf(c10::attr::value) == jit::AttributeKind::t) {
      summary_.constants.push_back(describe_member({"constant" + std::to_string(summary_.constants.size()),
                                                    DescribedTensor::Kind::kAttribute, node.t(c10::attr::value)},
                                                   seen_));
    }
    if (is_plumbing(node)) {
      return;
    }
    const std::string name = node.kind().toQualString();
    ++(is_control(node) ? control_ : operators_)[name];
    if (is_random(node, module_)) {
      summary_.random.push_back({name, location});
    }
  }

  static std::vector<NamedCount> by_frequency(const std::map<std::string, int64_t>& counts) {
    std::vector<NamedCount> sorted;
    for (const auto& [name, count] : counts) {
      sorted.push_back({name, count});
    }
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const NamedCount& left, const NamedCount& right) { return left.count > right.count; });
    return sorted;
  }

  const jit::Module& module_;
  ModuleSummary& summary_;
  std::map<std::string, int64_t> operators_;
  std::map<std::string, int64_t> control_;
  std::set<std::string> files_;
  SeenStorages seen_;
};

/// Tuples flattened: (Tensor, (Tensor, int)) -> "0", "1.0", "1.1".
void flatten_outputs(const c10::TypePtr& type, const std::string& name, std::vector<DescribedArgument>& outputs) {
  const auto tuple = type->cast<c10::TupleType>();
  if (tuple == nullptr || tuple->schema() != nullptr) {
    outputs.push_back({name.empty() ? "0" : name, type->annotation_str(), std::nullopt});
    return;
  }
  for (size_t i = 0; i < tuple->elements().size(); ++i) {
    flatten_outputs(tuple->elements()[i], (name.empty() ? "" : name + ".") + std::to_string(i), outputs);
  }
}

void describe_method(jit::GraphFunction& function, const jit::Module& module, ModuleSummary& summary) {
  summary.method = function.name();
  const auto& schema = function.getSchema();
  for (size_t i = 1;  // without self
       i < schema.arguments().size(); ++i) {
    const auto& argument = schema.arguments()[i];
    DescribedArgument described{argument.name(), argument.type()->annotation_str(), std::nullopt};
    if (argument.default_value()) {
      const std::string literal = short_literal(*argument.default_value());
      described.default_value = literal.empty() ? "..." : literal;
    }
    summary.inputs.push_back(std::move(described));
  }
  for (const auto& result : schema.returns()) {
    flatten_outputs(result.type(), "", summary.outputs);
  }
  const auto graph = graph_of(function, Inlined::kYes);
  NodeCensus census(module, summary);
  census.count(*graph->block());
  census.finish();
}

void describe_state_of(const jit::Module& module, ModuleSummary& summary) {
  std::map<std::string, int64_t> dtypes;
  for (const auto& member : named_members(module, Members::kWeights)) {
    ++(member.kind == DescribedTensor::Kind::kBuffer ? summary.buffer_tensors : summary.parameter_tensors);
    ++dtypes[scalar_type_name(member.tensor)];
    if (member.tensor.is_quantized() && member.kind != DescribedTensor::Kind::kPacked) {
      summary.quantized.push_back(member.name + " is " + scalar_type_name(member.tensor));
    }
  }
  for (const auto& [name, count] : dtypes) {
    summary.dtypes.push_back({name, count});
  }
  const StateSize size = state_size(module);
  summary.parameter_count = size.parameter_count;
  summary.size_bytes = size.size_bytes;
}

/// Weights that were packed for a kernel are objects of classes of libtorch's own.
void find_packed(const jit::Module& module, std::set<std::string>& classes) {
  for (const auto& named : module.named_attributes(/*recurse=*/true)) {
    if (is_packed_type(named.value.type())) {
      classes.insert(named.value.type()->expectRef<c10::ClassType>().name()->qualifiedName());
    }
  }
}

void describe_modules(const jit::Module& module, ModuleSummary& summary) {
  for (const auto& named : module.named_modules()) {
    ++summary.module_count;
    if (named.value.hasattr("training") && named.value.attr("training").isBool() &&
        named.value.attr("training").toBool()) {
      summary.training_modules.push_back(named.name);
    }
  }
  for (const auto& method : module.get_methods()) {
    summary.methods.push_back(method.name());
  }
  std::set<std::string> packed;
  find_packed(module, packed);
  summary.quantized.insert(summary.quantized.end(), packed.begin(), packed.end());
}

}  // namespace

ModuleSummary summarize(const jit::Module& module, const std::optional<Claims>& claims, const std::string& method,
                        const std::string& owner) {
  ModuleSummary summary;
  summary.claims = claims;
  summary.class_name = module.type()->name()->name();
  summary.qualified_name = module.type()->name()->qualifiedName();
  describe_state_of(module, summary);
  describe_modules(module, summary);
  jit::GraphFunction* function = method.empty() ? find_graph(module, "forward") : &require_graph(module, method, owner);
  if (function != nullptr) {
    describe_method(*function, module, summary);
  }
  const bool is_claimed = claims && summary.method == "forward" && claims->outputs.size() == summary.outputs.size();
  for (size_t i = 0; is_claimed && i < summary.outputs.size(); ++i) {
    summary.outputs[i].name = claims->outputs[i];
  }
  return summary;
}

}  // namespace bertjit
