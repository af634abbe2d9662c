#include "run/run.h"

#include <filesystem>
#include <span>

#include "checkpoint/checkpoint.h"
#include "checkpoint/weights.h"
#include "compare/outputs.h"
#include "container/npz.h"
#include "container/safetensors.h"
#include "infer/batch.h"
#include "infer/guards.h"
#include "infer/runner.h"
#include "infer/values.h"
#include "run/generate.h"
#include "source/source.h"
#include "support/error.h"
#include "support/file_status.h"
#include "tokenize/load.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

OutputValue plain_tensor(const at::Tensor& tensor, const std::string& name) {
  OutputValue value;
  value.name = name;
  value.tensor = array_from_tensor(name, tensor);
  value.requires_grad = tensor.requires_grad();
  if (tensor.grad_fn() != nullptr) {
    value.grad_fn = tensor.grad_fn()->name();
  }
  return value;
}

/// Copies nested outputs; `names` are taken in order, one a leaf, until they run out.
class OutputCopier {
 public:
  explicit OutputCopier(const std::vector<std::string>& names) : names_(names) {}

  OutputValue copy(const c10::IValue& output) {
    if (output.isTensor() && output.toTensor().defined()) {
      return plain_tensor(output.toTensor(), next_name());
    }
    if (output.isTuple()) {
      return copy_tuple(output.toTupleRef());
    }
    OutputValue value;
    if (output.isList()) {
      value.kind = OutputValue::Kind::kList;
      for (const auto& item : output.toListRef()) {
        value.items.push_back(copy(item));
      }
    } else if (output.isGenericDict()) {
      value.kind = OutputValue::Kind::kDict;
      for (const auto& item : output.toGenericDict()) {
        value.keys.push_back(python_text(item.key()));
        value.items.push_back(copy(item.value()));
      }
    } else {
      // An undefined tensor is Python's None.
      const c10::IValue plain = output.isTensor() ? c10::IValue() : output;
      value.kind = OutputValue::Kind::kText;
      value.name = next_name();
      value.type = type_text(plain);
      value.text = python_text(plain);
    }
    return value;
  }

 private:
  OutputValue copy_tuple(const c10::ivalue::Tuple& tuple) {
    OutputValue value;
    value.kind = OutputValue::Kind::kTuple;
    for (const auto& item : tuple.elements()) {
      value.items.push_back(copy(item));
    }
    const auto type = tuple.type();
    if (type->schema() != nullptr && type->name()) {
      value.kind = OutputValue::Kind::kNamedTuple;
      value.type = type->name()->name();
      for (const auto& field : type->schema()->arguments()) {
        value.keys.push_back(field.name());
      }
    }
    return value;
  }

  std::string next_name() {
    const std::string name = next_ < names_.size() ? names_[next_] : "output" + std::to_string(next_);
    ++next_;
    return name;
  }

  const std::vector<std::string>& names_;
  size_t next_ = 0;
};

/// What can be saved; None says nothing that a file would hold.
void collect_tensors(OutputValue& value, const std::string& path, std::vector<TensorView>& views) {
  if (value.kind == OutputValue::Kind::kTensor) {
    views.push_back({value.tensor.name, value.tensor.dtype, value.tensor.shape, value.tensor.bytes});
  } else if (value.kind == OutputValue::Kind::kText && value.text != "None") {
    throw Error(ErrorKind::kInvalidArgument, path + ": output '" + value.name + "' is " + value.type + " " +
                                                 value.text +
                                                 ", a file of tensors cannot hold it; run without --output");
  }
  for (auto& item : value.items) {
    collect_tensors(item, path, views);
  }
}

/// Refuses before the model runs what could only fail after it.
void check_output_name(const fs::path& path) {
  if (!path.empty() && path.extension() != ".npz" && path.extension() != ".safetensors") {
    throw Error(ErrorKind::kInvalidArgument, path.string() + ": expected a name that ends in .npz or .safetensors");
  }
}

void write_outputs(const fs::path& path, RunResult& result) {
  std::vector<TensorView> views;
  collect_tensors(result.output, path.string(), views);
  if (path.extension() == ".npz") {
    write_npz(path, views);
  } else {
    write_safetensors(path, views);
  }
  result.output_file = path.string();
}

/// The folder that says how to generate: the checkpoint's, or for a TorchScript file that of its tokenizer.
fs::path generation_folder(const RunOptions& options) {
  const fs::path source = options.source.path;
  if (names_checkpoint(source)) {
    return path_is_folder(source) ? source : source.parent_path();
  }
  if (options.inputs.tokenizer.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "--generate: " + options.source.path +
                                                 " does not say what a translation starts and ends with; name the "
                                                 "folder with its config.json and tokenizer with --tokenizer");
  }
  return options.inputs.tokenizer;
}

