#include "recognise/module_code.h"

#include <array>
#include <cmath>
#include <set>

#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/passes/lower_tuples.h>

#include "module/fused_layers.h"
#include "support/error.h"

namespace bertjit {

using torch::jit::Block;
using torch::jit::Graph;

namespace {

constexpr size_t kMostNodes = 1'000'000;
constexpr int kDeepest = 64;
constexpr int kDeepestCall = 200;  ///< calls within calls; a network's modules are ten deep

/// The function that a call calls; nullptr for other operators. Throws for one that is not TorchScript.
torch::jit::Function* callee(const CodeNode& node) {
  torch::jit::Function* function = nullptr;
  if (node.kind() == c10::prim::CallMethod) {
    if (const auto type = node.input(0)->type()->cast<c10::ClassType>()) {
      function = type->findMethod(node.s(c10::attr::name));
    }
  } else if (node.kind() == c10::prim::CallFunction) {
    if (const auto type = node.input(0)->type()->cast<c10::FunctionType>()) {
      function = type->function();
    }
  } else {
    return nullptr;
  }
  if (function == nullptr || torch::jit::tryToGraphFunction(*function) == nullptr) {
    throw Error(ErrorKind::kUnsupported, "the code calls what is not TorchScript");
  }
  return function;
}

/// How many operators a graph has once all calls are inlined, at most kMostNodes + 1.
class InlinedSize {
 public:
  size_t of(const Block& block) {
    size_t size = 0;
    for (const CodeNode* node : block.nodes()) {
      ++size;
      for (const Block* inner : node->blocks()) {
        size += of(*inner);
      }
      if (torch::jit::Function* function = callee(*node)) {
        size += of(*function);
      }
      if (size > kMostNodes) {
        return kMostNodes + 1;
      }
    }
    return size;
  }

 private:
  size_t of(torch::jit::Function& function) {
    const auto [it, is_new] = sizes_.emplace(&function, kMostNodes + 1);  // what calls itself has no end
    if (!is_new || depth_ == kDeepestCall) {
      return it->second;
    }
    ++depth_;
    const size_t size = of(*torch::jit::toGraphFunction(function).graph()->block());
    --depth_;
    return sizes_[&function] = size;
  }

