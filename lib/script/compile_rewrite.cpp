#include "script/compile_rewrite.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "script/compile_context.h"
#include "script/compile_outside.h"
#include "script/expression_rewrite.h"
#include "script/types.h"
#include "script/variable_rewrite.h"

namespace bertjit {

using torch::jit::Apply;
using torch::jit::Assign;
using torch::jit::Compound;
using torch::jit::Expr;
using torch::jit::Ident;
using torch::jit::List;
using torch::jit::Maybe;
using torch::jit::SourceRange;
using torch::jit::TreeRef;
using torch::jit::Var;

namespace {

const char* compare_name(int kind) {
  switch (kind) {
    case torch::jit::TK_EQ:
      return "eq";
    case torch::jit::TK_NE:
      return "ne";
    case torch::jit::TK_LE:
      return "le";
    case torch::jit::TK_GE:
      return "ge";
    case '<':
      return "lt";
    case '>':
      return "gt";
    default:
      return nullptr;
  }
}

bool any_of_tree(const TreeRef& tree, const std::function<bool(const TreeRef&)>& test) {
  return test(tree) || std::any_of(tree->trees().begin(), tree->trees().end(),
                                   [&](const TreeRef& child) { return any_of_tree(child, test); });
}

bool mentions(const TreeRef& tree, const std::string& name) {
  return any_of_tree(
      tree, [&](const TreeRef& node) { return node->kind() == torch::jit::TK_VAR && Var(node).name().name() == name; });
}

/// `self.layers[… i …]`: an index into what may be a list of modules, where `target` is `i`.
bool indexes_module(const TreeRef& body, const Expr& target) {
  if (target.kind() != torch::jit::TK_VAR) {
    return false;
  }
  const std::string name = Var(target).name().name();
  return any_of_tree(body, [&](const TreeRef& node) {
    return node->kind() == torch::jit::TK_SUBSCRIPT && node->trees()[0]->kind() == '.' &&
           mentions(node->trees()[1], name);
  });
}

/// A `break` or `continue` of this loop: libtorch has none in loops that it unrolls.
bool leaves_loop(const TreeRef& body) {
  if (body->kind() == torch::jit::TK_BREAK || body->kind() == torch::jit::TK_CONTINUE) {
    return true;
  }
  if (body->kind() == torch::jit::TK_FOR || body->kind() == torch::jit::TK_WHILE) {
    return false;
  }
  return std::any_of(body->trees().begin(), body->trees().end(), leaves_loop);
}

class BodyRewriter {
 public:
  BodyRewriter(const torch::jit::Def& def, const PythonScope& scope, CompileMode mode, const InstanceObject* self,
               const std::set<std::string>& widened)
      : scope_(scope), mode_(mode), self_(self), expressions_(def, scope, mode, self), variables_(def, widened) {
    const auto params = def.decl().params();
    self_name_ = params.size() == 0 ? "" : params[0].ident().name();
  }

  TreeRef rewrite(const TreeRef& written) {
    const TreeRef tree = with_plain_message(written);
    refuse_outside(tree);
    const TreeRef inner = rewrite_children(tree);
    switch (inner->kind()) {
      case torch::jit::TK_APPLY:
        return rewrite_call(Apply(inner));
      case torch::jit::TK_SUBSCRIPT:
        return rewrite_slice(torch::jit::Subscript(with_first(inner, variables_.present(Expr(inner->trees()[0])))));
      case torch::jit::TK_ASSIGN:
        return tracing() ? variables_.assignment(expressions_.unpacked(rewrite_assignment(inner)), depth_)
                         : rewrite_assignment(inner);
      case torch::jit::TK_AUG_ASSIGN:
        return tracing() ? variables_.assignment(expressions_.augmented(inner, variables_.widened()), depth_) : inner;
      case '.':
        return with_first(inner, variables_.present(Expr(inner->trees()[0])));
      case torch::jit::TK_FOR:
        return rewrite_loop(torch::jit::For(inner));
      case torch::jit::TK_LIST_COMP:
        return tracing() ? rewrite_comprehension(torch::jit::ListComp(inner)) : inner;
      case torch::jit::TK_AND:
      case torch::jit::TK_OR:
        return expressions_.choice(inner);
      case torch::jit::TK_WITH_ITEM:
        return expressions_.context(inner);
      default:
        return tracing() && !inner->isAtom() ? expressions_.binary(inner) : inner;
    }
  }