Generated generate_from(Runner& runner, const BoundBatch& batch, const GenerationRules& rules,
                        const RunOptions& options, const Tokenizer* tokenizer) {
  const int64_t prompt_length = batch.tensor(decoder_slot(runner.signature())).size(1);
  const int64_t max_length =
      longest_result(rules, options.max_new_tokens, prompt_length, runner.signature().max_positions);
  const at::Tensor ids = generate(runner, batch, rules, max_length);
  Generated generated{array_from_tensor("generated_ids", ids), {}};
  for (int64_t row = 0; tokenizer != nullptr && row < ids.size(0); ++row) {
    const at::Tensor tokens = ids[row].contiguous();
    const std::span<const int64_t> row_ids(tokens.const_data_ptr<int64_t>(), static_cast<size_t>(tokens.numel()));
    generated.texts.push_back(tokenizer->decode(row_ids, /*skip_special_tokens=*/true));
  }
  return generated;
}

RunResult run_batch(Runner& runner, Batch given, const RunOptions& options, const Tokenizer* tokenizer) {
  std::optional<GenerationRules> rules;
  if (options.generate) {
    decoder_slot(runner.signature());
    rules = read_generation_rules(generation_folder(options));
    const bool holds_tensors = !options.inputs.inputs.empty() || !options.inputs.input.empty();
    start_decoder(given, runner.signature(), *rules, /*replace=*/!holds_tensors);
  }
  const BoundBatch batch = runner.bind(given);
  RunResult result;
  result.model = options.source.path;
  result.example = batch.origin;
  result.grad = grad_mode_name(options.grad);
  result.inputs = describe_inputs(batch, runner.signature());
  result.output = OutputCopier(runner.output_names()).copy(runner.run_on_copy(batch, options.grad));
  if (rules) {
    result.generated = generate_from(runner, batch, *rules, options, tokenizer);
  }
  return result;
}

/// On what the flags give, else on what a torch.jit.trace(…) in a Python file was given, else on what is made up.
RunResult run_with(Runner& runner, const RunOptions& options, const Source& source, const Tokenizer* tokenizer) {
  const InputOptions& inputs = options.inputs;
  const bool is_given = !inputs.text.empty() || !inputs.text_pair.empty() || inputs.mask_index || inputs.pad_to ||
                        !inputs.inputs.empty() || !inputs.input.empty();
  const bool is_written = source.written.example && !is_given;
  return run_batch(runner, is_written ? *source.written.example : make_batch(inputs, runner.signature(), tokenizer),
                   options, tokenizer);
}

/// To generate from ids that are given, the folder's two config files are enough.
std::unique_ptr<Tokenizer> named_tokenizer(const RunOptions& options) {
  const std::string& folder = options.inputs.tokenizer;
  if (folder.empty()) {
    return nullptr;
  }
  return options.generate && options.inputs.text.empty() ? find_tokenizer(folder) : load_tokenizer(folder);
}

/// Refuses what would be ignored.
void check_options(const RunOptions& options) {
  if (options.max_new_tokens && !options.generate) {
    throw Error(ErrorKind::kInvalidArgument, "--max-new-tokens needs --generate");
  }
  const bool runs_torchscript = !names_checkpoint(options.source.path);
  if (options.executor.value_or(Executor::kEager) != Executor::kEager && !runs_torchscript) {
    throw Error(ErrorKind::kInvalidArgument, std::string("--executor ") + executor_name(*options.executor) +
                                                 " is for TorchScript; " + options.source.path +
                                                 " is a checkpoint, which is run without");
  }
}

RunResult run_checkpoint(const Source& source, const RunOptions& options) {
  RunResult result = run_with(*source.program, options, source, source.tokenizer());
  result.kind = "eager";
  result.choice = source.checkpoint->choice;
  return result;
}

/// TorchScript by the executor that is asked for; what is Python, and not compiled in its file, as Python runs it.
RunResult run_program(const Source& source, const RunOptions& options) {
  const Executor executor = options.executor.value_or(source.compiled ? Executor::kProfiling : Executor::kEager);
  const ExecutorGuard guard(executor);
  std::unique_ptr<Runner> module;
  if (executor != Executor::kEager) {
    module = std::make_unique<ModuleRunner>(
        source.compiled ? *source.compiled : open_scripted(options.source, options.inputs.seed), source.name);
  }
  const auto tokenizer = named_tokenizer(options);
  RunResult result = run_with(module ? *module : *source.program, options, source, tokenizer.get());
  result.kind = source.kind == SourceKind::kArchive ? "torchscript" : "python";
  result.executor = executor_name(executor);
  return result;
}

}  // namespace

RunResult run(const RunOptions& options) {
  check_options(options);
  check_output_name(options.output);
  const ThreadGuard threads(options.threads);
  const Source source = open_source(options.source, options.inputs.seed, options.inputs.tokenizer);
  RunResult result = source.checkpoint ? run_checkpoint(source, options) : run_program(source, options);
  if (!options.output.empty()) {
    write_outputs(options.output, result);
  }
  return result;
}

}  // namespace bertjit
