#include "compare/weight_changes.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <unordered_map>

#include <ATen/ATen.h>

#include "compare/compare.h"
#include "compare/named_outputs.h"
#include "compare/weight_relation.h"

namespace bertjit {

namespace {

/// How a cause is told, by relation; in the order in which findings are told. What holds for most of a model says more
/// than what holds for one tensor, and comes first whatever it is.
struct Telling {
  WeightRelation relation;
  ChangeEffect effect;
  const char* advice;
};

constexpr const char* kExportAgain = "export the file again from the checkpoint, and compare the new one";
constexpr const char* kKeepDtype =
    "load the checkpoint in the dtype that is claimed, and leave out what converts it on the way";

constexpr Telling kTellings[] = {
    {WeightRelation::kNonFinite, ChangeEffect::kChanges, "look for an overflow or a damaged file where it was written"},
    {WeightRelation::kShape, ChangeEffect::kChanges,
     "the file was made from another configuration: compare config.json"},
    {WeightRelation::kTransposed, ChangeEffect::kChanges,
     "torch.nn.Linear keeps [out, in]: transpose weights that come from TensorFlow or a Conv1D"},
    {WeightRelation::kUnrelated, ChangeEffect::kChanges, kExportAgain},
    {WeightRelation::kZeroed, ChangeEffect::kChanges, kExportAgain},
    {WeightRelation::kFilled, ChangeEffect::kChanges, kExportAgain},
    {WeightRelation::kRounded, ChangeEffect::kChanges, kKeepDtype},
    {WeightRelation::kNarrower, ChangeEffect::kChanges, kKeepDtype},
    {WeightRelation::kQuantized, ChangeEffect::kChanges, "claim int8 if it is meant, else export the float weights"},
    {WeightRelation::kNegated, ChangeEffect::kPerhapsNone, kExportAgain},
    {WeightRelation::kScaled, ChangeEffect::kPerhapsNone,
     "a factor moved into weights must be taken out of the code, once"},
    {WeightRelation::kShifted, ChangeEffect::kChanges, kExportAgain},
    {WeightRelation::kRowAdded, ChangeEffect::kPerhapsNone,
     "a row of another table moved into this one must be taken out of the code, once"},
    {WeightRelation::kRowsReordered, ChangeEffect::kPerhapsNone,
     "rows of one layer and columns of the next must be put in the same order"},
    {WeightRelation::kColumnsReordered, ChangeEffect::kPerhapsNone,
     "rows of one layer and columns of the next must be put in the same order"},
    {WeightRelation::kPruned, ChangeEffect::kChanges, kExportAgain},
    {WeightRelation::kClipped, ChangeEffect::kChanges, kExportAgain},
    {WeightRelation::kPart, ChangeEffect::kChanges, kExportAgain},
    {WeightRelation::kNoise, ChangeEffect::kChanges,
     "look for training steps, another release of the checkpoint, or a change after the export"},
};

struct Differing {
  size_t index;  ///< in `expected`
  WeightDifference difference;
};

bool is_constant(const at::Tensor& tensor) {
  return tensor.numel() < 2 || tensor.flatten()[0].eq(tensor).all().item<bool>();
}

bool lies_under(const std::string& name, const std::string& module) {
  return module.empty() || (name.starts_with(module) && name.size() > module.size() && name[module.size()] == '.');
}

std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 3;
  std::string text;
  for (size_t i = 0; i < names.size() && i < kShown; ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  return names.size() > kShown ? text + " and " + std::to_string(names.size() - kShown) + " more" : text;
}

class Changes {
 public:
  Changes(const OrderedWeights& expected, const std::map<std::string, at::Tensor>& actual, const WeightRules& rules)
      : expected_(expected), actual_(actual), rules_(rules) {}

  WeightChanges run() {
    compare_all();
    tell_exchanged();
    tell_rounded_model();
    tell_other_model();
    tell_relations();
    tell_missing();
    return std::move(result_);
  }

 private:
  const std::string& name(size_t index) const {
    return expected_[index].first;
  }
  const at::Tensor& weight(size_t index) const {
    return expected_[index].second;
  }

  void compare_all() {
    std::set<std::string> names;
    for (size_t i = 0; i < expected_.size(); ++i) {
      names.insert(name(i));
      const auto found = actual_.find(name(i));
      if (found == actual_.end()) {
        missing_.push_back(i);
        continue;
      }
      ++result_.compared;
      WeightDifference difference = relate_weights(weight(i), found->second);
      if (difference.relation == WeightRelation::kSame) {
        ++result_.equal;
        equal_.insert(i);
      } else if (difference.relation == WeightRelation::kQuantized && rules_.may_be_quantized) {
        ++result_.quantized;
      } else {
        add_row(i, found->second, difference);
        left_.push_back({i, std::move(difference)});
      }
    }
    for (const auto& [name, tensor] : actual_) {
      if (!names.contains(name)) {
        result_.extra.push_back(name);
      }
    }
    differing_ = left_.size();
  }

