#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "container/tensors.h"
#include "diff/causes.h"

namespace bertjit {

namespace {

constexpr double kRelated = 0.9;  ///< cosine above which weights are the same ones, trained on

struct Relation {
  const char* id;     ///< of DiffTensor
  const char* cause;  ///< of DiffCause
  const char* words;  ///< after "12 tensors "
};

/// Relations that explain a tensor as a whole, in the order in which they are told. What is not among them says where a
/// tensor differs, not why.
constexpr Relation kRelations[] = {
    {"quantized", "quantized", ""},
    {"requantized", "quantized", "quantized with other scales"},
    {"through-float16", "rounded", ""},
    {"through-bfloat16", "rounded", ""},
    {"through-float32", "rounded", ""},
    {"transposed", "transposed", "transposed"},
    {"reshaped", "reshaped", "in another shape"},
    {"resized", "resized", ""},
    {"rows-permuted", "permuted", "with rows in another order"},
    {"columns-permuted", "permuted", "with columns in another order"},
    {"scaled", "scaled", ""},
    {"negated", "scaled", ""},
    {"shifted", "scaled", ""},
    {"zeroed", "zeroed", ""},
    {"filled", "zeroed", ""},
    {"byte-swapped", "byte-order", ""},
};

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string one_weight_text(const DiffTensor& tensor) {
  std::string text = "one changed weight: " + tensor.name + " " + shape_text(tensor.first.index);
  if (tensor.flipped_bits.size() == 1) {
    text += ", bit " + std::to_string(tensor.flipped_bits[0]) + " flipped";
  }
  return text + ": " + number_text(tensor.first.a) + " became " + number_text(tensor.first.b);
}

/// What two dotted names differ in, without the ends that they share: "encoder.layer.0" for
/// "encoder.layer.0.output.bias" beside "encoder.layer.1.output.bias".
std::string head_of(const std::string& name, const std::string& other) {
  size_t end = name.size();
  size_t other_end = other.size();
  while (true) {
    const size_t dot = name.rfind('.', end - 1);
    const size_t other_dot = other.rfind('.', other_end - 1);
    if (dot == std::string::npos || other_dot == std::string::npos || end == 0 || other_end == 0 ||
        name.compare(dot, end - dot, other, other_dot, other_end - other_dot) != 0) {
      return name.substr(0, end);
    }
    end = dot;
    other_end = other_dot;
  }
}

class TensorCauses {
 public:
  TensorCauses(const Contents& a, const Contents& b, const PairedTensors& pairing, DiffResult& result)
      : a_(a), b_(b), pairing_(pairing), result_(result) {
    for (const DiffTensor& tensor : result.tensors) {
      left_.push_back(&tensor);
    }
  }

  std::vector<DiffCause> run() {
    tell_one_weight();
    tell_swapped();
    tell_dtypes();
    tell_relations();
    tell_non_finite();
    tell_changed();
    tell_prefix();
    tell_lone();
    return std::move(causes_);
  }

 private:
  void tell(std::string id, std::string text, DiffEffect effect = DiffEffect::kOutputs) {
    causes_.push_back({std::move(id), effect, std::move(text)});
  }

  void drop_from_left(const std::set<const DiffTensor*>& told) {
    std::erase_if(left_, [&](const DiffTensor* tensor) { return told.contains(tensor); });
  }

  void tell_one_weight() {
    if (left_.size() == 1 && left_[0]->relation == "one-element") {
      tell("one-weight", one_weight_text(*left_[0]));
      left_.clear();
    }
  }

