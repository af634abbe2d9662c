#include "record/arguments.h"

#include <algorithm>

#include "support/error.h"

namespace bertjit {

namespace {

[[noreturn]] void refuse(const Program& program, const std::string& what) {
  throw Error(ErrorKind::kInvalidArgument, program.name + ": " + what);
}

std::string names_of(const std::vector<ProgramInput>& inputs) {
  std::string names;
  for (const auto& input : inputs) {
    names += (names.empty() ? "" : ", ") + input.name;
  }
  return names;
}

void check_type(const Program& program, const ProgramInput& input, const c10::IValue& value) {
  const auto type = value.type();
  if (!type->isSubtypeOf(*input.type)) {
    refuse(program,
           "argument '" + input.name + "' is " + input.type->annotation_str() + ", not " + type->annotation_str());
  }
}

}  // namespace

bool is_traceable(const c10::IValue& value) {
  const auto all = [](const auto& values) { return std::all_of(values.begin(), values.end(), is_traceable); };
  if (value.isTuple()) {
    return all(value.toTupleRef().elements());
  }
  if (value.isList()) {
    return all(value.toListRef());
  }
  if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      if (!is_traceable(entry.value())) {
        return false;
      }
    }
    return true;
  }
  return value.isTensor() && value.toTensor().defined();
}

std::vector<ProgramInput> program_inputs(const Program& program) {
  std::vector<ProgramInput> inputs;
  const auto& arguments = program.function->getSchema().arguments();
  const size_t first = program.self ? 1 : 0;
  for (size_t i = first; i < arguments.size(); ++i) {
    if (!program.fixed.contains(i - first)) {
      inputs.push_back({arguments[i].name(), i, arguments[i].type()});
    }
  }
  return inputs;
}

std::vector<c10::IValue> call_arguments(const Program& program, const torch::jit::Stack& inputs) {
  const auto& arguments = program.function->getSchema().arguments();
  const auto wanted = program_inputs(program);
  if (inputs.size() > wanted.size()) {
    refuse(program, std::to_string(inputs.size()) + " inputs for " + std::to_string(wanted.size()) + " arguments (" +
                        names_of(wanted) + ")");
  }
  std::vector<c10::IValue> values(arguments.size());
  if (program.self) {
    values[0] = program.self->_ivalue();
  }
  for (const auto& [position, value] : program.fixed) {
    values.at(position + (program.self ? 1 : 0)) = value;
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto& otherwise = arguments[wanted[i].position].default_value();
    if (i >= inputs.size() && !otherwise) {
      refuse(program, "no input for argument '" + wanted[i].name + "'");
    }
    values[wanted[i].position] = i < inputs.size() ? inputs[i] : *otherwise;
    check_type(program, wanted[i], values[wanted[i].position]);
  }
  return values;
}

}  // namespace bertjit
