#include "script/expression_rewrite.h"

#include <algorithm>
#include <functional>
#include <map>

#include "script/types.h"

namespace bertjit {

using torch::jit::Apply;
using torch::jit::Assign;
using torch::jit::Attribute;
using torch::jit::Compound;
using torch::jit::Expr;
using torch::jit::Ident;
using torch::jit::List;
using torch::jit::Maybe;
using torch::jit::Select;
using torch::jit::SourceRange;
using torch::jit::TreeRef;
using torch::jit::Var;

namespace {

/// The builtin operator of a binary expression; "" for another.
std::string operator_name(int kind) {
  static const std::map<int, std::string> kNames = {{'+', "add"},
                                                    {'-', "sub"},
                                                    {'*', "mul"},
                                                    {'/', "div"},
                                                    {'%', "remainder"},
                                                    {'@', "matmul"},
                                                    {'&', "__and__"},
                                                    {'|', "__or__"},
                                                    {'^', "__xor__"},
                                                    {'<', "lt"},
                                                    {'>', "gt"},
                                                    {torch::jit::TK_POW, "pow"},
                                                    {torch::jit::TK_FLOOR_DIV, "floordiv"},
                                                    {torch::jit::TK_LSHIFT, "__lshift__"},
                                                    {torch::jit::TK_RSHIFT, "__rshift__"},
                                                    {torch::jit::TK_EQ, "eq"},
                                                    {torch::jit::TK_NE, "ne"},
                                                    {torch::jit::TK_LE, "le"},
                                                    {torch::jit::TK_GE, "ge"}};
  const auto found = kNames.find(kind);
  return found == kNames.end() ? "" : found->second;
}

std::string python_name(const std::string& name) {
  return std::string(kPythonPrefix) + name;
}

Expr named(const SourceRange& range, const std::string& name) {
  return Var::create(range, Ident::create(range, name));
}

std::string variable_name(const Expr& expr) {
  return expr.kind() == torch::jit::TK_VAR ? Var(expr).name().name() : "";
}

/// A number or text as it is written.
bool is_literal(const TreeRef& tree) {
  return tree->kind() == torch::jit::TK_CONST || tree->kind() == torch::jit::TK_STRINGLITERAL;
}

/// Sure to be a bool, and perhaps told more of by it: `x is not None`.
bool is_plain_bool(const TreeRef& tree) {
  switch (tree->kind()) {
    case torch::jit::TK_IS:
    case torch::jit::TK_ISNOT:
    case torch::jit::TK_IN:
    case torch::jit::TK_NOTIN:
    case torch::jit::TK_NOT:
    case torch::jit::TK_TRUE:
    case torch::jit::TK_FALSE:
      return true;
    case torch::jit::TK_AND:
    case torch::jit::TK_OR:
      return is_plain_bool(tree->trees()[0]) && is_plain_bool(tree->trees()[1]);
    case torch::jit::TK_APPLY: {
      const std::string name = variable_name(Apply(tree).callee());
      return name == "isinstance" || name == "hasattr";
    }
    default:
      return false;
  }
}

/// Evaluated twice it is the same and costs nothing.
bool is_simple_index(const TreeRef& tree) {
  switch (tree->kind()) {
    case torch::jit::TK_APPLY:
    case torch::jit::TK_SUBSCRIPT:
    case torch::jit::TK_LIST_COMP:
    case torch::jit::TK_IF_EXPR:
      return false;
    default:
      return tree->isAtom() || std::all_of(tree->trees().begin(), tree->trees().end(), is_simple_index);
  }
}

TreeRef assignment(const SourceRange& range, const Expr& target, const Expr& value) {
  return Assign::create(range, List<Expr>::create(range, {target}), Maybe<Expr>::create(range, value),
                        Maybe<Expr>::create(range))
      .tree();
}

void collect_names(const TreeRef& tree, std::set<std::string>& names) {
  if (tree->kind() == torch::jit::TK_VAR) {
    names.insert(Var(tree).name().name());
  } else if (tree->kind() != torch::jit::TK_SUBSCRIPT && tree->kind() != '.' && !tree->isAtom()) {
    for (const TreeRef& child : tree->trees()) {
      collect_names(child, names);
    }
  }
}

void walk(const TreeRef& tree, const std::function<void(const TreeRef&)>& visit) {
  visit(tree);
  if (!tree->isAtom()) {
    for (const TreeRef& child : tree->trees()) {
      walk(child, visit);
    }
  }
}

std::vector<Expr> elements_of(const List<Expr>& list) {
  std::vector<Expr> elements;
  for (const Expr& element : list) {
    elements.push_back(element);
  }
  return elements;
}

Apply with_inputs(const Apply& apply, const std::vector<Expr>& inputs) {
  return Apply::create(apply.range(), apply.callee(), List<Expr>::create(apply.range(), inputs), apply.attributes());
}

bool has_star(const Apply& apply) {
  const auto inputs = elements_of(apply.inputs());
  return std::any_of(inputs.begin(), inputs.end(),
                     [](const Expr& input) { return input.kind() == torch::jit::TK_STARRED; });
}

}  // namespace

Expr call_of(const SourceRange& range, const std::string& function, const std::vector<Expr>& arguments) {
  return Apply::create(range, named(range, function), List<Expr>::create(range, arguments),
                       List<Attribute>::create(range, {}));
}

Apply with_callee(const Apply& apply, const std::string& function) {
  return Apply::create(apply.range(), named(apply.callee().range(), function), apply.inputs(), apply.attributes());
}

ExpressionRewriter::ExpressionRewriter(const torch::jit::Def& def, const PythonScope& scope, CompileMode mode,
                                       const InstanceObject* self)
    : scope_(scope), mode_(mode), self_(self) {
  const auto params = def.decl().params();
  for (const torch::jit::Param& param : params) {
    locals_.insert(param.ident().name());
  }
  if (self != nullptr && params.size() > 0) {
    self_name_ = params[0].ident().name();
  }
  walk(def.statements().tree(), [this](const TreeRef& tree) {
    const int kind = tree->kind();
    if (kind == torch::jit::TK_ASSIGN || kind == torch::jit::TK_AUG_ASSIGN || kind == torch::jit::TK_FOR) {
      collect_names(tree->trees()[0], locals_);
    } else if (kind == torch::jit::TK_LIST_COMP || kind == torch::jit::TK_DICT_COMP) {
      const size_t target = kind == torch::jit::TK_LIST_COMP ? 1 : 2;
      collect_names(tree->trees()[target], locals_);
    } else if (kind == torch::jit::TK_WITH_ITEM) {
      collect_names(tree->trees()[1], locals_);
    }
  });
  walk(def.statements().tree(), [this](const TreeRef& tree) {
    if (tree->kind() != torch::jit::TK_ASSIGN) {
      return;
    }
    const Assign assign(tree);
    if (assign.rhs().present() && is_dtype(assign.rhs().get()) && assign.lhs_list().size() == 1) {
      dtypes_.insert(variable_name(assign.lhs_list()[0]));
    }
  });
}

bool ExpressionRewriter::is_dtype(const Expr& expr) const {
  if (expr.kind() == '.' && Select(expr).selector().name() == "dtype") {
    return true;
  }
  const std::string name = variable_name(expr);
  if (!name.empty() && dtypes_.count(name) == 1) {
    return true;
  }
  const Object* object = name.empty() || locals_.count(name) == 1 ? nullptr : scope_.find(name);
  if (object != nullptr && object->get<c10::ScalarType>() != nullptr) {
    return true;
  }
  static const std::set<std::string> kNames = {"float32", "float",   "float64", "double",   "float16",   "half",
                                               "int8",    "int16",   "short",   "int32",    "int",       "int64",
                                               "long",    "uint8",   "bool",    "bfloat16", "complex64", "complex128",
                                               "cfloat",  "cdouble", "uint16",  "uint32",   "uint64"};
  const auto path = expr.kind() == '.' ? dotted_path(expr, scope_) : std::nullopt;
  return path && path->starts_with("torch.") && kNames.count(path->substr(6)) == 1;
}

/// A value of the graph, as far as the text tells: no module of torch's or of the network, no class, no function.
bool ExpressionRewriter::is_value(const Expr& expr) const {
  switch (expr.kind()) {
    case torch::jit::TK_VAR: {
      const std::string name = variable_name(expr);
      if (name == self_name_ || name.starts_with("__bertjit")) {
        return false;
      }
      const Object* object = locals_.count(name) == 1 ? nullptr : scope_.find(name);
      const auto* data = object == nullptr ? nullptr : object->get<c10::IValue>();
      return locals_.count(name) == 1 || (data != nullptr && data->isTensor());
    }
    case '.': {
      const Select select(expr);
      if (self_ != nullptr && variable_name(select.value()) == self_name_) {
        const AttributeObject* attribute = self_->find(select.selector().name());
        const auto* data = attribute == nullptr ? nullptr : attribute->value.get<c10::IValue>();
        return data != nullptr && data->isTensor();
      }
      return is_value(select.value());
    }
    case torch::jit::TK_SUBSCRIPT:
      return is_value(torch::jit::Subscript(expr).value());
    case torch::jit::TK_APPLY: {
      const Expr callee = Apply(expr).callee();
      const std::string name = variable_name(callee);
      return name != "super" && (name.empty() || name.starts_with(kPythonPrefix) || locals_.count(name) == 0);
    }
    case torch::jit::TK_IF_EXPR:
    case torch::jit::TK_UNARY_MINUS:
      return true;
    default:
      return !operator_name(expr.kind()).empty();
  }
}

TreeRef ExpressionRewriter::binary(const TreeRef& tree) const {
  const std::string name = operator_name(tree->kind());
  if (name.empty() || tree->trees().size() != 2) {
    return tree;
  }
  // A number behind the operator is as TorchScript takes it, unless it is a power; so sums of a thousand terms are no
  // deeper than they were.
  const bool plain = is_literal(tree->trees()[1]) && name != "pow";
  if (plain || tree->trees()[0]->kind() == torch::jit::TK_STRINGLITERAL) {
    return tree;
  }
  return call_of(tree->range(), python_name("op_" + name), {Expr(tree->trees()[0]), Expr(tree->trees()[1])});
}

TreeRef ExpressionRewriter::augmented(const TreeRef& tree, const std::set<std::string>& numbers) const {
  const torch::jit::AugAssign assign(tree);
  const Expr target = assign.lhs();
  const std::string name = operator_name(assign.aug_op());
  const bool repeats = target.kind() == torch::jit::TK_SUBSCRIPT &&
                       is_simple_index(torch::jit::Subscript(target).value()) &&
                       is_simple_index(torch::jit::Subscript(target).subscript_exprs().tree());
  if (name.empty() || (target.kind() != torch::jit::TK_VAR && !repeats)) {
    return tree;
  }
  const char* prefix = numbers.count(variable_name(target)) == 1 ? "op_" : "augment_";
  return assignment(tree->range(), target, call_of(tree->range(), python_name(prefix + name), {target, assign.rhs()}));
}

TreeRef ExpressionRewriter::choice(const TreeRef& tree) {
  if (is_plain_bool(tree)) {
    return tree;
  }
  const SourceRange& range = tree->range();
  const TreeRef& first = tree->trees()[0];
  const Expr second(tree->trees()[1]);
  const bool is_or = tree->kind() == torch::jit::TK_OR;
  const std::string number = std::to_string(++choices_);
  const Expr noted = call_of(range, python_name("note_" + number), {second});
  if (is_plain_bool(first)) {
    const Expr known(Compound::create(is_or ? torch::jit::TK_TRUE : torch::jit::TK_FALSE, range, {}));
    // Held for its type: a bool is a number where the other is one.
    const Expr held = call_of(range, python_name("match_" + number), {known});
    const Expr condition = is_or ? Expr(Compound::create(torch::jit::TK_NOT, range, {first})) : Expr(first);
    return torch::jit::TernaryIf::create(range, condition, noted, held).tree();
  }
  const Expr condition = call_of(range, python_name((is_or ? "unless_" : "hold_") + number), {Expr(first)});
  const Expr held = call_of(range, python_name("held_" + number), {});
  return torch::jit::TernaryIf::create(range, condition, noted, held).tree();
}

TreeRef ExpressionRewriter::truth(const TreeRef& tree) const {
  if (is_plain_bool(tree)) {
    return tree;
  }
  return call_of(tree->range(), python_name("truth"), {Expr(tree)});
}

std::optional<std::string> ExpressionRewriter::builtin(const Apply& apply) const {
  const std::string name = variable_name(apply.callee());
  const bool is_builtin = !name.empty() && locals_.count(name) == 0 && dotted_path(apply.callee(), scope_) == name;
  return is_builtin ? std::make_optional(name) : std::nullopt;
}

TreeRef ExpressionRewriter::call(const Apply& apply) const {
  const auto name = has_star(apply) ? std::nullopt : builtin(apply);
  static const std::set<std::string> kBuiltins = {"sum", "max", "min", "any", "all"};
  if (name && kBuiltins.count(*name) == 1) {
    return with_callee(apply, python_name(*name)).tree();
  }
  if (name && tracing() && apply.inputs().size() == 1 && (*name == "tuple" || *name == "list")) {
    const Expr input = apply.inputs()[0];
    return is_value(input) ? with_callee(apply, python_name(*name)).tree() : apply.tree();
  }
  if (name && tracing() && *name == "round" && apply.inputs().size() == 2) {
    return with_callee(apply, python_name("round")).tree();
  }
  if (name && tracing() && (*name == "enumerate" || *name == "zip")) {
    std::vector<Expr> inputs;
    for (const Expr& input : apply.inputs()) {
      inputs.push_back(iterable(input));
    }
    return with_inputs(apply, inputs).tree();
  }
  const auto path = dotted_path(apply.callee(), scope_);
  if (tracing() && (path == "torch.tensor" || path == "torch.as_tensor") && apply.inputs().size() > 0) {
    std::vector<Expr> inputs = elements_of(apply.inputs());
    inputs[0] = numbers(inputs[0]);
    return with_inputs(apply, inputs).tree();
  }
  return apply.callee().kind() == '.' ? method(apply) : apply.tree();
}

Expr ExpressionRewriter::numbers(const Expr& list) {
  if (list.kind() != torch::jit::TK_LIST_LITERAL) {
    return list;
  }
  std::vector<Expr> items;
  bool nested = false;
  bool computed = false;
  for (const Expr& item : torch::jit::ListLiteral(list).inputs()) {
    nested = nested || item.kind() == torch::jit::TK_LIST_LITERAL;
    computed = computed || item.kind() != torch::jit::TK_CONST;
    items.push_back(numbers(item));
  }
  const SourceRange& range = list.range();
  if (nested) {
    return torch::jit::ListLiteral::create(range, List<Expr>::create(range, items));
  }
  const auto is_whole = [](const Expr& item) { return torch::jit::Const(item).isIntegral(); };
  const bool mixed = !computed && std::any_of(items.begin(), items.end(), is_whole) &&
                     !std::all_of(items.begin(), items.end(), is_whole);
  return computed || mixed ? call_of(range, python_name("numbers"), items) : list;
}

TreeRef ExpressionRewriter::method(const Apply& apply) const {
  static const std::set<std::string> kTraced = {"norm", "split", "unique", "stft", "new_tensor", "tolist"};
  static const std::set<std::string> kAlways = {"bool", "nelement", "numel"};
  const Select select(apply.callee());
  const std::string name = select.selector().name();
  if (!is_value(select.value()) || has_star(apply)) {
    return apply.tree();
  }
  if (name == "view" && apply.inputs().size() == 1 && is_dtype(apply.inputs()[0])) {
    return call_of(apply.range(), python_name("view_dtype"), {select.value()});
  }
  if (kAlways.count(name) == 0 && (kTraced.count(name) == 0 || !tracing())) {
    return apply.tree();
  }
  std::vector<Expr> inputs = elements_of(apply.inputs());
  inputs.insert(inputs.begin(), select.value());
  if (name == "new_tensor" && inputs.size() > 1) {
    inputs[1] = numbers(inputs[1]);
  }
  return with_callee(with_inputs(apply, inputs), python_name("method_" + name)).tree();
}

Expr ExpressionRewriter::iterable(const Expr& expr) const {
  if (!is_value(expr)) {
    return expr;
  }
  if (expr.kind() == torch::jit::TK_APPLY) {
    const Expr callee = Apply(expr).callee();
    const bool of_value = callee.kind() == '.' && is_value(Select(callee).value());
    static const std::set<std::string> kViews = {"items", "keys", "values"};
    if (!of_value || kViews.count(Select(callee).selector().name()) == 1) {
      return expr;
    }
  }
  return call_of(expr.range(), python_name("iter"), {expr});
}

TreeRef ExpressionRewriter::unpacked(const TreeRef& tree) const {
  const Assign assign(tree);
  if (assign.lhs_list().size() != 1 || !assign.rhs().present() || assign.type().present() ||
      assign.lhs_list()[0].kind() != torch::jit::TK_TUPLE_LITERAL) {
    return tree;
  }
  return Assign::create(tree->range(), assign.lhs_list(),
                        Maybe<Expr>::create(tree->range(), iterable(assign.rhs().get())), assign.type())
      .tree();
}

TreeRef ExpressionRewriter::context(const TreeRef& item) const {
  static const std::map<std::string, std::string> kContexts = {{"torch.set_grad_enabled", "set_grad_enabled"},
                                                               {"torch.autograd.set_grad_enabled", "set_grad_enabled"},
                                                               {"torch.autocast", "autocast"},
                                                               {"torch.amp.autocast", "autocast"},
                                                               {"torch.cpu.amp.autocast", "autocast"},
                                                               {"torch.cuda.amp.autocast", "autocast"},
                                                               {"torch.inference_mode", "inference_mode"}};
  const torch::jit::WithItem with(item);
  if (with.target().kind() != torch::jit::TK_APPLY) {
    return item;
  }
  const Apply apply(with.target());
  const auto path = dotted_path(apply.callee(), scope_);
  const auto found = path ? kContexts.find(*path) : kContexts.end();
  if (found == kContexts.end()) {
    return item;
  }
  return torch::jit::WithItem::create(item->range(), with_callee(apply, python_name("with_" + found->second)),
                                      with.var())
      .tree();
}

}  // namespace bertjit
