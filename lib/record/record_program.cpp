#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/frontend/tracer.h>

#include "infer/guards.h"
#include "record/arguments.h"
#include "record/record.h"
#include "record/recorder.h"
#include "record/trace_session.h"
#include "support/error.h"

namespace bertjit {

namespace jit = torch::jit;
namespace tracer = torch::jit::tracer;

namespace {

/// Which arguments become inputs of the graph, by position in the schema; those left to their default do not.
std::vector<size_t> graph_inputs(const Program& program, const jit::Stack& example) {
  const auto wanted = program_inputs(program);
  std::vector<size_t> positions;
  for (size_t i = 0; i < example.size() && i < wanted.size(); ++i) {
    if (!is_traceable(example[i])) {
      throw Error(ErrorKind::kInvalidArgument,
                  program.name + ": argument '" + wanted[i].name + "' is " + example[i].type()->annotation_str() +
                      ": only tensors, and (possibly nested) lists, tuples and dicts of tensors can be traced");
    }
    positions.push_back(wanted[i].position);
  }
  return positions;
}

std::pair<std::shared_ptr<tracer::TracingState>, jit::Stack> traced(const Program& program, jit::Stack inputs,
                                                                    const std::function<jit::Stack(jit::Stack)>& run,
                                                                    jit::Module* self,
                                                                    const std::vector<std::string>& names) {
  try {
    return tracer::trace(
        std::move(inputs), run, [](const at::Tensor&) { return ""; }, /*strict=*/false, /*force_outplace=*/false, self,
        names);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    // Of libtorch's own, around the program's run: the program's have their place already.
    throw Error(ErrorKind::kInvalidArgument, program.name + ": " + essential_words(error));
  }
}

}  // namespace

jit::Module function_module(jit::Function& function, const std::shared_ptr<jit::CompilationUnit>& unit) {
  const c10::QualifiedName name("__torch__.PlaceholderModule");
  jit::Module module(name, unit, /*shouldMangle=*/unit->get_class(name) != nullptr);
  module.register_attribute("training", c10::BoolType::get(), true);
  const auto graph = jit::toGraphFunction(function).graph()->copy();
  graph->insertInput(0, "self")->setType(module._ivalue()->type());
  jit::Function& forward = add_forward(module, graph);
  // A graph does not know the default values of arguments; the function does.
  const c10::FunctionSchema& schema = function.getSchema();
  std::vector<c10::Argument> arguments{c10::Argument("self", module._ivalue()->type())};
  arguments.insert(arguments.end(), schema.arguments().begin(), schema.arguments().end());
  forward.setSchema(c10::FunctionSchema("forward", "", std::move(arguments), schema.returns()));
  return module;
}

Recording record_program(const Program& program, const jit::Stack& example, const RecordOptions& options) {
  auto arguments = call_arguments(program, example);
  const auto positions = graph_inputs(program, example);
  Recording recording;
  const WarningCollector collector(recording.warnings);
  const GradGuard grad(options.grad);
  recording.unit = std::make_shared<jit::CompilationUnit>();
  std::optional<ModuleTree> tree;
  std::optional<BufferGuard> buffers;
  if (program.self) {
    buffers.emplace(*program.self);
    tree.emplace(*program.self, program.whole_types, recording.unit);
    recording.module = tree->root();
    arguments[0] = recording.module._ivalue();
  }
  Findings findings;
  Recorder recorder(program, options, tree ? &*tree : nullptr, recording.unit, findings);

  std::vector<std::string> names;
  jit::Stack inputs;
  for (const size_t position : positions) {
    names.push_back(program.function->getSchema().arguments()[position].name());
    inputs.push_back(arguments[position]);
  }
  const auto run = [&](jit::Stack given) -> jit::Stack {
    for (size_t i = 0; i < positions.size(); ++i) {
      arguments[positions[i]] = given[i];
    }
    Slots slots;
    for (auto& argument : arguments) {
      slots.push_back({std::move(argument)});
    }
    given.clear();
    return {recorder.record(std::move(slots), positions)};
  };
  auto [state, outputs] = traced(program, std::move(inputs), run, tree ? &recording.module : nullptr, names);
  clean_graph(state->graph);
  if (tree) {
    add_forward(recording.module, state->graph);
  } else {
    recording.function =
        recording.unit->create_function(qualified_function_name(program.name), state->graph, /*shouldMangle=*/true);
    recording.module = function_module(*recording.function, recording.unit);
  }
  add_graph_findings(*state->graph, recorder.literals(), program.function->name(), findings);
  recording.outputs = outputs.at(0);
  recording.findings = findings.all();
  return recording;
}

}  // namespace bertjit