  std::unordered_map<const torch::jit::Function*, size_t> sizes_;
  int depth_ = 0;
};

std::shared_ptr<Graph> inlined_forward(const torch::jit::Module& module) {
  const auto forward = module.find_method("forward");
  if (!forward || torch::jit::tryToGraphFunction(forward->function()) == nullptr) {
    throw Error(ErrorKind::kUnsupported, "has no forward");
  }
  auto graph = forward->graph()->copy();
  if (InlinedSize().of(*graph->block()) > kMostNodes) {
    throw Error(ErrorKind::kUnsupported,
                "has more than " + std::to_string(kMostNodes) + " operators once its calls are inlined");
  }
  torch::jit::Inline(*graph);
  unfuse_linear_layers(*graph->block());
  torch::jit::LowerSimpleTuples(graph);
  return graph;
}

bool is_any(std::string_view name, const auto& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What leaves the values of its first argument as they are.
constexpr std::array<std::string_view, 27> kViews = {
    "dropout", "feature_dropout", "alpha_dropout", "to",         "type_as",    "contiguous", "view",
    "reshape", "transpose",       "permute",       "unsqueeze",  "squeeze",    "flatten",    "unflatten",
    "expand",  "expand_as",       "detach",        "clone",      "view_as",    "alias",      "t",
    "numpy_T", "slice",           "select",        "dequantize", "reshape_as", "swapaxes"};

/// Of these, what a weight may lie behind.
constexpr std::array<std::string_view, 9> kWeightViews = {"to",      "contiguous", "transpose", "detach", "clone",
                                                          "numpy_T", "t",          "alias",     "permute"};

}  // namespace

std::string plain_class_name(const c10::ClassType& type) {
  return type.name() ? type.name()->name() : "";
}

std::string_view operator_name(const CodeNode& node) {
  std::string_view name = node.kind().toUnqualString();
  if (name.ends_with("_") && !name.starts_with("_")) {
    name.remove_suffix(1);
  }
  return name;
}

const CodeValue* behind_views(const CodeValue* value) {
  for (int depth = 0; depth < kDeepest; ++depth) {
    const CodeNode* node = value->node();
    if (node->inputs().empty() || !is_any(operator_name(*node), kViews)) {
      return value;
    }
    value = node->input(0);
  }
  return value;
}

ModuleCode::ModuleCode(const torch::jit::Module& module) : module_(module), graph_(inlined_forward(module)) {
  if (!graph_->inputs().empty()) {
    attributes_.emplace(graph_->inputs()[0], "");
  }
  collect(*graph_->block());
  if (graph_->outputs().size() == 1) {
    collect_results(graph_->outputs()[0], 0);
  } else {
    results_.assign(graph_->outputs().begin(), graph_->outputs().end());
  }
}

void ModuleCode::collect(const Block& block) {
  for (const CodeNode* node : block.nodes()) {
    nodes_.push_back(node);
    if (node->kind() == c10::prim::GetAttr) {
      const auto owner = attributes_.find(node->input(0));
      if (owner != attributes_.end()) {
        const std::string& name = node->s(c10::attr::name);
        attributes_.emplace(node->output(), owner->second.empty() ? name : owner->second + "." + name);
      }
    }
    for (const Block* inner : node->blocks()) {
      collect(*inner);
    }
  }
}

void ModuleCode::collect_results(const CodeValue* value, int depth) {
  const CodeNode* node = value->node();
  const bool is_dictionary = node->kind() == c10::prim::DictConstruct;
  if (depth > 2 ||
      (node->kind() != c10::prim::TupleConstruct && node->kind() != c10::prim::ListConstruct && !is_dictionary)) {
    results_.push_back(value);
    return;
  }
  const size_t first = results_.size();
  for (size_t i = is_dictionary ? 1 : 0; i < node->inputs().size(); i += is_dictionary ? 2 : 1) {
    collect_results(node->input(i), depth + 1);
  }
  if (depth > 0) {
    result_groups_[first] = results_.size() - first;
  }
}

std::vector<const CodeValue*> ModuleCode::arguments() const {
  std::vector<const CodeValue*> arguments;
  for (size_t i = 1; i < graph_->inputs().size(); ++i) {
    arguments.push_back(graph_->inputs()[i]);
  }
  return arguments;
}

std::string ModuleCode::attribute(const CodeValue* value) const {
  for (int depth = 0; depth < kDeepest; ++depth) {
    const auto it = attributes_.find(value);
    if (it != attributes_.end()) {
      return it->second;
    }
    const CodeNode* node = value->node();
    if (node->inputs().empty() || !is_any(operator_name(*node), kWeightViews)) {
      return "";
    }
    value = node->input(0);
  }
  return "";
}

at::Tensor ModuleCode::tensor(const CodeValue* value) const {
  for (int depth = 0; depth < kDeepest; ++depth) {
    const CodeNode* node = value->node();
    if (node->kind() == c10::prim::Constant && node->hasAttribute(c10::attr::value) &&
        node->kindOf(c10::attr::value) == torch::jit::AttributeKind::t) {
      return node->t(c10::attr::value);
    }
    if (node->inputs().empty() || !is_any(operator_name(*node), kWeightViews)) {
      return {};
    }
    value = node->input(0);
  }
  return {};
}

std::optional<double> ModuleCode::number(const CodeValue* value) const {
  return number(value, 0);
}

std::optional<int64_t> ModuleCode::whole_number(const CodeValue* value) const {
  constexpr double kMost = 1e15;
  const auto found = number(value);
  const bool is_whole = found && std::abs(*found) <= kMost && std::floor(*found) == *found;
  return is_whole ? std::make_optional(static_cast<int64_t>(*found)) : std::nullopt;
}

std::optional<double> ModuleCode::number(const CodeValue* value, int depth) const {
  const CodeNode* node = value->node();
  if (depth > 16) {
    return std::nullopt;
  }
  if (node->kind() == c10::prim::Constant) {
    if (!node->hasAttribute(c10::attr::value)) {
      return std::nullopt;
    }
    switch (node->kindOf(c10::attr::value)) {
      case torch::jit::AttributeKind::i:
        return static_cast<double>(node->i(c10::attr::value));
      case torch::jit::AttributeKind::f:
        return node->f(c10::attr::value);
      case torch::jit::AttributeKind::t: {
        const at::Tensor& tensor = node->t(c10::attr::value);
        return tensor.defined() && tensor.numel() == 1 && !tensor.is_quantized() && tensor.device().is_cpu()
                   ? std::make_optional(tensor.to(at::kDouble).item<double>())
                   : std::nullopt;
      }
      default:
        return std::nullopt;
    }
  }
  const std::string_view name = operator_name(*node);
  static constexpr std::array<std::string_view, 14> kSame = {
      "NumToTensor", "Int",    "Float",         "ScalarImplicit", "IntImplicit", "FloatImplicit", "to",
      "detach",      "tensor", "scalar_tensor", "_to_copy",       "clone",       "item",          "alias"};
  if (node->inputs().empty()) {
    return std::nullopt;
  }
  const auto first = [&] { return number(node->input(0), depth + 1); };
  if (is_any(name, kSame)) {
    return first();
  }
  if (name == "sqrt" || name == "log" || name == "neg" || name == "floor" || name == "ceil" || name == "reciprocal") {
    const auto x = first();
    return !x                ? std::nullopt
           : name == "sqrt"  ? std::make_optional(std::sqrt(*x))
           : name == "log"   ? std::make_optional(std::log(*x))
           : name == "neg"   ? std::make_optional(-*x)
           : name == "floor" ? std::make_optional(std::floor(*x))
           : name == "ceil"  ? std::make_optional(std::ceil(*x))
                             : std::make_optional(1 / *x);
  }
  if (node->inputs().size() < 2) {
    return std::nullopt;
  }
  if (name == "mul" || name == "div" || name == "add" || name == "sub" || name == "rsub" || name == "floordiv" ||
      name == "pow") {
    const auto x = first();
    const auto y = x ? number(node->input(1), depth + 1) : std::nullopt;
    if (!x || !y) {
      return std::nullopt;
    }
    return name == "mul"        ? *x * *y
           : name == "div"      ? *x / *y
           : name == "add"      ? *x + *y
           : name == "sub"      ? *x - *y
           : name == "rsub"     ? *y - *x
           : name == "floordiv" ? std::floor(*x / *y)
                                : std::pow(*x, *y);
  }
  return std::nullopt;
}

}  // namespace bertjit