  /// Tensors of B that are other tensors of A.
  void tell_swapped() {
    std::vector<const ContentsTensor*> candidates;
    for (const DiffTensor* tensor : left_) {
      if (tensor->dtype_a == tensor->dtype_b) {
        candidates.push_back(a_.find(tensor->name));
      }
    }
    const TensorFinder finder(a_, candidates);
    std::set<const DiffTensor*> told;
    std::map<std::pair<std::string, std::string>, size_t> heads;
    for (const DiffTensor* tensor : left_) {
      const ContentsTensor* origin = finder.find(b_, *b_.find(tensor->name_in_b));
      if (origin != nullptr) {
        told.insert(tensor);
        const std::string from = head_of(origin->name, tensor->name);
        const std::string to = head_of(tensor->name, origin->name);
        ++heads[std::minmax(from, to)];
      }
    }
    if (told.size() < 2) {
      return;
    }
    std::vector<std::string> pairs;
    for (const auto& [names, count] : heads) {
      pairs.push_back(names.first + " and " + names.second);
    }
    tell("exchanged", "weights exchanged between " + some_of(pairs) + " (" + count_of(told.size(), "tensor") + ")");
    drop_from_left(told);
  }

  /// "all 6 tensors, float32 to float16: B's values are A's, rounded".
  void tell_dtypes() {
    std::map<std::string, std::vector<const DiffTensor*>> by_change;
    for (const DiffTensor* tensor : left_) {
      if (tensor->relation == "cast" || tensor->relation == "cast-back" || tensor->relation == "same-values") {
        by_change[tensor->dtype_a + " to " + tensor->dtype_b].push_back(tensor);
      }
    }
    for (const auto& [change, tensors] : by_change) {
      const auto is_any = [&](const char* relation) {
        return std::ranges::any_of(tensors, [&](const DiffTensor* tensor) { return tensor->relation == relation; });
      };
      const bool rounded = is_any("cast");
      const bool restored = is_any("cast-back");
      tell("dtype", "dtype: " + who_of(tensors) + ", " + change + (rounded ? ", B's values are A's, rounded" : "") +
                        (restored ? ", A's values are B's, rounded" : "") +
                        (!rounded && !restored ? ", the same values" : ""));
      drop_from_left({tensors.begin(), tensors.end()});
    }
  }

  std::string who_of(const std::vector<const DiffTensor*>& tensors) const {
    return tensors.size() == 1 ? tensors[0]->name
           : tensors.size() == result_.tensors_compared
               ? "all " + count_of(tensors.size(), "tensor")
               : count_of(tensors.size(), "tensor") + " (" + some_of(names_of(tensors)) + ")";
  }

  static bool is_explained(const DiffTensor* tensor) {
    return std::ranges::any_of(kRelations, [&](const Relation& known) { return tensor->relation == known.id; });
  }

  /// Where most of what is left has no explanation, what fits a few of them (a bias that was all zeros) is chance.
  void tell_relations() {
    if (2 * static_cast<size_t>(std::ranges::count_if(left_, is_explained)) < left_.size()) {
      return;
    }
    std::map<std::string, std::vector<const DiffTensor*>> by_words;
    std::vector<std::pair<std::string, const Relation*>> order;
    for (const Relation& relation : kRelations) {
      for (const DiffTensor* tensor : left_) {
        if (tensor->relation == relation.id) {
          const std::string words = relation.words[0] != '\0' ? relation.words : tensor->relation_text;
          if (by_words[words].empty()) {
            order.emplace_back(words, &relation);
          }
          by_words[words].push_back(tensor);
        }
      }
    }
    std::set<const DiffTensor*> told;
    for (const auto& [words, relation] : order) {
      const auto& tensors = by_words[words];
      tell(relation->cause, relation_text(*relation, words, tensors));
      told.insert(tensors.begin(), tensors.end());
    }
    drop_from_left(told);
  }

  std::string relation_text(const Relation& relation, const std::string& words,
                            const std::vector<const DiffTensor*>& tensors) const {
    return std::string(relation.cause) + ": " + who_of(tensors) + (relation.words[0] != '\0' ? " " : ", ") + words;
  }

  static std::vector<std::string> names_of(const std::vector<const DiffTensor*>& tensors) {
    std::vector<std::string> names;
    for (const DiffTensor* tensor : tensors) {
      names.push_back(tensor->name);
    }
    std::ranges::sort(names);
    return names;
  }

  using Count = int64_t DiffTensor::*;

