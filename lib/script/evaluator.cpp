#include "script/evaluator.h"

#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include "script/builtins.h"
#include "script/compile_error.h"
#include "script/object_values.h"
#include "script/python_error.h"

namespace bertjit {

using torch::jit::Assign;
using torch::jit::Def;
using torch::jit::Expr;
using torch::jit::SourceRange;
using torch::jit::Stmt;

namespace {

const char* operator_text(int kind) {
  switch (kind) {
    case torch::jit::TK_POW:
      return "**";
    case torch::jit::TK_FLOOR_DIV:
      return "//";
    case torch::jit::TK_LSHIFT:
      return "<<";
    case torch::jit::TK_RSHIFT:
      return ">>";
    case '+':
      return "+";
    case '-':
      return "-";
    case '*':
      return "*";
    case '/':
      return "/";
    case '%':
      return "%";
    case '|':
      return "|";
    case '&':
      return "&";
    default:
      return "^";
  }
}

// `x += y` changes a list or a tensor in place; anything else is `x = x + y`.
Object augmented(int kind, const Object& left, const Object& right, const SourceRange& where) {
  if (const auto list = left.as<ListObject>(); list && kind == '+') {
    const auto more = iterate(right, where);
    list->items.insert(list->items.end(), more.begin(), more.end());
    return left;
  }
  if (left.as<InstanceObject>() && kind == '+') {
    call(get_attribute(left, "extend", where), {{right}, {}}, where);  // ModuleList
    return left;
  }
  if (tensor_of(left) != nullptr) {
    static const std::map<int, std::string> kInPlace = {
        {'+', "add_"}, {'-', "sub_"}, {'*', "mul_"}, {'/', "div_"}, {'%', "remainder_"}, {torch::jit::TK_POW, "pow_"}};
    if (const auto found = kInPlace.find(kind); found != kInPlace.end()) {
      return call_operator(found->second, left, {{right}, {}}, where);
    }
  }
  return binary_operation(operator_text(kind), left, right, where);
}

void execute_augmented(const torch::jit::AugAssign& statement, const ScopePtr& scope) {
  const Object left = evaluate(statement.lhs(), scope);
  const Object right = evaluate(statement.rhs(), scope);
  assign(statement.lhs(), augmented(statement.aug_op(), left, right, statement.range()), scope);
}

void execute_assign(const Assign& statement, const ScopePtr& scope) {
  if (!statement.rhs().present()) {
    return;  // `x: int` declares
  }
  const Object value = evaluate(statement.rhs().get(), scope);
  for (const auto& target : statement.lhs_list()) {
    assign(target, value, scope);
    if (statement.type().present() && target.kind() == '.') {
      const torch::jit::Select select(target.tree());
      if (const auto instance = evaluate(select.value(), scope).as<InstanceObject>()) {
        instance->type->annotations.emplace(select.selector().name(), statement.type().get());
      }
    }
  }
}

Executed loop_body(const torch::jit::List<Stmt>& body, const ScopePtr& scope, bool& stop) {
  Executed outcome = execute(body, scope);
  stop = outcome.flow == Flow::kBreak || outcome.flow == Flow::kReturn;
  if (outcome.flow != Flow::kReturn) {
    outcome.flow = Flow::kNormal;
  }
  return outcome;
}

// `a, *b, c = values`.
void unpack(const torch::jit::List<Expr>& targets, const Object& value, const SourceRange& where,
            const ScopePtr& scope) {
  const auto items = iterate(value, where);
  size_t star = targets.size();
  for (size_t i = 0; i < targets.size(); ++i) {
    star = targets[i].kind() == torch::jit::TK_STARRED ? i : star;
  }
  const bool starred = star < targets.size();
  const size_t least = targets.size() - (starred ? 1 : 0);
  if (items.size() < least) {
    refuse(where, "ValueError: not enough values to unpack (expected " + std::string(starred ? "at least " : "") +
                      std::to_string(least) + ", got " + std::to_string(items.size()) + ")");
  }
  if (items.size() > least && !starred) {
    refuse(where, "ValueError: too many values to unpack (expected " + std::to_string(least) + ")");
  }
  size_t at = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (i != star) {
      assign(targets[i], items[at++], scope);
      continue;
    }
    const size_t count = items.size() - least;
    const auto first = items.begin() + static_cast<std::ptrdiff_t>(at);
    assign(torch::jit::Starred(targets[i].tree()).expr(),
           list_object({first, first + static_cast<std::ptrdiff_t>(count)}), scope);
    at += count;
  }
}

Executed execute_for(const torch::jit::For& statement, const ScopePtr& scope) {
  if (statement.itrs().size() != 1) {
    refuse(statement.range(), "a loop over several things at once is outside the subset");
  }
  for (const auto& item : iterate(evaluate(statement.itrs()[0], scope), statement.itrs()[0].range())) {
    count_step(statement.range());
    if (statement.targets().size() == 1) {
      assign(statement.targets()[0], item, scope);
    } else {
      unpack(statement.targets(), item, statement.targets().range(), scope);
    }
    bool stop = false;
    Executed outcome = loop_body(statement.body(), scope, stop);
    if (stop) {
      return outcome;
    }
  }
  return {};
}

Executed execute_while(const torch::jit::While& statement, const ScopePtr& scope) {
  while (is_true(evaluate(statement.cond(), scope), statement.cond().range())) {
    count_step(statement.range());
    bool stop = false;
    Executed outcome = loop_body(statement.body(), scope, stop);
    if (stop) {
      return outcome;
    }
  }
  return {};
}

Executed execute_with(const torch::jit::With& statement, const ScopePtr& scope) {
  std::vector<std::shared_ptr<void>> guards;
  for (const auto& item : statement.targets()) {
    guards.push_back(enter_context(evaluate(item.target(), scope), item.range()));
  }
  Executed outcome = execute(statement.body(), scope);
  while (!guards.empty()) {
    guards.pop_back();
  }
  return outcome;
}

[[noreturn]] void raise(const torch::jit::Raise& statement, const ScopePtr& scope) {
  const Expr expr = statement.expr();
  std::string name = "Exception";
  std::string message;
  if (expr.kind() == torch::jit::TK_APPLY) {
    const torch::jit::Apply apply(expr.tree());
    name = std::string(apply.callee().range().text().str());
    for (const auto& input : apply.inputs()) {
      message += (message.empty() ? "" : ", ") + text_of(evaluate(input, scope));
    }
  } else {
    name = expr.range().text().str();
  }
  refuse(statement.range(), message.empty() ? name : name + ": " + message);
}

void check_assertion(const torch::jit::Assert& statement, const ScopePtr& scope) {
  if (!is_true(evaluate(statement.test(), scope), statement.test().range())) {
    const bool said = statement.msg().present();
    refuse(statement.range(),
           said ? "AssertionError: " + text_of(evaluate(statement.msg().get(), scope)) : "AssertionError");
  }
}

void execute_delete(const torch::jit::Delete& statement, const ScopePtr& scope) {
  for (const auto& target : statement.targets()) {
    if (target.kind() == torch::jit::TK_VAR) {
      scope->remove(torch::jit::Var(target.tree()).name().name());
    } else if (target.kind() == torch::jit::TK_SUBSCRIPT) {
      const torch::jit::Subscript subscript(target.tree());
      delete_item(evaluate(subscript.value(), scope), subscript, scope);
    } else {
      const torch::jit::Select select(target.tree());
      delete_attribute(evaluate(select.value(), scope), select.selector().name(), target.range());
    }
  }
}

Executed execute_one(const Stmt& statement, const ScopePtr& scope) {
  count_step(statement.range());
  switch (statement.kind()) {
    case torch::jit::TK_ASSIGN:
      execute_assign(Assign(statement.tree()), scope);
      return {};
    case torch::jit::TK_AUG_ASSIGN:
      execute_augmented(torch::jit::AugAssign(statement.tree()), scope);
      return {};
    case torch::jit::TK_EXPR_STMT:
      evaluate(torch::jit::ExprStmt(statement.tree()).expr(), scope);
      return {};
    case torch::jit::TK_IF: {
      const torch::jit::If branch(statement.tree());
      const bool taken = is_true(evaluate(branch.cond(), scope), branch.cond().range());
      return execute(taken ? branch.trueBranch() : branch.falseBranch(), scope);
    }
    case torch::jit::TK_FOR:
      return execute_for(torch::jit::For(statement.tree()), scope);
    case torch::jit::TK_WHILE:
      return execute_while(torch::jit::While(statement.tree()), scope);
    case torch::jit::TK_WITH:
      return execute_with(torch::jit::With(statement.tree()), scope);
    case torch::jit::TK_RETURN:
      return {Flow::kReturn, evaluate(torch::jit::Return(statement.tree()).expr(), scope)};
    case torch::jit::TK_RAISE:
      raise(torch::jit::Raise(statement.tree()), scope);
    case torch::jit::TK_ASSERT:
      check_assertion(torch::jit::Assert(statement.tree()), scope);
      return {};
    case torch::jit::TK_DEF: {
      const Def def(statement.tree());
      scope->set(def.name().name(), Object{define_function(def, scope)});
      return {};
    }
    case torch::jit::TK_DELETE:
      execute_delete(torch::jit::Delete(statement.tree()), scope);
      return {};
    case torch::jit::TK_PASS:
      return {};
    case torch::jit::TK_BREAK:
      return {Flow::kBreak, {}};
    case torch::jit::TK_CONTINUE:
      return {Flow::kContinue, {}};
    default:
      refuse(statement.range(), "this statement is outside the subset");
  }
}

}  // namespace

