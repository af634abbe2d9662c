// `class X(torch.nn.Module):` evaluated.
#include "script/builtins.h"
#include "script/evaluator.h"
#include "script/object_values.h"
#include "script/python_error.h"
#include "script/script_file.h"

namespace bertjit {

using torch::jit::ClassDef;
using torch::jit::Def;
using torch::jit::Expr;
using torch::jit::Stmt;

namespace {

// What the decorators of a method say of it.
struct MethodKind {
  bool is_static = false;
  bool is_property = false;
  bool exported = false;
  bool ignored = false;
  std::vector<Expr> contexts;
};

MethodKind method_kind(const std::vector<Expr>& decorators, const std::shared_ptr<PythonScope>& scope) {
  MethodKind kind;
  for (const auto& expr : decorators) {
    const Object value = evaluate(expr, scope);
    const auto builtin = value.as<BuiltinObject>();
    const std::string name = builtin ? builtin->name : "";
    if (name == "staticmethod") {
      kind.is_static = true;
    } else if (name == "property") {
      kind.is_property = true;
    } else if (name == "torch.jit.export") {
      kind.exported = true;
    } else if (name == "torch.jit.ignore" || name == "torch.jit.unused") {
      kind.ignored = true;
    } else if (is_context(value)) {
      kind.contexts.push_back(expr);
    } else if (name != "typing.override" && name != "abc.abstractmethod") {
      refuse(expr.range(),
             "this decorator of a method is outside the subset: torch.jit.export, torch.jit.ignore, torch.jit.unused, "
             "torch.no_grad(), property and staticmethod are in it");
    }
  }
  return kind;
}

}  // namespace

Def in_context(const Def& def, const Expr& context) {
  using torch::jit::WithItem;
  const auto range = context.range();
  const auto item = WithItem::create(range, context, torch::jit::Maybe<torch::jit::Var>::create(range));
  const Stmt with(torch::jit::With::create(range, torch::jit::List<WithItem>::create(range, {item}), def.statements()));
  return Def::create(def.range(), def.name(), def.decl(), torch::jit::List<Stmt>::create(range, {with}));
}

std::shared_ptr<ClassObject> ScriptFile::base_of(const PythonStatement& statement, const Parsed& parsed) {
  if (parsed.bases.empty()) {
    return nullptr;
  }
  if (parsed.bases.size() > 1) {
    refuse(parsed.bases[1].range(), "several base classes are outside the subset");
  }
  const Object base = evaluate(parsed.bases[0], scope_);
  if (const auto type = base.as<ClassObject>()) {
    return type;
  }
  const auto builtin = base.as<BuiltinObject>();
  if (builtin && builtin->name == "object") {
    return nullptr;
  }
  refuse(parsed.bases[0].range(),
         "class " + statement.name + " has a base that is outside the subset (" +
             (builtin ? builtin->name : describe(base)) +
             "): torch.nn.Module and classes of its kind are in it, and classes without a base");
}

void ScriptFile::add_method(ClassObject& type, const Member& member, const std::shared_ptr<PythonScope>& body,
                            const std::shared_ptr<PythonScope>& closure) {
  const auto& name = member.statement.name;
  try {
    const MethodKind kind = method_kind(member.decorators, scope_);
    Def def = *member.def;
    for (const auto& context : kind.contexts) {
      def = in_context(def, context);
    }
    auto function = define_function(def, body);
    function->scope = closure;
    if (kind.is_static) {
      type.static_methods[name] = function;
    } else if (kind.is_property) {
      type.properties[name] = function;
    } else {
      type.methods[name] = function;
    }
    if (kind.exported) {
      type.exported.insert(name);
    }
    if (kind.ignored) {
      type.ignored.insert(name);
    }
    body->set(name, Object{function});
  } catch (const Error& error) {
    type.outside[name] = std::make_shared<const Error>(error);
  }
}

void ScriptFile::add_member(ClassObject& type, const Member& member, const std::shared_ptr<PythonScope>& body,
                            const std::shared_ptr<PythonScope>& closure) {
  if (member.outside) {
    const auto& names = member.statement.binds;
    for (const auto& name : names) {
      type.outside[name] = member.outside;
    }
  } else if (member.def) {
    add_method(type, member, body, closure);
  } else {
    for (const auto& statement : *member.body) {
      execute(statement, body);
      if (statement.kind() == torch::jit::TK_ASSIGN) {
        const torch::jit::Assign assignment(statement.tree());
        const auto targets = assignment.lhs_list();
        if (assignment.type().present() && targets[0].kind() == torch::jit::TK_VAR) {
          type.annotations.emplace(torch::jit::Var(targets[0].tree()).name().name(), assignment.type().get());
        }
      }
    }
  }
}

void ScriptFile::run_class(const PythonStatement& statement, const Parsed& parsed) {
  if (!parsed.decorators.empty()) {
    refuse(parsed.decorators[0].range(),
           "a decorated class is outside the subset: TorchScript classes and data classes "
           "cannot be made here; give a function tuples or tensors instead");
  }
  const auto base = base_of(statement, parsed);
  const auto range = file_->range(statement);
  std::vector<Stmt> statements;
  for (const auto& member : parsed.members) {
    if (member.def) {
      statements.emplace_back(member.def->tree());
    } else if (member.body) {
      for (const auto& inner : *member.body) {
        statements.push_back(inner);
      }
    }
  }
  const auto ident = torch::jit::Ident::create(range, statement.name);
  const auto superclass = parsed.bases.empty() ? torch::jit::Maybe<Expr>::create(range)
                                               : torch::jit::Maybe<Expr>::create(range, parsed.bases[0]);
  const std::string prefix = place_.module.empty() ? "__torch__." : "__torch__." + place_.module + ".";
  const auto type = std::make_shared<ClassObject>(ClassObject{
      statement.name, prefix + statement.name,
      ClassDef::create(range, ident, superclass, torch::jit::List<Stmt>::create(range, statements)), base, scope_});
  const auto closure = std::make_shared<PythonScope>(scope_);
  closure->set("__class__", Object{type});
  const auto body = std::make_shared<PythonScope>(scope_);
  for (const auto& member : parsed.members) {
    add_member(*type, member, body, closure);
  }
  for (const auto& [name, value] : body->own()) {
    const auto function = value.as<FunctionObject>();
    const bool method = function && (type->methods.count(name) != 0 || type->static_methods.count(name) != 0 ||
                                     type->properties.count(name) != 0);
    if (!method) {
      type->attributes[name] = value;
    }
  }
  scope_->set(statement.name, Object{type});
}

}  // namespace bertjit