 private:
  /// Conditions are kept apart from values, and annotations as they are.
  TreeRef rewrite_children(const TreeRef& tree) {
    switch (tree->kind()) {
      case torch::jit::TK_IF:
      case torch::jit::TK_WHILE:
      case torch::jit::TK_IF_EXPR:
      case torch::jit::TK_ASSERT:
      case torch::jit::TK_NOT:
        return rewrite_conditional(tree);
      case torch::jit::TK_FOR: {
        ++depth_;
        const TreeRef loop = rewrite_each(tree);
        --depth_;
        return loop;
      }
      case torch::jit::TK_ASSIGN:
        return Compound::create(tree->kind(), tree->range(),
                                {rewrite(tree->trees()[0]), rewrite(tree->trees()[1]), tree->trees()[2]});
      case torch::jit::TK_APPLY:
        return names_type(Apply(tree)) ? rewrite_typed_inputs(Apply(tree)) : rewrite_each(tree);
      default:
        return rewrite_each(tree);
    }
  }

  static TreeRef with_first(const TreeRef& tree, const Expr& first) {
    torch::jit::TreeList children = tree->trees();
    children[0] = first.tree();
    return Compound::create(tree->kind(), tree->range(), std::move(children));
  }

  TreeRef rewrite_each(const TreeRef& tree) {
    return tree->map([this](const TreeRef& child) { return rewrite(child); });
  }

  TreeRef rewrite_conditional(const TreeRef& tree) {
    torch::jit::TreeList children;
    const int deeper = tree->kind() == torch::jit::TK_IF || tree->kind() == torch::jit::TK_WHILE ? 1 : 0;
    depth_ += deeper;
    for (const TreeRef& child : tree->trees()) {
      children.push_back(children.empty() ? rewrite_condition(child) : rewrite(child));
    }
    depth_ -= deeper;
    return Compound::create(tree->kind(), tree->range(), std::move(children));
  }

  TreeRef rewrite_condition(const TreeRef& condition) {
    if (condition->kind() == torch::jit::TK_AND || condition->kind() == torch::jit::TK_OR) {
      return condition->map([this](const TreeRef& child) { return rewrite_condition(child); });
    }
    if (!tracing()) {
      return rewrite(condition);
    }
    const char* name = compare_name(condition->kind());
    if (name == nullptr) {
      return expressions_.truth(rewrite(condition));
    }
    return call_of(condition->range(), std::string(kComparePrefix) + name,
                   {Expr(rewrite(condition->trees()[0])), Expr(rewrite(condition->trees()[1]))});
  }

  bool names_type(const Apply& apply) const {
    const auto path = dotted_path(apply.callee(), scope_);
    return (path == "torch.jit.annotate" || path == "torch.jit.isinstance" || path == "isinstance") &&
           apply.inputs().size() == 2;
  }

  /// All but the type.
  TreeRef rewrite_typed_inputs(const Apply& apply) {
    const size_t type_position = dotted_path(apply.callee(), scope_) == "torch.jit.annotate" ? 0 : 1;
    std::vector<Expr> inputs;
    for (size_t i = 0; i < 2; ++i) {
      inputs.push_back(i == type_position ? apply.inputs()[i] : Expr(rewrite(apply.inputs()[i].tree())));
    }
    return Apply::create(apply.range(), apply.callee(), List<Expr>::create(apply.inputs().range(), inputs),
                         apply.attributes())
        .tree();
  }

  TreeRef rewrite_assignment(const TreeRef& tree) const {
    const Assign assign(tree);
    if (!assign.type().present()) {
      return tree;
    }
    torch::jit::TreeList children = tree->trees();
    children.back() = Maybe<Expr>::create(tree->range(), canonical_annotation(assign.type().get(), scope_)).tree();
    return Compound::create(tree->kind(), tree->range(), std::move(children));
  }

