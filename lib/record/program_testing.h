// Programs from TorchScript text, for the tests of this room.
#pragma once

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <torch/csrc/jit/frontend/parser.h>
#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/frontend/sugared_value.h>
#include <torch/csrc/jit/passes/inliner.h>

#include "compare/compare.h"
#include "compare/graphs.h"
#include "compare/outputs.h"
#include "record/interpreter.h"
#include "record/record.h"
#include "testing/error_of.h"

namespace bertjit::testing {

/// The names that these tests use.
struct TestResolver : torch::jit::Resolver {
  std::shared_ptr<torch::jit::SugaredValue> resolveValue(const std::string& name, torch::jit::GraphFunction& function,
                                                         const torch::jit::SourceRange& where) override {
    using namespace torch::jit;
    if (name == "math" || name == "quantized") {
      return std::make_shared<BuiltinModule>(name == "math" ? "aten" : name);
    }
    if (name == "ValueError") {
      return std::make_shared<ExceptionValue>("builtins.ValueError");
    }
    if (name == "fork") {
      return SpecialFormValue::create(c10::prim::fork);
    }
    if (name == "wait") {
      return std::make_shared<BuiltinFunction>(c10::aten::wait, std::nullopt);
    }
    return nativeResolver()->resolveValue(name, function, where);
  }
};

/// The functions of `text`, compiled; line 1 of loop.py is the text's first.
inline std::shared_ptr<torch::jit::CompilationUnit> compile_functions(const std::string& text) {
  auto unit = std::make_shared<torch::jit::CompilationUnit>();
  torch::jit::Parser parser(std::make_shared<torch::jit::Source>(text, "loop.py", 1));
  std::vector<torch::jit::Def> definitions;
  while (parser.lexer().cur().kind != torch::jit::TK_EOF) {
    definitions.emplace_back(parser.parseFunction(/*is_method=*/false));
  }
  const std::vector<torch::jit::ResolverPtr> resolvers(definitions.size(), std::make_shared<TestResolver>());
  unit->define(std::nullopt, {}, {}, definitions, resolvers, nullptr);
  return unit;
}

/// The last function of `text`.
inline Program function_program(const std::string& text) {
  Program program;
  program.unit = compile_functions(text);
  const size_t name = text.rfind("def ") + 4;
  program.name = text.substr(name, text.find('(', name) - name);
  program.function = &program.unit->get_function(program.name);
  return program;
}

/// Adds the methods of `text` to a module's class; line 1 of cell.py is the text's first.
inline void define_methods(const torch::jit::Module& module, const std::string& text) {
  torch::jit::Parser parser(std::make_shared<torch::jit::Source>(text, "cell.py", 1));
  std::vector<torch::jit::Def> definitions;
  while (parser.lexer().cur().kind != torch::jit::TK_EOF) {
    definitions.emplace_back(parser.parseFunction(/*is_method=*/true));
  }
  const std::vector<torch::jit::ResolverPtr> resolvers(definitions.size(), std::make_shared<TestResolver>());
  const torch::jit::SimpleSelf self(module.type());
  module.type()->compilation_unit()->define(*module.type()->name(), {}, {}, definitions, resolvers, &self);
}

/// A module without methods or attributes but `training`, in `unit`.
inline torch::jit::Module bare_module(const std::string& name,
                                      const std::shared_ptr<torch::jit::CompilationUnit>& unit) {
  torch::jit::Module module("__torch__." + name, unit, /*shouldMangle=*/true);
  module.register_attribute("training", c10::BoolType::get(), false);
  return module;
}

inline bool same_values(const c10::IValue& expected, const c10::IValue& actual) {
  const auto left = flatten_outputs(expected);
  const auto right = flatten_outputs(actual);
  bool same = !left.empty() && left.size() == right.size();
  for (size_t i = 0; same && i < left.size(); ++i) {
    same = left[i].value.isTensor() && right[i].value.isTensor() &&
           same_bits(left[i].value.toTensor().detach(), right[i].value.toTensor().detach());
  }
  return same;
}

/// Copies of an example, for programs that change it.
inline torch::jit::Stack copied(const torch::jit::Stack& inputs) {
  torch::jit::Stack copies;
  for (const auto& input : inputs) {
    copies.push_back(input.deepcopy());
  }
  return copies;
}

inline c10::IValue run_traced(const Recording& recording, const torch::jit::Stack& inputs) {
  torch::jit::Module module = recording.module;
  return module.forward(copied(inputs));
}

/// The operators of a traced forward in order, submodules inlined: {"aten::size", "aten::view"}.
inline std::vector<std::string> operators(const torch::jit::Module& module) {
  const auto graph = module.get_method("forward").graph()->copy();
  torch::jit::Inline(*graph);
  std::vector<std::string> names;
  for (const auto* node : graph->nodes()) {
    const std::string name = node->kind().toQualString();
    if (name.starts_with("aten::")) {
      names.push_back(name);
    }
  }
  return names;
}

inline std::vector<std::string> found(const Recording& recording) {
  std::vector<std::string> names;
  for (const auto& finding : recording.findings) {
    names.emplace_back(finding_name(finding.kind));
  }
  return names;
}

inline std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) {
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

inline at::Tensor numbers(at::IntArrayRef shape) {
  int64_t count = 1;
  for (const int64_t size : shape) {
    count *= size;
  }
  return at::arange(1, count + 1, at::kFloat).div(7).reshape(shape);
}

}  // namespace bertjit::testing
