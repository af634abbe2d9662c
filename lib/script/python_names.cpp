// Which names a tree reads.
#include "script/python_file.h"

namespace bertjit {

using torch::jit::TreeRef;

namespace {

struct Names {
  std::set<std::string> reads;
  std::set<std::string> binds;
};

void collect(const TreeRef& tree, Names& names);

std::string identifier(const TreeRef& tree) {
  return torch::jit::Ident(tree).name();
}

void collect_all(const TreeRef& tree, Names& names) {
  for (const auto& child : tree->trees()) {
    collect(child, names);
  }
}

void bind_target(const TreeRef& target, Names& names) {
  switch (target->kind()) {
    case torch::jit::TK_VAR:
      names.binds.insert(identifier(target->trees()[0]));
      break;
    case torch::jit::TK_TUPLE_LITERAL:
    case torch::jit::TK_LIST_LITERAL:
    case torch::jit::TK_LIST:
    case torch::jit::TK_STARRED:
      for (const auto& part : target->trees()) {
        bind_target(part, names);
      }
      break;
    default:
      collect(target, names);
  }
}

void add_free(const Names& inner, Names& names) {
  for (const auto& name : inner.reads) {
    if (inner.binds.count(name) == 0) {
      names.reads.insert(name);
    }
  }
}

void collect_function(const TreeRef& tree, Names& names) {
  const torch::jit::Def def(tree);
  Names inner;
  for (const auto& parameter : def.decl().params()) {
    inner.binds.insert(parameter.ident().name());
    const auto& written = parameter.ident().name();
    inner.binds.insert(written.substr(written.find_first_not_of('*')));
    collect_all(parameter.type().tree(), names);
    collect_all(parameter.defaultValue().tree(), names);
  }
  collect_all(def.decl().return_type().tree(), names);
  collect(def.statements().tree(), inner);
  add_free(inner, names);
}

void collect_comprehension(const TreeRef& tree, Names& names) {
  const size_t count = tree->trees().size();
  Names inner;
  bind_target(tree->trees()[count - 2], inner);
  for (size_t i = 0; i < count; ++i) {
    if (i != count - 2) {
      collect(tree->trees()[i], inner);
    }
  }
  add_free(inner, names);
}

void collect(const TreeRef& tree, Names& names) {
  if (tree->isAtom()) {
    return;
  }
  const auto& parts = tree->trees();
  switch (tree->kind()) {
    case torch::jit::TK_VAR:
      names.reads.insert(identifier(parts[0]));
      break;
    case torch::jit::TK_ASSIGN:
      bind_target(parts[0], names);
      collect(parts[1], names);
      collect(parts[2], names);
      break;
    case torch::jit::TK_FOR:
      bind_target(parts[0], names);
      collect(parts[1], names);
      collect(parts[2], names);
      break;
    case torch::jit::TK_WITH_ITEM:
      collect(parts[0], names);
      for (const auto& variable : parts[1]->trees()) {
        bind_target(variable, names);
      }
      break;
    case torch::jit::TK_LIST_COMP:
    case torch::jit::TK_DICT_COMP:
      collect_comprehension(tree, names);
      break;
    case torch::jit::TK_DEF:
      names.binds.insert(torch::jit::Def(tree).name().name());
      collect_function(tree, names);
      break;
    case torch::jit::TK_ATTRIBUTE:
      collect(parts[1], names);
      break;
    case '.':
      collect(parts[0], names);
      break;
    default:
      collect_all(tree, names);
  }
}

}  // namespace

std::set<std::string> free_names(const TreeRef& tree) {
  Names names;
  collect(tree, names);
  return names.reads;
}

}  // namespace bertjit