  TreeRef rewrite_call(const Apply& apply) const {
    const auto path = dotted_path(apply.callee(), scope_);
    if (path == "super") {
      return Apply::create(apply.range(), apply.callee(), List<Expr>::create(apply.range(), {}), apply.attributes());
    }
    if (names_type(apply)) {
      return rewrite_typed_call(apply, path == "torch.jit.annotate" ? 0 : 1);
    }
    if (tracing() && path == "len" && apply.inputs().size() == 1) {
      return with_callee(apply, std::string(kLenName));
    }
    const TreeRef called = expressions_.call(apply);
    return tracing() ? rewrite_starred(Apply(called)) : called;
  }

  TreeRef rewrite_typed_call(const Apply& apply, size_t type_position) const {
    std::vector<Expr> inputs;
    for (size_t i = 0; i < apply.inputs().size(); ++i) {
      const Expr input = apply.inputs()[i];
      const bool is_type = i == type_position && input.kind() != torch::jit::TK_TUPLE_LITERAL;
      inputs.push_back(is_type ? canonical_annotation(input, scope_) : input);
    }
    if (tracing() && type_position == 1) {
      inputs[1] = with_bool(inputs[1]);
    }
    return Apply::create(apply.range(), apply.callee(), List<Expr>::create(apply.inputs().range(), inputs),
                         apply.attributes());
  }

  /// A bool is an int to Python.
  static Expr with_bool(const Expr& types) {
    const bool several = types.kind() == torch::jit::TK_TUPLE_LITERAL;
    std::vector<Expr> members;
    if (several) {
      for (const Expr& member : torch::jit::TupleLiteral(types).inputs()) {
        members.push_back(member);
      }
    } else {
      members = {types};
    }
    const bool has_int = std::any_of(members.begin(), members.end(), [](const Expr& member) {
      return member.kind() == torch::jit::TK_VAR && Var(member).name().name() == "int";
    });
    if (!has_int) {
      return types;
    }
    const SourceRange& range = types.range();
    members.push_back(Var::create(range, Ident::create(range, "bool")));
    return torch::jit::TupleLiteral::create(range, List<Expr>::create(range, members));
  }

  static TreeRef rewrite_starred(const Apply& apply) {
    std::string stars;
    std::vector<Expr> inputs;
    for (const Expr& input : apply.inputs()) {
      const bool starred = input.kind() == torch::jit::TK_STARRED;
      stars += starred ? '1' : '0';
      inputs.push_back(starred ? torch::jit::Starred(input).expr() : input);
    }
    if (stars.find('1') == std::string::npos) {
      return apply.tree();
    }
    const SourceRange& range = apply.range();
    const Expr splat = torch::jit::Starred::create(range, call_of(range, std::string(kSplatPrefix) + stars, inputs));
    return Apply::create(range, apply.callee(), List<Expr>::create(range, {splat}), apply.attributes());
  }

  /// `range(…)` through ours, if `iterable` is one.
  std::optional<Expr> known_range(const Expr& iterable) const {
    if (iterable.kind() != torch::jit::TK_APPLY) {
      return std::nullopt;
    }
    const Apply apply(iterable);
    return dotted_path(apply.callee(), scope_) == "range"
               ? std::make_optional(Expr(with_callee(apply, std::string(kRangeName))))
               : std::nullopt;
  }

  /// `for a, b in …` has one target, a tuple, as Python's own trees have it: the compiler fails on two where it
  /// unrolls.
  TreeRef rewrite_loop(const torch::jit::For& loop) const {
    List<Expr> targets = loop.targets();
    List<Expr> iterables = loop.itrs();
    if (targets.size() > 1) {
      targets = List<Expr>::create(targets.range(), {torch::jit::TupleLiteral::create(targets.range(), targets)});
    } else if (tracing() && iterables.size() == 1 && !leaves_loop(loop.body().tree()) &&
               indexes_module(loop.body().tree(), targets[0])) {
      const Expr iterable = known_range(iterables[0]).value_or(iterables[0]);
      iterables = List<Expr>::create(iterables.range(), {iterable});
    }
    if (tracing() && iterables.size() == 1) {
      iterables = List<Expr>::create(iterables.range(), {expressions_.iterable(iterables[0])});
    }
    return torch::jit::For::create(loop.range(), targets, iterables, loop.body());
  }