  /// "2 NaN and 1 infinite", "none".
  static std::string odd_numbers(const std::vector<const DiffTensor*>& tensors, Count nan, Count infinite) {
    int64_t nans = 0;
    int64_t infinities = 0;
    for (const DiffTensor* tensor : tensors) {
      nans += tensor->*nan;
      infinities += tensor->*infinite;
    }
    const std::string text = nans == 0 ? "" : std::to_string(nans) + " NaN";
    return infinities > 0 ? text + (text.empty() ? "" : " and ") + std::to_string(infinities) + " infinite"
           : text.empty() ? "none"
                          : text;
  }

  void tell_non_finite() {
    std::vector<const DiffTensor*> bad;
    std::ranges::copy_if(left_, std::back_inserter(bad), [](const DiffTensor* tensor) {
      return tensor->nan_b + tensor->inf_b != tensor->nan_a + tensor->inf_a;
    });
    if (!bad.empty()) {
      tell("non-finite", "NaN or infinity in " + some_of(names_of(bad)) + ": " +
                             odd_numbers(bad, &DiffTensor::nan_a, &DiffTensor::inf_a) + " in A, " +
                             odd_numbers(bad, &DiffTensor::nan_b, &DiffTensor::inf_b) + " in B");
      drop_from_left({bad.begin(), bad.end()});
    }
  }

  /// Mean cosine of what is left, by elements. A tensor of zeros has no direction.
  double common_cosine() const {
    double sum = 0;
    double elements = 0;
    for (const DiffTensor* tensor : left_) {
      const bool is_zero = tensor->zeros_a == tensor->elements || tensor->zeros_b == tensor->elements;
      if (tensor->measured && !is_zero) {
        sum += tensor->cosine * static_cast<double>(tensor->elements);
        elements += static_cast<double>(tensor->elements);
      }
    }
    return elements == 0 ? 0 : sum / elements;
  }

  /// What is left has no better explanation than that it was changed.
  void tell_changed() {
    if (left_.empty()) {
      return;
    }
    const std::string how_many = std::to_string(left_.size()) + " of " + count_of(result_.tensors_compared, "tensor");
    const double cosine = common_cosine();
    char cosine_text[32];
    std::snprintf(cosine_text, sizeof cosine_text, "%.4f", cosine);
    const bool most = left_.size() >= 4 && 10 * left_.size() >= 8 * result_.tensors_compared;
    if (most && cosine < kRelated) {
      tell("another-checkpoint", "another checkpoint: " + how_many + " hold other weights, mean cosine " + cosine_text);
    } else if (most) {
      tell("trained-on",
           "trained on, or computed otherwise: " + how_many + " hold nearby weights, mean cosine " + cosine_text);
    } else if (left_.size() == 1) {
      tell("changed-tensor", "one changed tensor: " + changed_text(*left_[0]));
    } else {
      const std::string root = common_module();
      tell("changed-tensors", "changed tensors: " + how_many +
                                  (root.empty() ? ", " + some_of(names_of(left_)) : ", all of them in " + root));
    }
    left_.clear();
  }

  static std::string changed_text(const DiffTensor& tensor) {
    if (!tensor.measured) {
      return tensor.name + ", " + tensor.dtype_a + " " + shape_text(tensor.shape_a) + " against " + tensor.dtype_b +
             " " + shape_text(tensor.shape_b);
    }
    return tensor.name + ", " + std::to_string(tensor.differing) + " of " +
           count_of(static_cast<size_t>(tensor.elements), "element") +
           (tensor.relation == "one-row" ? ", " + tensor.relation_text : "");
  }

  /// The module that all tensors left lie in; empty if it is the root.
  std::string common_module() const {
    std::string common = left_[0]->name.substr(0, left_[0]->name.rfind('.') + 1);
    for (const DiffTensor* tensor : left_) {
      while (!common.empty() && !tensor->name.starts_with(common)) {
        const size_t dot = common.size() < 2 ? std::string::npos : common.rfind('.', common.size() - 2);
        common.resize(dot == std::string::npos ? 0 : dot + 1);
      }
    }
    return common.substr(0, common.empty() ? 0 : common.size() - 1);
  }