void count_step(const SourceRange& where) {
  if (++evaluation().steps > evaluation().step_limit) {
    refuse(where, "more than " + std::to_string(evaluation().step_limit) +
                      " statements were evaluated: is this a loop without end?");
  }
}

void execute(const Stmt& statement, const ScopePtr& scope) {
  try {
    execute_one(statement, scope);
  } catch (...) {
    rethrow_as_error(statement.range());
  }
}

Executed execute(const torch::jit::List<Stmt>& statements, const ScopePtr& scope) {
  for (const auto& statement : statements) {
    try {
      Executed outcome = execute_one(statement, scope);
      if (outcome.flow != Flow::kNormal) {
        return outcome;
      }
    } catch (...) {
      rethrow_as_error(statement.range());
    }
  }
  return {};
}

void assign(const Expr& target, const Object& value, const ScopePtr& scope) {
  switch (target.kind()) {
    case torch::jit::TK_VAR:
      scope->set(torch::jit::Var(target.tree()).name().name(), value);
      break;
    case '.': {
      const torch::jit::Select select(target.tree());
      set_attribute(evaluate(select.value(), scope), select.selector().name(), value, target.range());
      break;
    }
    case torch::jit::TK_SUBSCRIPT: {
      const torch::jit::Subscript subscript(target.tree());
      set_item(evaluate(subscript.value(), scope), subscript, value, scope);
      break;
    }
    case torch::jit::TK_TUPLE_LITERAL:
      unpack(torch::jit::TupleLiteral(target.tree()).inputs(), value, target.range(), scope);
      break;
    case torch::jit::TK_LIST_LITERAL:
      unpack(torch::jit::ListLiteral(target.tree()).inputs(), value, target.range(), scope);
      break;
    default:
      refuse(target.range(), "this cannot be assigned to");
  }
}

std::shared_ptr<FunctionObject> define_function(const Def& def, const ScopePtr& scope) {
  auto function = std::make_shared<FunctionObject>(FunctionObject{def.name().name(), def, scope, {}});
  for (const auto& parameter : def.decl().params()) {
    if (parameter.defaultValue().present()) {
      function->defaults.emplace(parameter.ident().name(), evaluate(parameter.defaultValue().get(), scope));
    }
  }
  return function;
}

}  // namespace bertjit
