#include "run/run.h"

#include <filesystem>

#include "checkpoint/checkpoint.h"
#include "checkpoint/weights.h"
#include "compare/outputs.h"
#include "container/npz.h"
#include "container/safetensors.h"
#include "infer/batch.h"
#include "infer/guards.h"
#include "infer/runner.h"
#include "infer/source.h"
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

RunResult run_with(Runner& runner, const RunOptions& options, const Tokenizer* tokenizer) {
  const BoundBatch batch = runner.bind(make_batch(options.inputs, runner.signature(), tokenizer));
  RunResult result;
  result.model = options.source.path;
  result.example = batch.origin;
  result.grad = grad_mode_name(options.grad);
  result.inputs = describe_inputs(batch, runner.signature());
  result.output = OutputCopier(runner.output_names()).copy(runner.run(batch, options.grad));
  return result;
}

}  // namespace

RunResult run(const RunOptions& options) {
  check_output_name(options.output);
  const ThreadGuard threads(options.threads);
  RunResult result;
  if (names_checkpoint(options.source.path)) {
    const Source source = open_source(options.source, options.inputs.seed, options.inputs.tokenizer);
    EagerRunner runner(*source.model, source.name);
    result = run_with(runner, options, source.tokenizer.get());
    result.kind = "eager";
  } else {
    ModuleRunner runner(load_module(options.source.path), options.source.path);
    const auto tokenizer = options.inputs.tokenizer.empty() ? nullptr : load_tokenizer(options.inputs.tokenizer);
    result = run_with(runner, options, tokenizer.get());
    result.kind = "torchscript";
  }
  if (!options.output.empty()) {
    write_outputs(options.output, result);
  }
  return result;
}

}  // namespace bertjit
