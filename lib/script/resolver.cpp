#include "script/resolver.h"

#include <string>
#include <utility>

#include "script/compile_rewrite.h"
#include "script/expression_rewrite.h"
#include "script/sugared.h"
#include "script/sugared_module.h"
#include "script/sugared_python.h"

namespace bertjit {

using torch::jit::GraphFunction;
using torch::jit::SourceRange;
using torch::jit::SugaredValuePtr;

namespace {

class ScopeResolver : public torch::jit::Resolver {
 public:
  ScopeResolver(Compilation& compilation, Callee callee, Constants constants)
      : compilation_(compilation), callee_(std::move(callee)), constants_(std::move(constants)) {}

  SugaredValuePtr resolveValue(const std::string& name, GraphFunction& caller, const SourceRange& where) override {
    if (SugaredValuePtr value = resolve_rewritten(name)) {
      return value;
    }
    if (const auto constant = constants_.find(name); constant != constants_.end()) {
      return sugar(compilation_, Object{constant->second}, name, caller, where);
    }
    if (name == "super" && callee_.is_method()) {
      return super_value(compilation_, callee_);
    }
    if (callee_.captured != nullptr && name == callee_.function->def.decl().params()[0].ident().name()) {
      return captured_module_value(compilation_, callee_.captured);
    }
    if (const Object* object = callee_.function->scope->find(name)) {
      return sugar(compilation_, *object, name, caller, where);
    }
    return exception_value(name);
  }

  c10::TypePtr resolveType(const std::string& name, const SourceRange& /*where*/) override {
    return name.rfind(kTypePrefix, 0) == 0 ? compilation_.named_type(name) : nullptr;
  }

 private:
  /// The names that rewriting put into the text.
  SugaredValuePtr resolve_rewritten(const std::string& name) {
    if (name.rfind(kSplatPrefix, 0) == 0) {
      return splat_value(name.substr(kSplatPrefix.size()));
    }
    if (name.rfind(kComparePrefix, 0) == 0) {
      return compare_value(name.substr(kComparePrefix.size()));
    }
    if (name.rfind(kSlicePrefix, 0) == 0) {
      return slice_value(compilation_, callee_, name.substr(kSlicePrefix.size()));
    }
    if (name.rfind(kPythonPrefix, 0) == 0) {
      return python_value(compilation_, held_, name.substr(kPythonPrefix.size()));
    }
    if (name == kLenName) {
      return len_value(compilation_);
    }
    return name == kRangeName ? unrolled_range_value() : nullptr;
  }

  Compilation& compilation_;
  Callee callee_;
  Constants constants_;
  HeldValues held_;
};

}  // namespace

torch::jit::ResolverPtr make_resolver(Compilation& compilation, const Callee& callee, Constants constants) {
  return std::make_shared<ScopeResolver>(compilation, callee, std::move(constants));
}

}  // namespace bertjit
