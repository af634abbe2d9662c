// Expressions.
#include "script/builtins.h"
#include "script/evaluator.h"
#include "script/object_values.h"
#include "script/python_error.h"

namespace bertjit {

using torch::jit::Apply;
using torch::jit::BinOp;
using torch::jit::Const;
using torch::jit::Expr;

namespace {

Object constant(const Const& literal) {
  if (literal.isComplex()) {
    refuse(literal.range(), "complex numbers are outside the subset");
  }
  return Object{literal.isIntegral() ? c10::IValue(literal.asIntegral()) : c10::IValue(literal.asFloatingPoint())};
}

Object name(const torch::jit::Var& variable, const ScopePtr& scope) {
  const auto& wanted = variable.name().name();
  if (const auto* found = scope->find(wanted)) {
    return *found;
  }
  refuse(variable.range(), "NameError: name '" + wanted + "' is not defined");
}

const char* binary_text(int kind) {
  switch (kind) {
    case torch::jit::TK_POW:
      return "**";
    case torch::jit::TK_FLOOR_DIV:
      return "//";
    case torch::jit::TK_LSHIFT:
      return "<<";
    case torch::jit::TK_RSHIFT:
      return ">>";
    case torch::jit::TK_LE:
      return "<=";
    case torch::jit::TK_GE:
      return ">=";
    case torch::jit::TK_EQ:
      return "==";
    case torch::jit::TK_NE:
      return "!=";
    case torch::jit::TK_IS:
      return "is";
    case torch::jit::TK_ISNOT:
      return "is not";
    case torch::jit::TK_IN:
      return "in";
    default:
      return nullptr;
  }
}

Object binary(const BinOp& expr, const ScopePtr& scope) {
  const Object left = evaluate(expr.lhs(), scope);
  const Object right = evaluate(expr.rhs(), scope);
  const char* text = binary_text(expr.kind());
  return binary_operation(text != nullptr ? text : std::string(1, static_cast<char>(expr.kind())), left, right,
                          expr.range());
}

Object logical(const BinOp& expr, const ScopePtr& scope) {
  Object left = evaluate(expr.lhs(), scope);
  const bool decided = is_true(left, expr.lhs().range()) == (expr.kind() == torch::jit::TK_OR);
  return decided ? left : evaluate(expr.rhs(), scope);
}

std::vector<Object> items(const torch::jit::List<Expr>& inputs, const ScopePtr& scope) {
  std::vector<Object> values;
  for (const auto& input : inputs) {
    if (input.kind() == torch::jit::TK_STARRED) {
      const auto more = iterate(evaluate(torch::jit::Starred(input.tree()).expr(), scope), input.range());
      values.insert(values.end(), more.begin(), more.end());
    } else {
      values.push_back(evaluate(input, scope));
    }
  }
  return values;
}

CallArguments arguments_of(const Apply& apply, const ScopePtr& scope) {
  CallArguments arguments{items(apply.inputs(), scope), {}};
  for (const auto& attribute : apply.attributes()) {
    const Object value = evaluate(attribute.value(), scope);
    if (attribute.name().name() != "**") {
      arguments.named.emplace_back(attribute.name().name(), value);
      continue;
    }
    const auto dict = value.as<DictObject>();
    if (!dict) {
      refuse(attribute.range(), "TypeError: argument after ** must be a mapping, not " + python_type_name(value));
    }
    for (const auto& [key, entry] : dict->items) {
      arguments.named.emplace_back(text_of(key), entry);
    }
  }
  return arguments;
}

// `super()` and `super(MyCell, self)`.
Object super_object(const Apply& apply, const ScopePtr& scope) {
  const bool plain = apply.inputs().size() == 0;
  const Object* type = scope->find("__class__");
  const Object* self = scope->find("__self__");
  if (!plain && apply.inputs().size() == 2) {
    const Object first = evaluate(apply.inputs()[0], scope);
    const Object second = evaluate(apply.inputs()[1], scope);
    if (!first.as<ClassObject>() || !second.as<InstanceObject>()) {
      refuse(apply.range(), "TypeError: super(type, obj): obj must be an instance or subtype of type");
    }
    return Object{
        std::make_shared<SuperObject>(SuperObject{first.as<ClassObject>()->base, second.as<InstanceObject>()})};
  }
  if (!plain || type == nullptr || self == nullptr || !self->as<InstanceObject>()) {
    refuse(apply.range(), "RuntimeError: super(): no arguments");
  }
  return Object{std::make_shared<SuperObject>(SuperObject{type->as<ClassObject>()->base, self->as<InstanceObject>()})};
}

// Nothing is printed, but what is said may draw random numbers; whether it can be said does not matter.
Object evaluate_print(const Apply& expr, const ScopePtr& scope) {
  try {
    arguments_of(expr, scope);
  } catch (const Error&) {
    // As if it had been said.
  }
  return none_object();
}

Object evaluate_call(const Apply& expr, const ScopePtr& scope) {
  if (expr.callee().kind() == torch::jit::TK_VAR) {
    const auto& callee = torch::jit::Var(expr.callee().tree()).name().name();
    if (callee == "print") {
      return evaluate_print(expr, scope);
    }
    if (callee == "super") {
      return super_object(expr, scope);
    }
  }
  const Object callee = evaluate(expr.callee(), scope);
  return call(callee, arguments_of(expr, scope), expr.range());
}

Object list_comprehension(const torch::jit::ListComp& expr, const ScopePtr& scope) {
  const auto inner = std::make_shared<PythonScope>(scope);
  std::vector<Object> values;
  for (const auto& item : iterate(evaluate(expr.iter(), scope), expr.iter().range())) {
    count_step(expr.range());
    assign(expr.target(), item, inner);
    values.push_back(evaluate(expr.elt(), inner));
  }
  return list_object(std::move(values));
}

void put(DictObject& dict, const Object& key, const Object& value, const torch::jit::SourceRange& where) {
  for (auto& [known, entry] : dict.items) {
    if (equal_objects(known, key, where)) {
      entry = value;
      return;
    }
  }
  dict.items.emplace_back(key, value);
}

Object dict_comprehension(const torch::jit::DictComp& expr, const ScopePtr& scope) {
  const auto inner = std::make_shared<PythonScope>(scope);
  auto dict = std::make_shared<DictObject>();
  for (const auto& item : iterate(evaluate(expr.iter(), scope), expr.iter().range())) {
    count_step(expr.range());
    assign(expr.target(), item, inner);
    put(*dict, evaluate(expr.key(), inner), evaluate(expr.value(), inner), expr.range());
  }
  return Object{dict};
}

Object dict_literal(const torch::jit::DictLiteral& expr, const ScopePtr& scope) {
  auto dict = std::make_shared<DictObject>();
  for (size_t i = 0; i < expr.key_inputs().size(); ++i) {
    const Object key = evaluate(expr.key_inputs()[i], scope);
    put(*dict, key, evaluate(expr.value_inputs()[i], scope), expr.range());
  }
  return Object{dict};
}

Object literal(const Expr& expr, const ScopePtr& scope) {
  switch (expr.kind()) {
    case torch::jit::TK_CONST:
      return constant(Const(expr.tree()));
    case torch::jit::TK_STRINGLITERAL:
      return string_object(torch::jit::StringLiteral(expr.tree()).text());
    case torch::jit::TK_TRUE:
    case torch::jit::TK_FALSE:
      return Object{c10::IValue(expr.kind() == torch::jit::TK_TRUE)};
    case torch::jit::TK_NONE:
      return none_object();
    case torch::jit::TK_LIST_LITERAL:
      return list_object(items(torch::jit::ListLiteral(expr.tree()).inputs(), scope));
    case torch::jit::TK_TUPLE_LITERAL:
      return tuple_object(items(torch::jit::TupleLiteral(expr.tree()).inputs(), scope));
    case torch::jit::TK_DICT_LITERAL:
      return dict_literal(torch::jit::DictLiteral(expr.tree()), scope);
    case torch::jit::TK_LIST_COMP:
      return list_comprehension(torch::jit::ListComp(expr.tree()), scope);
    case torch::jit::TK_DICT_COMP:
      return dict_comprehension(torch::jit::DictComp(expr.tree()), scope);
    default:
      refuse(expr.range(), "this expression is outside the subset");
  }
}

}  // namespace

Object evaluate(const Expr& expr, const ScopePtr& scope) {
  switch (expr.kind()) {
    case torch::jit::TK_VAR:
      return name(torch::jit::Var(expr.tree()), scope);
    case torch::jit::TK_APPLY:
      return evaluate_call(Apply(expr.tree()), scope);
    case '.': {
      const torch::jit::Select select(expr.tree());
      return get_attribute(evaluate(select.value(), scope), select.selector().name(), expr.range());
    }
    case torch::jit::TK_SUBSCRIPT: {
      const torch::jit::Subscript subscript(expr.tree());
      return get_item(evaluate(subscript.value(), scope), subscript, scope);
    }
    case torch::jit::TK_AND:
    case torch::jit::TK_OR:
      return logical(BinOp(expr.tree()), scope);
    case torch::jit::TK_NOT: {
      const Expr operand(expr.tree()->trees()[0]);
      return Object{c10::IValue(!is_true(evaluate(operand, scope), operand.range()))};
    }
    case torch::jit::TK_UNARY_MINUS:
    case '~': {
      const Object operand = evaluate(Expr(expr.tree()->trees()[0]), scope);
      return unary_operation(expr.kind() == '~' ? '~' : '-', operand, expr.range());
    }
    case torch::jit::TK_IF_EXPR: {
      const torch::jit::TernaryIf ternary(expr.tree());
      const bool taken = is_true(evaluate(ternary.cond(), scope), ternary.cond().range());
      return evaluate(taken ? ternary.true_expr() : ternary.false_expr(), scope);
    }
    case '<':
    case '>':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '@':
    case '&':
    case '^':
    case '|':
      return binary(BinOp(expr.tree()), scope);
    default:
      return binary_text(expr.kind()) != nullptr ? binary(BinOp(expr.tree()), scope) : literal(expr, scope);
  }
}

}  // namespace bertjit