  /// Whether the expression is `self.name`, a container of modules.
  std::optional<std::string> container_name(const Expr& expr) const {
    if (self_ == nullptr || expr.kind() != '.') {
      return std::nullopt;
    }
    const torch::jit::Select select(expr);
    const bool of_self = select.value().kind() == torch::jit::TK_VAR && Var(select.value()).name().name() == self_name_;
    const AttributeObject* attribute = of_self ? self_->find(select.selector().name()) : nullptr;
    const auto module = attribute == nullptr ? nullptr : attribute->value.as<InstanceObject>();
    return module && container_kind(*module->type) == ContainerKind::kList ? std::make_optional(attribute->name)
                                                                           : std::nullopt;
  }

  TreeRef rewrite_slice(const torch::jit::Subscript& subscript) const {
    const auto container = container_name(subscript.value());
    const auto indices = subscript.subscript_exprs();
    if (!container || indices.size() != 1 || indices[0].kind() != torch::jit::TK_SLICE_EXPR) {
      return subscript.tree();
    }
    const torch::jit::SliceExpr slice(indices[0]);
    const auto or_none = [&](const Maybe<Expr>& bound) {
      return bound.present() ? bound.get() : Expr(Compound::create(torch::jit::TK_NONE, subscript.range(), {}));
    };
    return call_of(subscript.range(), std::string(kSlicePrefix) + *container,
                   {or_none(slice.start()), or_none(slice.end()), or_none(slice.step())});
  }

  TreeRef rewrite_comprehension(const torch::jit::ListComp& list) const {
    const auto range = indexes_module(list.elt().tree(), list.target()) ? known_range(list.iter()) : std::nullopt;
    return torch::jit::ListComp::create(list.range(), list.elt(), list.target(),
                                        range ? *range : expressions_.iterable(list.iter()))
        .tree();
  }

  bool tracing() const {
    return mode_ == CompileMode::kTrace;
  }

  const PythonScope& scope_;
  CompileMode mode_;
  const InstanceObject* self_;
  std::string self_name_;
  ExpressionRewriter expressions_;
  VariableRewriter variables_;
  int depth_ = 0;  ///< in how many branches and loops
};

}  // namespace

size_t star_count(const std::string& parameter) {
  return std::min(parameter.find_first_not_of('*'), parameter.size());
}

torch::jit::Def rewrite_body(const torch::jit::Def& def, const PythonScope& scope, CompileMode mode,
                             const InstanceObject* self, const std::set<std::string>& widened) {
  BodyRewriter rewriter(def, scope, mode, self, widened);
  return torch::jit::Def::create(def.range(), def.name(), def.decl(),
                                 List<torch::jit::Stmt>(rewriter.rewrite(def.statements().tree())));
}

torch::jit::Def with_parameters(const torch::jit::Def& def,
                                const std::vector<std::optional<ParameterDeclaration>>& parameters,
                                const std::optional<Expr>& return_type) {
  const torch::jit::Decl decl = def.decl();
  std::vector<torch::jit::Param> params;
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i]) {
      continue;
    }
    const torch::jit::Param param = decl.params()[i];
    const SourceRange& range = param.range();
    const Maybe<Expr> type =
        parameters[i]->type ? Maybe<Expr>::create(range, *parameters[i]->type) : Maybe<Expr>::create(range);
    params.push_back(torch::jit::Param::create(range, Ident::create(param.ident().range(), parameters[i]->name), type,
                                               Maybe<Expr>::create(range), param.kwarg_only()));
  }
  const Maybe<Expr> returned =
      return_type ? Maybe<Expr>::create(decl.range(), *return_type) : Maybe<Expr>::create(decl.range());
  return def.withDecl(
      torch::jit::Decl::create(decl.range(), List<torch::jit::Param>::create(decl.params().range(), params), returned));
}

}  // namespace bertjit
