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
#include "run/generate.h"
#include "source/source.h"
#include "support/error.h"
#include "tokenize/load.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

OutputValue plain_tensor(const at::Tensor& tensor, const std::string& name) {
  OutputValue value;
  value.tensor = array_from_tensor(name, tensor);
  value.requires_grad = tensor.requires_grad();
  if (tensor.grad_fn() != nullptr) {
    value.grad_fn = tensor.grad_fn()->name();
  }
  return value;
}

/// Copies nested outputs; `names` are taken in order, one a tensor, until they run out.
class OutputCopier {
 public:
  explicit OutputCopier(const std::vector<std::string>& names) : names_(names) {}

  OutputValue copy(const c10::IValue& output) {
    if (output.isTensor()) {
      const std::string name = next_ < names_.size() ? names_[next_] : "output" + std::to_string(next_);
      ++next_;
      return plain_tensor(output.toTensor(), name);
    }
    OutputValue value;
    if (output.isTuple()) {
      value.kind = OutputValue::Kind::kTuple;
      for (const auto& item : output.toTupleRef().elements()) {
        value.items.push_back(copy(item));
      }
    } else if (output.isList()) {
      value.kind = OutputValue::Kind::kList;
      for (const auto& item : output.toListRef()) {
        value.items.push_back(copy(item));
      }
    } else if (output.isGenericDict()) {
      value.kind = OutputValue::Kind::kDict;
      for (const auto& item : output.toGenericDict()) {
        value.keys.push_back(item.key().isString() ? "'" + item.key().toStringRef() + "'" : c10::str(item.key()));
        value.items.push_back(copy(item.value()));
      }
    } else {
      value.kind = OutputValue::Kind::kText;
      value.text = output.isNone() ? "None" : output.isBool() ? (output.toBool() ? "True" : "False") : c10::str(output);
    }
    return value;
  }

 private:
  const std::vector<std::string>& names_;
  size_t next_ = 0;
};

void collect_tensors(OutputValue& value, std::vector<TensorView>& views) {
  if (value.kind == OutputValue::Kind::kTensor) {
    views.push_back({value.tensor.name, value.tensor.dtype, value.tensor.shape, value.tensor.bytes});
  }
  for (auto& item : value.items) {
    collect_tensors(item, views);
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
  collect_tensors(result.output, views);
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
    return fs::is_directory(source) ? source : source.parent_path();
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
  const int64_t prompt_length = batch.tensors.at(decoder_slot(runner.signature())).size(1);
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

RunResult run_with(Runner& runner, const RunOptions& options, const Tokenizer* tokenizer) {
  Batch given = make_batch(options.inputs, runner.signature(), tokenizer);
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
  result.output = OutputCopier(runner.output_names()).copy(runner.run(batch, options.grad));
  if (rules) {
    result.generated = generate_from(runner, batch, *rules, options, tokenizer);
  }
  return result;
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
void check_generation(const RunOptions& options) {
  if (options.max_new_tokens && !options.generate) {
    throw Error(ErrorKind::kInvalidArgument, "--max-new-tokens needs --generate");
  }
}

}  // namespace

RunResult run(const RunOptions& options) {
  check_generation(options);
  check_output_name(options.output);
  const ThreadGuard threads(options.threads);
  RunResult result;
  if (names_checkpoint(options.source.path)) {
    const Source source = open_source(options.source, options.inputs.seed, options.inputs.tokenizer);
    EagerRunner runner(*source.model, source.name);
    result = run_with(runner, options, source.tokenizer.get());
    result.kind = "eager";
    result.choice = source.choice;
  } else {
    ModuleRunner runner(load_module(options.source.path), options.source.path);
    const auto tokenizer = named_tokenizer(options);
    result = run_with(runner, options, tokenizer.get());
    result.kind = "torchscript";
  }
  if (!options.output.empty()) {
    write_outputs(options.output, result);
  }
  return result;
}

}  // namespace bertjit