  void add_row(size_t index, const at::Tensor& actual, const WeightDifference& difference) {
    result_.different.push_back(name(index));
    TensorComparison comparison = compare_tensors(weight(index), actual, Tolerance{.rtol = 0.0, .atol = 0.0});
    comparison.name = name(index);
    EvidenceFields row = comparison_evidence(comparison);
    row.push_back({"change", std::string(weight_relation_name(difference.relation))});
    row.push_back({"change_text", difference.text});
    if (std::isfinite(difference.relative_error)) {
      row.push_back({"relative_error", difference.relative_error});
    }
    result_.rows.push_back(std::move(row));
  }

  /// The smallest module that holds all of `tensors`, and nothing that is right; empty where they are most of the
  /// matrices of the model, and else the first one's module.
  std::string blame(const std::vector<size_t>& tensors) const {
    const auto matrices = [this](const auto& indices) {
      return std::ranges::count_if(indices, [this](size_t i) { return weight(i).dim() > 1; });
    };
    std::vector<size_t> all(expected_.size());
    for (size_t i = 0; i < all.size(); ++i) {
      all[i] = i;
    }
    if (tensors.size() > 2 && 2 * matrices(tensors) > matrices(all)) {
      return "";
    }
    std::string common = module_of_weight(name(tensors[0]));
    while (!common.empty() && !std::ranges::all_of(tensors, [&](size_t i) { return lies_under(name(i), common); })) {
      common = module_of_weight(common);
    }
    const std::set<size_t> told(tensors.begin(), tensors.end());
    const bool all_of_it = !common.empty() && std::ranges::all_of(all, [&](size_t i) {
      return !lies_under(name(i), common) || told.contains(i) || is_constant(weight(i));
    });
    return all_of_it ? common : place_of_weight(name(tensors[0]));
  }

  WeightFinding& tell(std::string id, ChangeEffect effect, const std::vector<size_t>& tensors, std::string summary,
                      std::string advice) {
    WeightFinding finding{std::move(id), effect, "", std::move(summary), std::move(advice), {}};
    if (!tensors.empty()) {
      finding.where = blame(tensors);
    }
    for (const size_t i : tensors) {
      finding.tensors.push_back(name(i));
    }
    result_.findings.push_back(std::move(finding));
    return result_.findings.back();
  }

  void drop(const std::vector<size_t>& told) {
    std::erase_if(left_, [&](const Differing& item) { return std::ranges::find(told, item.index) != told.end(); });
  }

  /// Which of the expected tensors a tensor that is not its own is; expected_.size() if none.
  size_t origin_of(const Differing& item, const std::unordered_multimap<uint64_t, size_t>& keys) const {
    const at::Tensor& actual = actual_.at(name(item.index));
    if (actual.is_quantized() || actual.scalar_type() == weight(item.index).scalar_type()) {
      const at::Tensor plain = actual.is_quantized() ? actual.dequantize() : actual;
      const auto [begin, end] = keys.equal_range(weight_key(plain));
      size_t best = expected_.size();
      for (auto it = begin; it != end; ++it) {
        if (it->second != item.index && it->second < best && same_bits(weight(it->second), plain)) {
          best = it->second;
        }
      }
      if (best < expected_.size()) {
        return best;
      }
    }
    return item.difference.relation == WeightRelation::kUnrelated ? correlated_with(item.index, actual)
                                                                  : expected_.size();
  }

  /// The same where rounding, quantization or noise came on top. Weights of two layers are uncorrelated; that many
  /// elements of chance do not reach .99.
  size_t correlated_with(size_t index, const at::Tensor& actual) const {
    constexpr int64_t kFewest = 64;
    const at::Tensor plain = actual.is_quantized() ? actual.dequantize() : actual;
    for (size_t i = 0; i < expected_.size() && plain.numel() >= kFewest; ++i) {
      if (i != index && weight(i).sizes() == plain.sizes() && weight(i).is_floating_point() &&
          correlation_of_sample(weight(i), plain) > 0.99) {
        return i;
      }
    }
    return expected_.size();
  }

