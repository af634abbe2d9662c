#include "script/types.h"

#include <map>
#include <set>
#include <utility>
#include <vector>

#include <torch/csrc/jit/frontend/parser.h>
#include <torch/csrc/jit/frontend/script_type_parser.h>

namespace bertjit {

using torch::jit::Expr;
using torch::jit::Ident;
using torch::jit::Select;
using torch::jit::SourceRange;
using torch::jit::Subscript;
using torch::jit::Var;

namespace {

/// Resolves no name: annotations are in the parser's own words by then.
class NoResolver : public torch::jit::Resolver {};

Expr named(const SourceRange& range, const std::string& name) {
  return Var::create(range, Ident::create(range, name));
}

Expr subscripted(const SourceRange& range, const std::string& name, const std::vector<Expr>& arguments) {
  // Not Subscript::create: it widens the range to the bracket after the arguments, which these need not have.
  return Expr(torch::jit::Compound::create(torch::jit::TK_SUBSCRIPT, range,
                                           {named(range, name), torch::jit::List<Expr>::create(range, arguments)}));
}

/// Full names to the type parser's.
std::optional<std::string> parser_name(const std::string& path) {
  static const std::map<std::string, std::string> kNames = {{"list", "List"},
                                                            {"tuple", "Tuple"},
                                                            {"dict", "Dict"},
                                                            {"torch.device", "Device"},
                                                            {"torch.dtype", "int"},
                                                            {"torch.layout", "int"},
                                                            {"torch.Tensor", "Tensor"},
                                                            {"torch.nn.Parameter", "Tensor"},
                                                            {"torch.nn.parameter.Parameter", "Tensor"}};
  static const std::set<std::string> kTyping = {"Any", "Dict", "Final", "List", "Optional", "Tuple", "Union"};
  if (const auto known = kNames.find(path); known != kNames.end()) {
    return known->second;
  }
  for (const std::string prefix : {"typing.", "torch.jit.", "typing_extensions."}) {
    if (path.rfind(prefix, 0) == 0 && kTyping.count(path.substr(prefix.size())) == 1) {
      return path.substr(prefix.size());
    }
  }
  if (path.rfind("torch.", 0) == 0 && path.size() > 12 && path.ends_with("Tensor")) {
    return "Tensor";  // torch.LongTensor
  }
  return std::nullopt;
}

bool is_none(const Expr& expr) {
  return expr.kind() == torch::jit::TK_NONE ||
         (expr.kind() == torch::jit::TK_VAR && Var(expr).name().name() == "NoneType");
}

/// `A | B | None` as Union[…], or Optional[A] of two.
Expr canonical_union(const Expr& annotation, const PythonScope& scope) {
  std::vector<Expr> members;
  bool has_none = false;
  for (const Expr& member : torch::jit::get_pep604_union_members(annotation)) {
    if (is_none(member)) {
      has_none = true;
    } else {
      members.push_back(canonical_annotation(member, scope));
    }
  }
  Expr type = members.size() == 1 ? members[0] : subscripted(annotation.range(), "Union", members);
  return has_none ? subscripted(annotation.range(), "Optional", {type}) : type;
}

Expr canonical_name(const Expr& annotation, const PythonScope& scope) {
  const auto path = dotted_path(annotation, scope);
  if (!path) {
    return annotation;
  }
  if (*path == "torch.Size") {
    return subscripted(annotation.range(), "List", {named(annotation.range(), "int")});
  }
  const auto name = parser_name(*path);
  return name ? named(annotation.range(), *name) : annotation;
}

Expr canonical_subscript(const Subscript& annotation, const PythonScope& scope) {
  const Expr base = canonical_name(annotation.value(), scope);
  std::vector<Expr> arguments;
  for (const Expr& argument : annotation.subscript_exprs()) {
    arguments.push_back(canonical_annotation(argument, scope));
  }
  if (base.kind() != torch::jit::TK_VAR) {
    return annotation;
  }
  const std::string name = Var(base).name().name();
  return name == "Final" && arguments.size() == 1 ? arguments[0] : subscripted(annotation.range(), name, arguments);
}

/// BroadcastingList2[int] as List[int]. The type parser knows it for arguments alone.
Expr without_broadcasting(const Expr& annotation) {
  if (annotation.kind() != torch::jit::TK_SUBSCRIPT || Subscript(annotation).value().kind() != torch::jit::TK_VAR) {
    return annotation;
  }
  const Subscript subscript(annotation);
  std::vector<Expr> arguments;
  for (const Expr& argument : subscript.subscript_exprs()) {
    arguments.push_back(without_broadcasting(argument));
  }
  const std::string name = Var(subscript.value()).name().name();
  return subscripted(annotation.range(), name.rfind("BroadcastingList", 0) == 0 ? "List" : name, arguments);
}

/// An annotation in quotes. Its places are those of the quoted text.
Expr parse_quoted(const torch::jit::StringLiteral& literal) {
  const auto source = std::make_shared<torch::jit::Source>(literal.text());
  return torch::jit::Parser(source).parseExp();
}

}  // namespace

std::optional<std::string> dotted_path(const Expr& expr, const PythonScope& scope) {
  if (expr.kind() == '.') {
    const Select select(expr);
    const auto base = dotted_path(select.value(), scope);
    return base ? std::make_optional(*base + "." + select.selector().name()) : std::nullopt;
  }
  if (expr.kind() != torch::jit::TK_VAR) {
    return std::nullopt;
  }
  const std::string& name = Var(expr).name().name();
  const Object* object = scope.find(name);
  if (object == nullptr) {
    return name;
  }
  if (const auto* space = object->get<NamespaceObject>()) {
    return space->path;
  }
  const auto builtin = object->as<BuiltinObject>();
  return builtin ? std::make_optional(builtin->name) : std::nullopt;
}

Expr canonical_annotation(const Expr& annotation, const PythonScope& scope) {
  switch (annotation.kind()) {
    case torch::jit::TK_STRINGLITERAL:
      return canonical_annotation(parse_quoted(torch::jit::StringLiteral(annotation)), scope);
    case torch::jit::TK_SUBSCRIPT:
      return canonical_subscript(Subscript(annotation), scope);
    case torch::jit::TK_VAR:
    case '.':
      return canonical_name(annotation, scope);
    case '|':
      return canonical_union(annotation, scope);
    default:
      return annotation;
  }
}

bool is_final(const Expr& annotation, const PythonScope& scope) {
  const Expr base = annotation.kind() == torch::jit::TK_SUBSCRIPT ? Subscript(annotation).value() : annotation;
  const auto path = dotted_path(base, scope);
  return path && (*path == "Final" || parser_name(*path) == "Final");
}

c10::TypePtr parse_annotation(const Expr& annotation, const PythonScope& scope) {
  const torch::jit::ScriptTypeParser parser(std::make_shared<NoResolver>());
  return parser.parseTypeFromExpr(without_broadcasting(canonical_annotation(annotation, scope)));
}

}  // namespace bertjit
