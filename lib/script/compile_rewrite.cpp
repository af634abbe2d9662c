#include "script/compile_rewrite.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "script/compile_context.h"
#include "script/types.h"

namespace bertjit {

using torch::jit::Apply;
using torch::jit::Attribute;
using torch::jit::Compound;
using torch::jit::Expr;
using torch::jit::Ident;
using torch::jit::List;
using torch::jit::Maybe;
using torch::jit::SourceRange;
using torch::jit::TreeRef;
using torch::jit::Var;

namespace {

Expr call(const SourceRange& range, const std::string& function, const std::vector<Expr>& arguments) {
  return Apply::create(range, Var::create(range, Ident::create(range, function)), List<Expr>::create(range, arguments),
                       List<Attribute>::create(range, {}));
}

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
  BodyRewriter(const PythonScope& scope, CompileMode mode, const InstanceObject* self, std::string self_name)
      : scope_(scope), mode_(mode), self_(self), self_name_(std::move(self_name)) {}

  TreeRef rewrite(const TreeRef& tree) const {
    const TreeRef inner = tree->map([this](const TreeRef& child) { return rewrite(child); });
    switch (inner->kind()) {
      case torch::jit::TK_APPLY:
        return rewrite_call(Apply(inner));
      case torch::jit::TK_SUBSCRIPT:
        return rewrite_slice(torch::jit::Subscript(inner));
      case torch::jit::TK_ASSIGN:
        return rewrite_assignment(inner);
      case torch::jit::TK_FOR:
        return rewrite_loop(torch::jit::For(inner));
      case torch::jit::TK_LIST_COMP:
        return tracing() ? rewrite_comprehension(torch::jit::ListComp(inner)) : inner;
      case torch::jit::TK_IF:
      case torch::jit::TK_IF_EXPR:
        return tracing() ? replace_first(inner, fold(inner->trees()[0])) : inner;
      default:
        return inner;
    }
  }

 private:
  static TreeRef replace_first(const TreeRef& tree, const TreeRef& first) {
    torch::jit::TreeList children = tree->trees();
    children[0] = first;
    return Compound::create(tree->kind(), tree->range(), std::move(children));
  }

  /// A condition whose comparisons of constants are decided.
  TreeRef fold(const TreeRef& condition) const {
    switch (condition->kind()) {
      case torch::jit::TK_AND:
      case torch::jit::TK_OR:
      case torch::jit::TK_NOT:
        return condition->map([this](const TreeRef& child) { return fold(child); });
      default:
        break;
    }
    const char* name = compare_name(condition->kind());
    if (name == nullptr) {
      return condition;
    }
    return call(condition->range(), std::string(kComparePrefix) + name,
                {Expr(condition->trees()[0]), Expr(condition->trees()[1])});
  }

  TreeRef rewrite_assignment(const TreeRef& tree) const {
    const torch::jit::Assign assign(tree);
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
    const bool names_type = path == "torch.jit.annotate" || path == "torch.jit.isinstance" || path == "isinstance";
    if (names_type && apply.inputs().size() == 2) {
      return rewrite_typed_call(apply, path == "torch.jit.annotate" ? 0 : 1);
    }
    if (!tracing()) {
      return apply.tree();
    }
    if (path == "len" && apply.inputs().size() == 1) {
      return with_callee(apply, kLenName);
    }
    return rewrite_starred(apply);
  }

  TreeRef rewrite_typed_call(const Apply& apply, size_t type_position) const {
    std::vector<Expr> inputs;
    for (size_t i = 0; i < apply.inputs().size(); ++i) {
      const Expr input = apply.inputs()[i];
      const bool is_type = i == type_position && input.kind() != torch::jit::TK_TUPLE_LITERAL;
      inputs.push_back(is_type ? canonical_annotation(input, scope_) : input);
    }
    return Apply::create(apply.range(), apply.callee(), List<Expr>::create(apply.inputs().range(), inputs),
                         apply.attributes());
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
    const Expr splat = torch::jit::Starred::create(range, call(range, std::string(kSplatPrefix) + stars, inputs));
    return Apply::create(range, apply.callee(), List<Expr>::create(range, {splat}), apply.attributes());
  }

  static TreeRef with_callee(const Apply& apply, std::string_view name) {
    const Ident ident = Ident::create(apply.callee().range(), std::string(name));
    return Apply::create(apply.range(), Var::create(apply.callee().range(), ident), apply.inputs(), apply.attributes());
  }

  /// `range(…)` through ours, if `iterable` is one.
  std::optional<Expr> known_range(const Expr& iterable) const {
    if (iterable.kind() != torch::jit::TK_APPLY) {
      return std::nullopt;
    }
    const Apply apply(iterable);
    return dotted_path(apply.callee(), scope_) == "range" ? std::make_optional(Expr(with_callee(apply, kRangeName)))
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
    return call(subscript.range(), std::string(kSlicePrefix) + *container,
                {or_none(slice.start()), or_none(slice.end()), or_none(slice.step())});
  }

  TreeRef rewrite_comprehension(const torch::jit::ListComp& list) const {
    const auto range = indexes_module(list.elt().tree(), list.target()) ? known_range(list.iter()) : std::nullopt;
    return range ? torch::jit::ListComp::create(list.range(), list.elt(), list.target(), *range).tree() : list.tree();
  }

  bool tracing() const {
    return mode_ == CompileMode::kTrace;
  }

  const PythonScope& scope_;
  CompileMode mode_;
  const InstanceObject* self_;
  std::string self_name_;
};

}  // namespace

size_t star_count(const std::string& parameter) {
  return std::min(parameter.find_first_not_of('*'), parameter.size());
}

torch::jit::Def rewrite_body(const torch::jit::Def& def, const PythonScope& scope, CompileMode mode,
                             const InstanceObject* self) {
  const auto params = def.decl().params();
  const BodyRewriter rewriter(scope, mode, self, params.size() == 0 ? "" : params[0].ident().name());
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