  /// Tensors that are other tensors: layers exchanged, query for key, a layer copied over another.
  void tell_exchanged() {
    std::unordered_multimap<uint64_t, size_t> keys;
    if (!left_.empty()) {
      for (size_t i = 0; i < expected_.size(); ++i) {
        if (weight(i).is_floating_point() && !is_constant(weight(i))) {
          keys.emplace(weight_key(weight(i)), i);
        }
      }
    }
    std::vector<size_t> exchanged;
    std::vector<size_t> copied;
    std::vector<std::string> exchanges;
    std::vector<std::string> copies;
    std::vector<std::string> heads[2];
    const auto add = [](std::vector<std::string>& list, const std::string& text) {
      if (std::ranges::find(list, text) == list.end()) {
        list.push_back(text);
      }
    };
    for (const Differing& item : left_) {
      const size_t origin = origin_of(item, keys);
      if (origin == expected_.size()) {
        continue;
      }
      const std::string to = head_of_weight(name(item.index), name(origin));
      const std::string from = head_of_weight(name(origin), name(item.index));
      const bool is_copy = equal_.contains(origin);
      (is_copy ? copied : exchanged).push_back(item.index);
      add(heads[is_copy ? 1 : 0], to);
      if (is_copy) {
        add(copies, to + " holds the weights of " + from);
      } else if (std::ranges::find(exchanges, from + " and " + to) == exchanges.end()) {
        add(exchanges, to + " and " + from);
      }
    }
    if (!exchanged.empty()) {
      tell("exchanged", ChangeEffect::kChanges, exchanged,
           "weights exchanged: " + some_of(exchanges) + " (" +
               counted(static_cast<int64_t>(exchanged.size()), "tensor") + ")",
           "put each tensor under its own name again: a converter mapped names or layers wrongly")
          .where = without_weight(heads[0].front());
    }
    if (!copied.empty()) {
      tell("copied", ChangeEffect::kChanges, copied,
           some_of(copies) + " (" + counted(static_cast<int64_t>(copied.size()), "tensor") + ")",
           "put each tensor under its own name again: a converter mapped names or layers wrongly")
          .where = without_weight(heads[1].front());
    }
    drop(exchanged);
    drop(copied);
  }

  /// A head is a module, or one tensor where nothing of the two names is the same.
  std::string without_weight(const std::string& head) const {
    const bool is_tensor = std::ranges::any_of(expected_, [&](const auto& item) { return item.first == head; });
    return is_tensor ? place_of_weight(head) : head;
  }

  /// All of a model is rounded where what is equal holds in the narrow dtype as well, which nobody can see.
  void tell_rounded_model() {
    std::map<std::string, std::vector<size_t>> by_cause;
    for (const Differing& item : left_) {
      if (item.difference.relation == WeightRelation::kRounded ||
          item.difference.relation == WeightRelation::kNarrower) {
        by_cause[item.difference.cause].push_back(item.index);
      }
    }
    for (const auto& [cause, tensors] : by_cause) {
      if (tensors.size() > 1 && 2 * tensors.size() > static_cast<size_t>(result_.compared)) {
        const bool is_narrower = cause.starts_with("is rounded");
        tell(is_narrower ? "narrower" : "rounded", ChangeEffect::kChanges, tensors,
             subject(tensors) + (is_narrower ? " are rounded" : " went") + cause.substr(is_narrower ? 10 : 4),
             kKeepDtype)
            .where = blame(tensors);
        drop(tensors);
      }
    }
  }

  /// "all 42 weights", "3 weights (a, b, c)", "weight a"
  std::string subject(const std::vector<size_t>& tensors) const {
    const auto count = static_cast<int64_t>(tensors.size());
    if (count == 1) {
      return "weight " + name(tensors[0]);
    }
    if (count == result_.compared) {
      return "all " + counted(count, "weight");
    }
    std::vector<std::string> names;
    for (const size_t i : tensors) {
      names.push_back(name(i));
    }
    return std::to_string(count) + " of " + counted(result_.compared, "weight") + " (" + some_of(names) + ")";
  }

  /// Nearly all weights differ, and most of their numbers in one way: they have nothing to do with what is expected, or
  /// are near it. The few that were 0 before are neither.
  void tell_other_model() {
    std::vector<size_t> all;
    int64_t differing = 0;
    std::map<WeightRelation, int64_t> elements;
    for (const Differing& item : left_) {
      all.push_back(item.index);
      differing += weight(item.index).numel();
      elements[item.difference.relation] += weight(item.index).numel();
    }
    const auto same = static_cast<size_t>(result_.compared) - differing_;
    if (all.size() < 3 || all.size() != differing_ || same * 9 > differing_) {
      return;
    }
    if (elements[WeightRelation::kUnrelated] * 5 >= differing * 4) {
      tell("another-checkpoint", ChangeEffect::kChanges, all,
           subject(all) + " differ and have nothing to do with what is expected: those of another checkpoint",
           "export the file from this checkpoint, or name the one that it was made from")
          .where = "";
    } else if (elements[WeightRelation::kNoise] * 5 >= differing * 4) {
      tell("noise", ChangeEffect::kChanges, all,
           subject(all) + " differ a little from what is expected: trained further, or noise in all of them",
           "look for training steps, or another release of the checkpoint")
          .where = "";
    } else {
      return;
    }
    left_.clear();
  }

