#include "source/source.h"

#include <filesystem>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "script/script.h"
#include "source/script_source.h"
#include "support/error.h"
#include "support/file_status.h"

namespace bertjit {

namespace {

Batch written_batch(const std::vector<c10::IValue>& values, const std::string& origin) {
  Batch batch{origin, {}};
  for (const auto& value : values) {
    batch.values.push_back({"", value});
  }
  return batch;
}

WrittenInputs written_inputs(const TraceCall& call) {
  const auto place = call.where.file_line_col();
  const std::string origin =
      "torch.jit.trace at " + (place ? std::get<0>(*place) + ":" + std::to_string(std::get<1>(*place)) : "?");
  WrittenInputs written{written_batch(call.inputs, origin), {}};
  for (size_t i = 0; i < call.check_inputs.size(); ++i) {
    written.check_inputs.push_back(
        written_batch(call.check_inputs[i], "check_inputs[" + std::to_string(i) + "] of " + origin));
  }
  return written;
}

/// What the file compiled, as a module; nullopt for what it did not.
std::optional<torch::jit::Module> compiled_module(const Object& callable) {
  if (const auto function = callable.as<CompiledFunctionObject>()) {
    return function_module(*function->function, function->unit);
  }
  if (const auto module = callable.as<CompiledModuleObject>()) {
    return module->module;
  }
  return std::nullopt;
}

/// What torch.jit.trace was given to make it; nullptr for what was not traced in the file.
std::shared_ptr<const TraceCall> trace_call(const Object& callable) {
  if (const auto function = callable.as<CompiledFunctionObject>()) {
    return function->recorded;
  }
  const auto module = callable.as<CompiledModuleObject>();
  return module == nullptr ? nullptr : module->recorded;
}

Source open_definition(const std::string& name, const Object& callable) {
  if (const auto call = trace_call(callable); call != nullptr && !compiled_module(call->callee)) {
    Source source = open_definition(name, call->callee);
    source.written = written_inputs(*call);
    source.compiled = LoadedModule{*compiled_module(callable), std::nullopt};
    return source;
  }
  Source source{
      .name = name,
      .kind = callable.as<FunctionObject>() || callable.as<BoundMethodObject>() || callable.as<CompiledFunctionObject>()
                  ? SourceKind::kFunction
                  : SourceKind::kModule};
  if (auto module = compiled_module(callable)) {
    source.compiled = LoadedModule{*module, std::nullopt};
    source.program = std::make_unique<RecordableModule>(*source.compiled, name);
  } else {
    source.program = std::make_unique<RecordableScript>(callable, name);
  }
  return source;
}

}  // namespace

Source open_source(const SourceOptions& options, uint64_t seed, const std::string& tokenizer_directory) {
  if (names_checkpoint(options.path)) {
    return as_source(open_checkpoint_source(options, seed, tokenizer_directory));
  }
  if (split_script_source(options.path)) {
    const ScriptDefinition definition = open_script(options.path, seed, options.guard);
    Source source = open_definition(options.path, definition.callable);
    source.notes = definition.notes;
    return source;
  }
  if (std::filesystem::path(options.path).extension() == ".py") {
    throw Error(ErrorKind::kInvalidArgument,
                options.path + ": a Python file; say which of its names: " + options.path + ":NAME");
  }
  if (!path_exists(options.path)) {
    throw Error(ErrorKind::kNotFound, options.path + ": no such file or directory");
  }
  Source source{.name = options.path, .kind = SourceKind::kArchive, .compiled = load_module(options.path)};
  source.program = std::make_unique<RecordableModule>(*source.compiled, options.path);
  return source;
}

Source as_source(CheckpointSource checkpoint) {
  Source source{.name = checkpoint.name, .kind = SourceKind::kCheckpoint};
  source.checkpoint = std::move(checkpoint);
  source.program = std::make_unique<RecordableModel>(*source.checkpoint->model, source.name);
  return source;
}

LoadedModule open_scripted(const SourceOptions& options, uint64_t seed) {
  if (names_checkpoint(options.path)) {
    throw Error(ErrorKind::kUnsupported,
                options.path + ": a checkpoint's network is C++, which cannot be scripted; trace it");
  }
  if (!split_script_source(options.path)) {
    return load_module(options.path);
  }
  const Object callable = open_script(options.path, seed, options.guard).callable;
  if (auto module = compiled_module(callable)) {
    return {*module, std::nullopt};
  }
  const Program program = compile_program(callable, {}, CompileMode::kScript);
  return {program.self ? *program.self : function_module(*program.function, program.unit), std::nullopt};
}

}  // namespace bertjit