  void tell_prefix() {
    const std::string& prefix = pairing_.prefix_a.empty() ? pairing_.prefix_b : pairing_.prefix_a;
    if (!prefix.empty()) {
      tell("renamed-prefix", "names in " + std::string(pairing_.prefix_a.empty() ? "B" : "A") + " begin with '" +
                                 prefix + "', in " + (pairing_.prefix_a.empty() ? "A" : "B") + " without it");
    }
  }

  /// Tensors that one side has alone: under another name, as a second copy, as constants, or not at all.
  void tell_lone() {
    tell_renamed();
    tell_copies(result_.only_in_a, a_, b_, "A");
    tell_copies(result_.only_in_b, b_, a_, "B");
    if (result_.tensors_compared == 0 && told_.empty() && !result_.only_in_a.empty() && !result_.only_in_b.empty()) {
      tell("another-model", "another model: no tensor of A has a name that B has");
      return;
    }
    tell_missing(result_.only_in_a, "B lacks ", "removed-tensors");
    tell_missing(result_.only_in_b, "B adds ", "added-tensors");
  }

  void tell_renamed() {
    const TensorFinder finder(b_, pairing_.only_in_b);
    std::vector<std::string> renamed;
    size_t into_constants = 0;
    for (const DiffLoneTensor& lone : result_.only_in_a) {
      const ContentsTensor* other = finder.find(a_, *a_.find(lone.name));
      if (other != nullptr) {
        told_.insert(lone.name);
        told_.insert(other->name);
        renamed.push_back(lone.name + " is " + other->name);
        into_constants += other->role == "constant" && lone.role != "constant";
      }
    }
    if (into_constants > 0) {
      tell("frozen", "frozen: " + count_of(into_constants, "tensor") + " of A became constants of B's code");
    } else if (!renamed.empty()) {
      tell("renamed-tensors", count_of(renamed.size(), "tensor") + (renamed.size() == 1 ? " has" : " have") +
                                  " another name: " + some_of(renamed));
    }
  }

  void tell_copies(std::vector<DiffLoneTensor>& lone, const Contents& owner, const Contents& other, const char* side) {
    std::vector<const ContentsTensor*> shared;
    for (const ContentsTensor& tensor : owner.tensors) {
      if (other.find(tensor.name) != nullptr) {
        shared.push_back(&tensor);
      }
    }
    if (lone.empty() || shared.empty()) {
      return;
    }
    const TensorFinder finder(owner, shared);
    std::vector<std::string> copies;
    for (DiffLoneTensor& tensor : lone) {
      const ContentsTensor* original = finder.find(owner, *owner.find(tensor.name));
      if (original != nullptr && !told_.contains(tensor.name)) {
        tensor.same_as = original->name;
        told_.insert(tensor.name);
        copies.push_back(tensor.name + " holds what " + original->name + " does");
      }
    }
    if (!copies.empty()) {
      tell("tied", "tied weights under one more name in " + std::string(side) + ": " + some_of(copies),
           DiffEffect::kGradients);
    }
  }

  void tell_missing(const std::vector<DiffLoneTensor>& lone, const std::string& words, const char* id) {
    std::vector<std::string> names;
    for (const DiffLoneTensor& tensor : lone) {
      if (!told_.contains(tensor.name)) {
        names.push_back(tensor.name);
      }
    }
    if (!names.empty()) {
      tell(id, words + count_of(names.size(), "tensor") + ": " + some_of(names));
    }
  }

  const Contents& a_;
  const Contents& b_;
  const PairedTensors& pairing_;
  DiffResult& result_;
  std::vector<const DiffTensor*> left_;  ///< differing tensors that no cause explains yet
  std::set<std::string> told_;           ///< lone tensors that some cause explains
  std::vector<DiffCause> causes_;
};

}  // namespace

std::vector<DiffCause> tensor_causes(const Contents& a, const Contents& b, const PairedTensors& pairing,
                                     DiffResult& result) {
  return TensorCauses(a, b, pairing, result).run();
}

}  // namespace bertjit
