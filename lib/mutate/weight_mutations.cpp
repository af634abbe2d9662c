// Numbers: one element, one row, one matrix, several exchanged, all of them.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include <ATen/ATen.h>

#include "mutate/mutation_entry.h"

namespace bertjit {

namespace {

struct Weight {
  std::string name;
  at::Tensor value;
};

std::string module_of(const std::string& weight) {
  const size_t dot = weight.rfind('.');
  return dot == std::string::npos ? "" : weight.substr(0, dot);
}

/// Floating parameters, each under its first name where several share it.
std::vector<Weight> weights_of(const Workpiece& work) {
  std::vector<Weight> weights;
  std::set<const void*> seen;
  for (const auto& item : work.loaded.module.named_parameters()) {
    if (item.value.is_floating_point() && item.value.numel() > 0 && seen.insert(item.value.const_data_ptr()).second) {
      weights.push_back({item.name, item.value.detach()});
    }
  }
  return weights;
}

/// Every module that has this weight: several where it is tied.
std::vector<std::string> owners_of(const Workpiece& work, const at::Tensor& value) {
  std::vector<std::string> owners;
  for (const auto& item : work.loaded.module.named_parameters()) {
    if (item.value.const_data_ptr() == value.const_data_ptr()) {
      owners.push_back(module_of(item.name));
    }
  }
  return owners;
}

bool is_matrix(const Weight& weight) {
  return weight.value.dim() == 2 && weight.value.size(0) > 1 && weight.value.size(1) > 1;
}

bool is_word_table(const Weight& weight) {
  return weight.name.ends_with("word_embeddings.weight");
}

/// One of those that `fits`, if any does.
std::optional<Weight> pick(Workpiece& work, bool (*fits)(const Weight&)) {
  std::vector<Weight> weights = weights_of(work);
  std::erase_if(weights, [&](const Weight& weight) { return !fits(weight); });
  return weights.empty() ? std::nullopt : std::optional(work.dice.one_of(weights));
}

/// Changes one weight in place, and says how, after the weight's name; "" if it cannot.
using WeightEdit = std::function<std::string(const at::Tensor& value, Workpiece& work)>;

MutationEntry weight_mutation(const char* name, const char* description, ShownBy shown_by, bool (*fits)(const Weight&),
                              WeightEdit edit) {
  return {{name, description, MutationKind::kWeights, shown_by},
          [fits, edit = std::move(edit)](Workpiece& work) -> std::optional<Mutated> {
            const at::NoGradGuard no_grad;
            const auto weight = pick(work, fits);
            if (!weight) {
              return std::nullopt;
            }
            const std::string what = edit(weight->value, work);
            if (what.empty()) {
              return std::nullopt;
            }
            return Mutated{owners_of(work, weight->value), weight->name + ": " + what};
          },
          nullptr};
}

bool is_any(const Weight&) {
  return true;
}

at::Generator generator(Dice& dice) {
  return at::detail::createCPUGenerator(dice.below(std::numeric_limits<uint32_t>::max()));
}

at::Tensor element(const at::Tensor& value, Workpiece& work, std::string& what) {
  const at::Tensor flat = value.view({-1});
  const size_t index = work.dice.below(static_cast<size_t>(flat.numel()));
  what = "element " + std::to_string(index);
  return flat[static_cast<int64_t>(index)];
}

/// By as much as the weight's greatest, so that it shows in any dtype.
std::string move_element(const at::Tensor& value, Workpiece& work) {
  std::string what;
  const at::Tensor moved = element(value, work, what);
  moved.add_(value.abs().max());
  return what + " moved by the greatest";
}

std::string set_element(const at::Tensor& value, Workpiece& work, double number) {
  std::string what;
  element(value, work, what).fill_(number);
  return what + " set to " + std::to_string(number);
}

/// One of the four highest bits of the exponent.
std::string flip_exponent_bit(const at::Tensor& value, Workpiece& work) {
  std::string what;
  const at::Tensor number = element(value, work, what);
  auto* bytes = static_cast<unsigned char*>(number.data_ptr());
  const int bit = static_cast<int>(3 + work.dice.below(4));
  bytes[value.element_size() - 1] = static_cast<unsigned char>(bytes[value.element_size() - 1] ^ (1 << bit));
  return what + ": bit " + std::to_string(value.element_size() * 8 - 8 + static_cast<size_t>(bit)) + " flipped";
}

std::string add_noise(const at::Tensor& value, Workpiece& work) {
  const at::Tensor noise = at::empty_like(value, at::kDouble).normal_(0, 1, generator(work.dice));
  value.add_(noise.mul(value.to(at::kDouble).abs().mean() * 0.01).to(value.scalar_type()));
  return "noise of a hundredth";
}

std::string draw_again(const at::Tensor& value, Workpiece& work) {
  const at::Tensor wide = value.to(at::kDouble);
  value.copy_(
      at::empty_like(wide).normal_(wide.mean().item<double>(), wide.std().item<double>(), generator(work.dice)));
  return "drawn again";
}

std::string cast_through(const at::Tensor& value, at::ScalarType type) {
  if (value.scalar_type() != at::kFloat) {
    return "";
  }
  value.copy_(value.to(type));
  return std::string("cast to ") + c10::toString(type) + " and back";
}

/// Per tensor and symmetric, the simplest there is.
std::string cast_through_int8(const at::Tensor& value, Workpiece&) {
  const at::Tensor scale = value.abs().max() / 127;
  value.copy_((value / scale).round() * scale);
  return "rounded to 255 steps";
}

std::string transpose(const at::Tensor& value, Workpiece&) {
  value.copy_(value.t().clone());
  return "transposed";
}

bool is_square(const Weight& weight) {
  return is_matrix(weight) && weight.value.size(0) == weight.value.size(1);
}

std::string zero_matrix(const at::Tensor& value, Workpiece&) {
  value.zero_();
  return "all zero";
}

/// Rows moved on by one: the vocabulary is read with an offset.
std::string shift_rows(const at::Tensor& value, Workpiece&) {
  value.copy_(value.roll(1, 0));
  return "rows moved on by one";
}

/// Groups of rows in another order, as if the heads had been stored so: a quarter each.
std::string permute_heads(const at::Tensor& value, Workpiece&) {
  if (value.size(0) % 4 != 0) {
    return "";
  }
  value.copy_(value.view({4, -1, value.size(1)}).roll(1, 0).reshape(value.sizes()));
  return "heads moved on by one";
}

bool is_query(const Weight& weight) {
  return is_matrix(weight) && (weight.name.ends_with("query.weight") || weight.name.ends_with("q_lin.weight") ||
                               weight.name.ends_with("query_proj.weight") || weight.name.ends_with("attn.q.weight"));
}

bool is_bias(const Weight& weight) {
  return weight.name.ends_with(".bias") && weight.value.abs().max().item<double>() > 0;
}

/// Exchanges the values of every pair of weights whose names differ by `first` and `second` alone; the modules are
/// those of the names up to there.
std::optional<Mutated> exchange(Workpiece& work, const std::string& first, const std::string& second) {
  const at::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> by_name;
  for (const Weight& weight : weights_of(work)) {
    by_name[weight.name] = weight.value;
  }
  size_t count = 0;
  for (const auto& [name, value] : by_name) {
    const size_t at = name.find(first);
    if (at == std::string::npos) {
      continue;
    }
    const auto other = by_name.find(name.substr(0, at) + second + name.substr(at + first.size()));
    if (other != by_name.end() && other->second.sizes() == value.sizes()) {
      const at::Tensor kept = value.clone();
      value.copy_(other->second);
      other->second.copy_(kept);
      ++count;
    }
  }
  return count == 0 ? std::nullopt : std::optional(Mutated{{first, second}, first + " and " + second + " exchanged"});
}

/// Where the layers are: "bert.encoder.layer." for names that hold "bert.encoder.layer.0.…". Empty without two of them.
std::string layers_prefix(const Workpiece& work) {
  for (const Weight& weight : weights_of(work)) {
    const size_t at = weight.name.find(".0.");
    if (at != std::string::npos) {
      const std::string prefix = weight.name.substr(0, at + 1);
      for (const Weight& other : weights_of(work)) {
        if (other.name.starts_with(prefix + "1.")) {
          return prefix;
        }
      }
    }
  }
  return "";
}

/// The modules are named without the dot that tells layer 1 from layer 10.
Mutated without_dots(Mutated mutated) {
  for (std::string& where : mutated.where) {
    where.pop_back();
  }
  return mutated;
}

std::optional<Mutated> swap_layers(Workpiece& work) {
  const std::string prefix = layers_prefix(work);
  if (prefix.empty()) {
    return std::nullopt;
  }
  const auto mutated = exchange(work, prefix + "0.", prefix + "1.");
  return mutated ? std::optional(without_dots(*mutated)) : std::nullopt;
}

std::optional<Mutated> copy_layer(Workpiece& work) {
  const at::NoGradGuard no_grad;
  const std::string prefix = layers_prefix(work);
  if (prefix.empty()) {
    return std::nullopt;
  }
  std::map<std::string, at::Tensor> by_name;
  for (const Weight& weight : weights_of(work)) {
    by_name[weight.name] = weight.value;
  }
  for (const auto& [name, value] : by_name) {
    const std::string from = prefix + "0." + (name.size() > prefix.size() + 2 ? name.substr(prefix.size() + 2) : "");
    if (name.starts_with(prefix + "1.") && by_name.contains(from)) {
      value.copy_(by_name[from]);
    }
  }
  return Mutated{{prefix + "1", prefix + "0"}, "layer 1 is a copy of layer 0"};
}

/// Query and key of one layer, weights and biases.
std::optional<Mutated> swap_query_and_key(Workpiece& work) {
  const auto query = pick(work, is_query);
  if (!query) {
    return std::nullopt;
  }
  const std::string first = module_of(query->name);
  std::string second = first;
  const size_t part = first.rfind('.') + 1;
  const size_t at = first.find('q', part);
  const bool is_word = first.compare(at, 5, "query") == 0;
  second.replace(at, is_word ? 5 : 1, is_word ? "key" : "k");
  const auto mutated = exchange(work, first + ".", second + ".");
  return mutated ? std::optional(without_dots(*mutated)) : std::nullopt;
}

/// Every weight drawn again from numbers of the same mean and spread.
std::optional<Mutated> draw_all_again(Workpiece& work) {
  const at::NoGradGuard no_grad;
  for (const Weight& weight : weights_of(work)) {
    if (weight.value.numel() > 1) {
      draw_again(weight.value, work);
    }
  }
  return Mutated{{""}, "every weight drawn again"};
}

MutationEntry exchange_mutation(const char* name, const char* description,
                                std::optional<Mutated> (*apply)(Workpiece&)) {
  return {{name, description, MutationKind::kWeights, ShownBy::kSource}, apply, nullptr};
}

}  // namespace

std::vector<MutationEntry> weight_mutations() {
  constexpr auto kSource = ShownBy::kSource;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  return {
      weight_mutation("weight_element", "one element moved", kSource, is_any, move_element),
      weight_mutation("weight_bit", "one bit of an element's exponent, with a CRC that fits", kSource, is_any,
                      flip_exponent_bit),
      weight_mutation("weight_nan", "one element is NaN", ShownBy::kFile, is_any,
                      [](const at::Tensor& value, Workpiece& work) { return set_element(value, work, kNan); }),
      weight_mutation("weight_inf", "one element is infinite", ShownBy::kFile, is_any,
                      [](const at::Tensor& value, Workpiece& work) { return set_element(value, work, kInfinity); }),
      weight_mutation("weight_noise", "noise on a weight", kSource, is_any, add_noise),
      weight_mutation("weight_scaled", "a weight times 1.05", kSource, is_any,
                      [](const at::Tensor& value, Workpiece&) {
                        value.mul_(1.05);
                        return std::string("times 1.05");
                      }),
      weight_mutation("weight_negated", "a weight with the other sign", kSource, is_matrix,
                      [](const at::Tensor& value, Workpiece&) {
                        value.neg_();
                        return std::string("negated");
                      }),
      weight_mutation("weight_transposed", "a square matrix transposed", kSource, is_square, transpose),
      weight_mutation("weight_zero", "a matrix all zero", ShownBy::kFile, is_matrix, zero_matrix),
      weight_mutation("weight_row_zero", "a row of a matrix is zero", kSource, is_matrix,
                      [](const at::Tensor& value, Workpiece& work) {
                        const size_t row = work.dice.below(static_cast<size_t>(value.size(0)));
                        value[static_cast<int64_t>(row)].zero_();
                        return "row " + std::to_string(row) + " is zero";
                      }),
      weight_mutation("weight_redrawn", "a matrix drawn again, as a missing one is", kSource, is_matrix, draw_again),
      weight_mutation("bias_zero", "a bias is zero", kSource, is_bias, zero_matrix),
      weight_mutation("weight_float16", "a matrix went through float16", kSource, is_matrix,
                      [](const at::Tensor& value, Workpiece&) { return cast_through(value, at::kHalf); }),
      weight_mutation("weight_bfloat16", "a matrix went through bfloat16", kSource, is_matrix,
                      [](const at::Tensor& value, Workpiece&) { return cast_through(value, at::kBFloat16); }),
      weight_mutation("weight_int8", "a matrix went through int8", kSource, is_matrix, cast_through_int8),
      weight_mutation("words_shifted", "the word table is off by one row", kSource, is_word_table, shift_rows),
      weight_mutation("heads_permuted", "the heads of one query in another order", kSource, is_query, permute_heads),
      exchange_mutation("layers_swapped", "two layers exchanged", swap_layers),
      exchange_mutation("layer_copied", "a layer is a copy of another", copy_layer),
      exchange_mutation("query_key_swapped", "query and key of a layer exchanged", swap_query_and_key),
      exchange_mutation("other_checkpoint", "all weights are another model's", draw_all_again),
  };
}

}  // namespace bertjit
