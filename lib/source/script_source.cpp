#include "source/script_source.h"

#include <algorithm>
#include <utility>

#include "infer/guards.h"
#include "record/interpreter.h"
#include "script/compile.h"

namespace bertjit {

namespace {

bool has_input(const Signature& signature, const std::string& name) {
  return std::ranges::find(signature.inputs, name, &Argument::name) != signature.inputs.end();
}

}  // namespace

RecordableScript::RecordableScript(Object callable, const std::string& owner) : callable_(std::move(callable)) {
  signature_.owner = owner;
  for (const auto& parameter : parameters_of(callable_)) {
    Argument argument;
    argument.name = parameter.name;
    argument.type = parameter.annotation;
    if (parameter.default_value) {
      argument.default_value = to_ivalue(*parameter.default_value);
    }
    arguments_.push_back(argument);
  }
  signature_.inputs = arguments_;
}

BoundBatch RecordableScript::settle(const BoundBatch& example) {
  return drop_defaults(example, signature_);
}

const Program& RecordableScript::program_for(const BoundBatch& batch) {
  std::vector<c10::TypePtr> types;
  std::map<size_t, c10::IValue> fixed;
  std::string key;
  size_t next = 0;
  for (size_t i = 0; i < arguments_.size(); ++i) {
    const Argument& argument = arguments_[i];
    const bool given = has_input(signature_, argument.name);
    const c10::IValue value = given ? batch.values.at(next++) : argument.default_value.value();
    if (!given) {
      fixed[i] = value;
    }
    types.push_back(argument.type != nullptr ? argument.type : type_of_example(value));
    key += types.back()->annotation_str() + (given ? "," : "!,");
  }
  auto found = programs_.find(key);
  if (found == programs_.end()) {
    Program program = compile_program(callable_, types, CompileMode::kTrace);
    program.fixed = std::move(fixed);
    found = programs_.emplace(key, std::move(program)).first;
  }
  return found->second;
}

c10::IValue RecordableScript::run(const BoundBatch& batch, GradMode grad) {
  const GradGuard guard(grad);
  return interpret(program_for(batch), batch.values);
}

Recording RecordableScript::record(const BoundBatch& batch, const RecordOptions& options) {
  return record_program(program_for(batch), batch.values, options);
}

}  // namespace bertjit
