#include "recognise/called_code.h"

#include <torch/csrc/jit/api/function_impl.h>

#include "support/error.h"

namespace bertjit {

namespace {

constexpr int64_t kMostNodes = 1'000'000;
constexpr int kDeepestCall = 200;

class Walk {
 public:
  explicit Walk(const NodeVisitor& visitor) : visitor_(visitor) {}

  /// `path`: of the module whose method the graph is, or that calls it.
  void visit(const torch::jit::Graph& graph, const std::string& path, int depth) {
    CodePaths paths;
    if (!graph.inputs().empty()) {
      paths.emplace(graph.inputs()[0], path);
    }
    visit(*graph.block(), path, paths, depth);
  }

 private:
  void visit(const torch::jit::Block& block, const std::string& path, CodePaths& paths, int depth) {
    for (const CodeNode* node : block.nodes()) {
      if (++nodes_ > kMostNodes || depth > kDeepestCall) {
        throw Error(ErrorKind::kUnsupported, "has too much code");
      }
      name_attribute(*node, paths);
      visitor_(*node, path, paths);
      for (const torch::jit::Block* inner : node->blocks()) {
        visit(*inner, path, paths, depth);
      }
      call(*node, path, paths, depth);
    }
  }

  static void name_attribute(const CodeNode& node, CodePaths& paths) {
    if (node.kind() == c10::prim::GetAttr) {
      if (const auto owner = paths.find(node.input(0)); owner != paths.end()) {
        const std::string& name = node.s(c10::attr::name);
        const std::string full = owner->second.empty() ? name : owner->second + "." + name;
        paths.emplace(node.output(), full);
      }
    }
  }

  void call(const CodeNode& node, const std::string& path, const CodePaths& paths, int depth) {
    torch::jit::Function* function = nullptr;
    std::string callee_path = path;
    if (node.kind() == c10::prim::CallMethod) {
      const auto type = node.input(0)->type()->cast<c10::ClassType>();
      function = type ? type->findMethod(node.s(c10::attr::name)) : nullptr;
      const auto owner = paths.find(node.input(0));
      callee_path = owner == paths.end() ? path : owner->second;
    } else if (node.kind() == c10::prim::CallFunction) {
      const auto type = node.input(0)->type()->cast<c10::FunctionType>();
      function = type ? type->function() : nullptr;
    }
    if (function != nullptr && torch::jit::tryToGraphFunction(*function) != nullptr) {
      visit(*torch::jit::toGraphFunction(*function).graph(), callee_path, depth + 1);
    }
  }

  const NodeVisitor& visitor_;
  int64_t nodes_ = 0;
};

}  // namespace

void visit_called_code(const torch::jit::Module& module, const NodeVisitor& visitor) {
  const auto forward = module.find_method("forward");
  if (!forward || torch::jit::tryToGraphFunction(forward->function()) == nullptr) {
    throw Error(ErrorKind::kUnsupported, "has no forward");
  }
  Walk(visitor).visit(*torch::jit::toGraphFunction(forward->function()).graph(), "", 0);
}

}  // namespace bertjit
