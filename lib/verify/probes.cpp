#include "verify/probes.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include "compare/compare.h"
#include "infer/guards.h"
#include "verify/dequantized.h"

namespace bertjit {

namespace {

// Ids below this are special tokens in most vocabularies, padding among them: RoBERTa and its kin count positions by
// which ids are padding, so that another id there moves what stands behind it.
constexpr int64_t kSpecialIds = 5;

Role role_of(const std::string& name) {
  if (name == "input_ids" || name == "decoder_input_ids") {
    return Role::kIds;
  }
  if (name.ends_with("attention_mask")) {
    return Role::kMask;
  }
  if (name == "token_type_ids") {
    return Role::kSegments;
  }
  return name.ends_with("position_ids") ? Role::kPositions : Role::kOther;
}

/// A mask that is added to scores hides with great negative numbers: its zeros hide nothing.
bool is_added_to_scores(const at::Tensor& mask) {
  return mask.is_floating_point() && !mask.gt(0).any().item<bool>();
}

int64_t greatest_of(const at::Tensor& ids) {
  return ids.numel() == 0 ? 0 : ids.max().item<int64_t>();
}

int64_t config_number(const Recognition& recognition, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto at = recognition.config.find(name);
    if (at != recognition.config.end() && at->is_number_integer()) {
      return at->get<int64_t>();
    }
  }
  return 0;
}

ModuleRunner float_copy(const VerifyContext& context, bool& quantizes) {
  // The clone has code of its own, and shares the tensors.
  torch::jit::Module copy = context.module.module().clone(/*inplace=*/true);
  quantizes = dequantize_linear_layers(copy) > 0;
  return {LoadedModule{copy, context.module.claims()}, context.module.signature().owner};
}

}  // namespace

std::string shape_name(const ProbeShape& shape) {
  return std::to_string(shape.rows) + "x" + std::to_string(shape.tokens);
}

Probes::Probes(const VerifyContext& context) : context_(context), module_(float_copy(context, quantizes_)) {
  const Recognition& recognition = context.network.recognition();
  is_known_ = recognition.recognised() || (context.claims && !context.claims->architecture.empty());
  read_inputs();
  read_shape();
  read_limits();
}

std::optional<Probes> Probes::of_network() const {
  if (!context_.network.why_not().empty()) {
    return std::nullopt;
  }
  Probes twin = *this;
  twin.asks_network_ = true;
  return twin;
}

void Probes::read_inputs() {
  const auto& recognised = context_.network.recognition().inputs;
  const auto& arguments = context_.module.signature().inputs;
  for (size_t i = 0; i < arguments.size(); ++i) {
    ProbeInput input{arguments[i].name, role_of(arguments[i].name), arguments[i].sequence, arguments[i].limit};
    if (input.role == Role::kOther && i < recognised.size()) {
      input.role = role_of(recognised[i].meaning);
    }
    const c10::IValue& value = context_.example.values.at(i);
    const bool is_sequence = value.isTensor() && (value.toTensor().dim() == 2 || value.toTensor().dim() == 3);
    if (!is_sequence || (input.role == Role::kMask && is_added_to_scores(value.toTensor())) ||
        (input.role != Role::kMask && value.toTensor().is_floating_point())) {
      input.role = Role::kOther;
    }
    inputs_.push_back(std::move(input));
  }
  // A mask of another form than the ids' is something else: [batch, seq, seq], say.
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const auto ids = find(Role::kIds, inputs_[i].sequence);
    if (inputs_[i].role != Role::kOther &&
        (!ids || context_.example.tensor(i).sizes() != context_.example.tensor(*ids).sizes())) {
      inputs_[i].role = Role::kOther;
    }
  }
}