  void tell_relations() {
    for (const Telling& telling : kTellings) {
      std::vector<std::string> causes;
      std::map<std::string, std::vector<const Differing*>> by_cause;
      for (const Differing& item : left_) {
        if (item.difference.relation == telling.relation) {
          auto& items = by_cause[item.difference.cause];
          if (items.empty()) {
            causes.push_back(item.difference.cause);
          }
          items.push_back(&item);
        }
      }
      for (const auto& cause : causes) {
        tell_cause(telling, cause, by_cause[cause]);
      }
    }
  }

  void tell_cause(const Telling& telling, const std::string& cause, const std::vector<const Differing*>& items) {
    std::vector<size_t> tensors;
    double least = items[0]->difference.relative_error;
    double most = least;
    for (const Differing* item : items) {
      tensors.push_back(item->index);
      least = std::min(least, item->difference.relative_error);
      most = std::max(most, item->difference.relative_error);
    }
    std::string summary = items.size() == 1 ? "weight " + name(tensors[0]) + " " + items[0]->difference.text
                                            : subject(tensors) + ": each " + cause;
    if (items.size() > 1 && telling.relation == WeightRelation::kNoise) {
      summary += " of " + short_number(least) + " to " + short_number(most) + " of its size";
    }
    ChangeEffect effect = telling.effect;
    // The rows of a table stand for tokens and positions: no other layer makes up for another order.
    if (telling.relation == WeightRelation::kRowsReordered &&
        std::ranges::any_of(tensors, [&](size_t i) { return name(i).find("embedding") != std::string::npos; })) {
      effect = ChangeEffect::kChanges;
    }
    tell(weight_relation_name(telling.relation), effect, tensors, std::move(summary), telling.advice);
  }

  /// Tied weights go by one of their names.
  bool is_tied_to_present(size_t index) const {
    return std::ranges::any_of(equal_, [&](size_t other) {
      return weight(other).sizes() == weight(index).sizes() &&
             weight(other).scalar_type() == weight(index).scalar_type() && same_bits(weight(other), weight(index));
    });
  }

  void tell_missing() {
    std::vector<size_t> gone;
    for (const size_t i : missing_) {
      if (!is_tied_to_present(i)) {
        gone.push_back(i);
        result_.absent.push_back(name(i));
      }
    }
    if (!gone.empty()) {
      const auto count = static_cast<int64_t>(gone.size());
      tell("absent", ChangeEffect::kPerhapsNone, gone,
           counted(count, "weight") + (count == 1 ? " is" : " are") + " not in the file under " +
               (count == 1 ? "its name: " : "their names: ") + some_of(result_.absent),
           "export with the names of the checkpoint, so that weights can be told");
    }
  }

  const OrderedWeights& expected_;
  const std::map<std::string, at::Tensor>& actual_;
  const WeightRules& rules_;
  WeightChanges result_;
  std::vector<Differing> left_;  ///< that no finding tells of yet
  std::set<size_t> equal_;
  std::vector<size_t> missing_;
  size_t differing_ = 0;
};

}  // namespace

bool WeightChanges::has(ChangeEffect effect) const {
  return std::ranges::any_of(findings, [effect](const WeightFinding& finding) { return finding.effect == effect; });
}

WeightChanges compare_weights(const OrderedWeights& expected, const std::map<std::string, at::Tensor>& actual,
                              const WeightRules& rules) {
  return Changes(expected, actual, rules).run();
}

std::string module_of_weight(const std::string& name) {
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

std::string place_of_weight(const std::string& name) {
  const std::string module = module_of_weight(name);
  return module.empty() ? name : module;
}

std::string head_of_weight(const std::string& name, const std::string& other) {
  size_t end = name.size();
  size_t other_end = other.size();
  while (end > 0 && other_end > 0) {
    const size_t dot = name.rfind('.', end - 1);
    const size_t other_dot = other.rfind('.', other_end - 1);
    if (dot == std::string::npos || other_dot == std::string::npos ||
        name.compare(dot, end - dot, other, other_dot, other_end - other_dot) != 0) {
      break;
    }
    end = dot;
    other_end = other_dot;
  }
  return name.substr(0, end);
}

uint64_t weight_key(const at::Tensor& tensor) {
  constexpr int64_t kSample = 16;
  std::string text;
  for (const int64_t size : tensor.sizes()) {
    text += std::to_string(size) + ",";
  }
  // From the middle: the first row of an embedding is often all zero.
  const int64_t count = std::min(tensor.numel(), kSample);
  const at::Tensor sample = tensor.detach().flatten().narrow(0, (tensor.numel() - count) / 2, count).contiguous();
  text.append(static_cast<const char*>(sample.const_data_ptr()), sample.nbytes());
  return std::hash<std::string>()(text);
}

}  // namespace bertjit
