#include "script/compile_outside.h"

#include <string_view>

#include "script/python_error.h"
#include "script/python_rewrite.h"

namespace bertjit {

using torch::jit::Apply;
using torch::jit::Compound;
using torch::jit::Expr;
using torch::jit::TreeRef;
using torch::jit::Var;

namespace {

bool calls(const TreeRef& tree, std::string_view function) {
  if (tree->kind() != torch::jit::TK_APPLY) {
    return false;
  }
  const Expr callee = Apply(tree).callee();
  return callee.kind() == torch::jit::TK_VAR && Var(callee).name().name() == function;
}

/// A message that people read, with `{value!r:>8}` said as `{value}`: TorchScript has no formats.
TreeRef without_formats(const TreeRef& tree) {
  if (calls(tree, kFormatName)) {
    return without_formats(Apply(tree).inputs()[0].tree());
  }
  return tree->isAtom() ? tree : tree->map(without_formats);
}

}  // namespace

TreeRef with_plain_message(const TreeRef& tree) {
  if (tree->kind() == torch::jit::TK_ASSERT) {
    return Compound::create(tree->kind(), tree->range(), {tree->trees()[0], without_formats(tree->trees()[1])});
  }
  return tree->kind() == torch::jit::TK_RAISE || calls(tree, "print") ? without_formats(tree) : tree;
}

void refuse_outside(const TreeRef& tree) {
  if (calls(tree, kFormatName)) {
    refuse(tree->range(), "a conversion or format in an f-string is outside what is compiled, but in messages: use {}");
  }
  if (calls(tree, kFlattenName)) {
    refuse(tree->range(),
           "a comprehension with 'if' or with two 'for' is outside what is compiled: write a loop that appends");
  }
  if (tree->kind() == torch::jit::TK_DEF) {
    refuse(torch::jit::Def(tree).name().range(),
           "a function inside a function is outside what is compiled: define it at the top of the file and give it "
           "what it needs as arguments");
  }
}

}  // namespace bertjit