void Probes::read_shape() {
  if (const auto ids = find(Role::kIds)) {
    const at::Tensor& example = context_.example.tensor(*ids);
    example_shape_ = {example.size(0), example.size(-1)};
    choices_ = example.dim() == 3 ? example.size(1) : 1;
  } else if (!context_.example.values.empty() && context_.example.values[0].isTensor() &&
             context_.example.tensor(0).dim() > 0) {
    example_shape_ = {context_.example.tensor(0).size(0), 0};
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const c10::IValue& value = context_.example.values[i];
    if (inputs_[i].role != Role::kOther || !value.isTensor()) {
      continue;
    }
    const at::IntArrayRef sizes = value.toTensor().sizes();
    tokens_are_fixed_ |= std::find(sizes.begin(), sizes.end(), example_shape_.tokens) != sizes.end();
    rows_are_fixed_ |= sizes.empty() || sizes[0] != example_shape_.rows;
  }
}

void Probes::read_limits() {
  const Recognition& recognition = context_.network.recognition();
  for (ProbeInput& input : inputs_) {
    if (input.limit == 0 && input.role == Role::kIds) {
      input.limit = config_number(recognition, {"vocab_size"});
    } else if (input.limit == 0 && input.role == Role::kSegments) {
      input.limit = config_number(recognition, {"type_vocab_size"});
    }
  }
  if (const auto ids = find(Role::kIds)) {
    // Of an unknown vocabulary only what the example shows is sure to be there.
    const int64_t end = inputs_[*ids].limit > 0 ? inputs_[*ids].limit : greatest_of(context_.example.tensor(*ids)) + 1;
    words_ = {std::min(kSpecialIds, end / 2), end};
  }
  longest_ = context_.module.signature().max_positions;
  if (longest_ == 0) {
    // Positions that are counted from padding begin behind its row, at most the second.
    longest_ = std::max<int64_t>(config_number(recognition, {"max_position_embeddings"}) - 2, 0);
  }
  layers_ = config_number(recognition, {"num_hidden_layers", "n_layers", "num_layers"});
  layers_ = layers_ == 0 ? 12 : layers_;
  unit_ = quantizes_                           ? 1. / 128
          : context_.dtype == DType::kFloat16  ? 0x1p-10
          : context_.dtype == DType::kBFloat16 ? 0x1p-7
                                               : 0x1p-23;
}

std::optional<size_t> Probes::find(Role role, InputSequence sequence) const {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].role == role && inputs_[i].sequence == sequence) {
      return i;
    }
  }
  return std::nullopt;
}

int64_t Probes::reach() const {
  return context_.network.why_not().empty() ? 0 : 1;
}

bool Probes::may_change_rows() const {
  return !rows_are_fixed_ && !(context_.claims && context_.claims->dynamic_batch == false);
}

bool Probes::may_change_tokens() const {
  return takes_text() && !tokens_are_fixed_ && !(context_.claims && context_.claims->dynamic_length == false);
}

bool Probes::claims_rows() const {
  return may_change_rows() && context_.claims && context_.claims->dynamic_batch == true;
}

bool Probes::claims_tokens() const {
  return may_change_tokens() && context_.claims && context_.claims->dynamic_length == true;
}

bool Probes::knows_positions() const {
  const Recognition& recognition = context_.network.recognition();
  if (!recognition.recognised() || unit_ > 1e-6 || find(Role::kPositions)) {
    return false;
  }
  for (const auto& [name, table] : recognition.weights) {
    if (name.ends_with(".position_embeddings.weight") && table.dim() == 2) {
      const at::Tensor distinct = std::get<0>(at::unique_dim(table.detach(), 0));
      // The row of padding is all zeros, and may not be the only one.
      return distinct.size(0) + 2 >= table.size(0);
    }
  }
  return false;
}

std::string Probes::home_of(const std::string& table) const {
  const Recognition& recognition = context_.network.recognition();
  for (const auto& [name, weight] : recognition.weights) {
    if (const std::string end = "." + table + ".weight"; name.ends_with(end)) {
      return recognition.root + name.substr(0, name.size() - end.size());
    }
  }
  return "";
}

