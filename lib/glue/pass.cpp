#include "glue/pass.h"

#include <algorithm>
#include <optional>

#include "compare/describe.h"
#include "compare/outputs.h"
#include "support/error.h"
#include "support/words.h"

namespace bertjit {

namespace {

/// "logits", "['logits']", "0.logits".
bool is_named_logits(const std::string& name) {
  return name == "logits" || name.ends_with(".logits") || name.ends_with("['logits']");
}

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

std::vector<NamedTensor> floating_tensors(const c10::IValue& outputs, const std::vector<std::string>& names) {
  const std::vector<OutputLeaf> leaves = flatten_outputs(outputs);
  std::vector<NamedTensor> tensors;
  for (size_t i = 0; i < leaves.size(); ++i) {
    const c10::IValue& value = leaves[i].value;
    if (value.isTensor() && value.toTensor().defined() && value.toTensor().is_floating_point()) {
      tensors.push_back({names.size() == leaves.size() ? names[i] : leaves[i].name, value.toTensor()});
    }
  }
  return tensors;
}

std::string tensors_text(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> words;
  for (const NamedTensor& one : tensors) {
    words.push_back(one.name + " " + shape_text(one.tensor));
  }
  return words.empty() ? "no floating tensor" : joined(words);
}

}  // namespace

LogitsShape logits_shape(const GlueTask& task) {
  return {task.classes.empty() ? 1 : static_cast<int64_t>(task.classes.size()), task.name, class_words(task)};
}

void EvalPass::try_once() {
  run_batch(batches_.front());
}

at::Tensor EvalPass::run(const std::function<void(size_t)>& count) {
  at::Tensor logits = at::empty({examples_.rows(), shape_.labels}, at::kDouble);
  for (const RowBatch& batch : batches_) {
    logits.index_copy_(0, at::tensor(batch.rows, at::kLong), run_batch(batch));
    count(batch.rows.size());
  }
  return logits;
}

at::Tensor EvalPass::run_batch(const RowBatch& batch) {
  const auto full = static_cast<size_t>(batches_.front().rows.size());
  RowBatch filled = batch;
  filled.rows.resize(full, batch.rows.back());
  const auto rows = static_cast<int64_t>(batch.rows.size());
  if (fills_up_) {
    return run_rows(filled).narrow(0, 0, rows);
  }
  try {
    return run_rows(batch);
  } catch (const RunError& error) {
    if (batch.rows.size() == full) {
      throw RunError(
          error.what() + std::string("; eval ran a batch of ") + std::to_string(full) + "x" +
          std::to_string(batch.length) +
          ": what takes one shape alone needs --padding max, --batch-size and --max-seq-length of that shape");
    }
  }
  const at::Tensor logits = run_rows(filled).narrow(0, 0, rows);
  fills_up_ = true;
  return logits;
}

at::Tensor EvalPass::run_rows(const RowBatch& batch) {
  const BoundBatch bound = runner_.bind(make_rows(examples_, batch, runner_.signature()));
  const c10::IValue outputs = runner_.run(bound, GradMode::kInference);
  return find_logits(outputs, static_cast<int64_t>(batch.rows.size()));
}

at::Tensor EvalPass::find_logits(const c10::IValue& outputs, int64_t rows) const {
  const std::string& owner = runner_.signature().owner;
  const std::vector<NamedTensor> tensors = floating_tensors(outputs, runner_.output_names());
  const auto fits = [&](const NamedTensor& one) {
    const at::Tensor& tensor = one.tensor;
    return tensor.sizes() == at::IntArrayRef({rows, shape_.labels}) ||
           (shape_.labels == 1 && tensor.sizes() == at::IntArrayRef({rows}));
  };
  const auto named = std::ranges::find_if(tensors, [](const NamedTensor& one) { return is_named_logits(one.name); });
  const auto candidates = std::ranges::count_if(tensors, fits);
  const auto chosen = named != tensors.end() ? named : std::ranges::find_if(tensors, fits);
  const std::string wanted =
      shape_.task + " has " +
      (shape_.classes.empty() ? "one score" : std::to_string(shape_.labels) + " labels (" + shape_.classes + ")");
  if (chosen == tensors.end() || !fits(*chosen)) {
    throw Error(ErrorKind::kInvalidArgument,
                owner + ": returns " + tensors_text(tensors) + " for " + std::to_string(rows) + " rows, and " + wanted +
                    ", so logits [" + std::to_string(rows) + ", " + std::to_string(shape_.labels) + "] are needed");
  }
  if (named == tensors.end() && candidates > 1) {
    throw Error(ErrorKind::kInvalidArgument,
                owner + ": returns " + tensors_text(tensors) + "; which of them are logits is not known");
  }
  return chosen->tensor.to(at::kCPU, at::kDouble).reshape({rows, shape_.labels});
}

}  // namespace bertjit
