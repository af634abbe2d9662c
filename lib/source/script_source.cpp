#include "source/script_source.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "infer/guards.h"
#include "record/interpreter.h"
#include "script/compile.h"

namespace bertjit {

namespace {

/// Puts a module's data back at the end of the scope: numbers, strings, lists that a method assigns. Each run begins
/// with the module as the file made it. Tensors that are changed in place are the caller's to watch.
class AttributesGuard {
 public:
  explicit AttributesGuard(const Program& program) {
    if (program.self) {
      for (const auto& module : program.self->modules()) {
        keep(module._ivalue());
      }
    }
  }
  ~AttributesGuard() {
    for (const auto& [object, slot, value] : kept_) {
      object->setSlot(slot, value);
    }
  }
  AttributesGuard(const AttributesGuard&) = delete;
  AttributesGuard& operator=(const AttributesGuard&) = delete;

 private:
  void keep(const c10::intrusive_ptr<c10::ivalue::Object>& object) {
    for (size_t i = 0; i < object->type()->numAttributes(); ++i) {
      const c10::IValue& value = object->getSlot(i);
      if (!value.isObject()) {
        kept_.emplace_back(object, i, shallow_copy(value));
      }
    }
  }

  /// What is appended to a list stays out of its copy.
  static c10::IValue shallow_copy(const c10::IValue& value) {
    if (value.isList()) {
      return value.toList().copy();
    }
    return value.isGenericDict() ? c10::IValue(value.toGenericDict().copy()) : value;
  }

  std::vector<std::tuple<c10::intrusive_ptr<c10::ivalue::Object>, size_t, c10::IValue>> kept_;
};

/// What is declared, with the choice of an Optional made: Python's tracer knows whether it is None.
c10::TypePtr type_given(const c10::TypePtr& declared, const c10::IValue& value) {
  const auto optional = declared->cast<c10::OptionalType>();
  return optional == nullptr ? declared : value.isNone() ? c10::NoneType::get() : optional->getElementType();
}

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
  BoundBatch settled = drop_defaults(example, signature_);
  program_for(settled);
  return settled;
}

std::optional<torch::jit::Module> RecordableScript::module() const {
  // However often it is compiled, the tensors are those of the one instance.
  return programs_.empty() ? std::nullopt : programs_.begin()->second.self;
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
    types.push_back(argument.type != nullptr ? type_given(argument.type, value) : type_of_example(value));
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
  const Program& program = program_for(batch);
  const AttributesGuard attributes(program);
  return interpret(program, batch.values);
}

Recording RecordableScript::record(const BoundBatch& batch, const RecordOptions& options) {
  const Program& program = program_for(batch);
  const AttributesGuard attributes(program);
  return record_program(program, batch.values, options);
}

}  // namespace bertjit