at::Tensor Probes::make_value(size_t at, const ProbeShape& shape, at::Generator& generator) const {
  const at::Tensor& example = context_.example.tensor(at);
  const ProbeInput& input = inputs_[at];
  if (input.role == Role::kOther) {
    const bool has_rows = example.dim() > 0 && example.size(0) == example_shape_.rows && example_shape_.rows > 0;
    return has_rows ? example.index_select(0, at::arange(shape.rows, at::kLong).remainder(example_shape_.rows))
                    : example.clone();
  }
  std::vector<int64_t> sizes = example.sizes().vec();
  sizes.front() = shape.rows;
  // Of a decoder's sequence the example's length is kept: hiding tokens of the one must not change the other.
  sizes.back() = input.sequence == InputSequence::kDecoder ? sizes.back() : shape.tokens;
  at::Tensor value = at::ones(sizes, at::kLong);
  if (input.role == Role::kIds) {
    value = at::randint(words_.start, words_.end, sizes, generator, at::kLong);
  } else if (input.role == Role::kPositions) {
    const int64_t first = example.flatten()[0].item<int64_t>();
    value = at::arange(first, first + sizes.back(), at::kLong).expand(sizes).contiguous();
  } else if (input.role == Role::kSegments) {
    value.slice(-1, 0, (sizes.back() + 1) / 2).zero_();
    value.clamp_max_(input.limit > 0 ? input.limit - 1 : std::min<int64_t>(greatest_of(example), 1));
  }
  return value.to(example.scalar_type());
}

BoundBatch Probes::make(const ProbeShape& shape, uint64_t seed) const {
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(context_.options.inputs.seed + seed);
  BoundBatch batch = context_.example;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (batch.values[i].isTensor()) {
      batch.values[i] = make_value(i, shape, generator);
    }
  }
  return batch;
}

BoundBatch Probes::select_rows(const BoundBatch& batch, const std::vector<int64_t>& rows) const {
  const at::Tensor index = at::tensor(rows, at::kLong);
  BoundBatch result = batch;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const bool has_rows = inputs_[i].role != Role::kOther || !rows_are_fixed_;
    if (has_rows && batch.values[i].isTensor()) {
      result.values[i] = batch.tensor(i).index_select(0, index);
    }
  }
  return result;
}

BoundBatch Probes::extend(const BoundBatch& batch, int64_t count, uint64_t seed) const {
  const at::Tensor& ids = batch.tensor(*find(Role::kIds));
  const BoundBatch more = make({ids.size(0), ids.size(-1) + count}, seed);
  BoundBatch result = batch;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].role == Role::kOther || inputs_[i].sequence != InputSequence::kMain) {
      continue;
    }
    at::Tensor end = more.tensor(i).slice(-1, ids.size(-1));
    end = inputs_[i].role == Role::kMask ? at::zeros_like(end) : end;
    result.values[i] = at::cat({batch.tensor(i), end}, -1);
  }
  return result;
}

BoundBatch Probes::fill(const BoundBatch& batch, size_t at, const TokenSpan& tokens, double value) const {
  BoundBatch result = batch;
  at::Tensor changed = batch.tensor(at).clone();
  changed.slice(-1, tokens.start, tokens.end).fill_(value);
  result.values[at] = changed;
  return result;
}

BoundBatch Probes::other_words(const BoundBatch& batch, const TokenSpan& tokens, InputSequence sequence) const {
  BoundBatch result = batch;
  const size_t at = *find(Role::kIds, sequence);
  at::Tensor ids = batch.tensor(at).clone();
  at::Tensor words = ids.slice(-1, tokens.start, tokens.end);
  const int64_t count = words_.end - words_.start;
  words.copy_((words - words_.start + std::max<int64_t>(1, count / 3)).remainder(count) + words_.start);
  result.values[at] = ids;
  return result;
}

BoundBatch Probes::last_row_of(const BoundBatch& changed, const BoundBatch& base) const {
  BoundBatch result = base;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].role != Role::kOther) {
      at::Tensor value = base.tensor(i).clone();
      value[-1].copy_(changed.tensor(i)[-1]);
      result.values[i] = value;
    }
  }
  return result;
}

}  // namespace bertjit
