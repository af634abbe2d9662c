#include "locate/alignment.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "compare/sequence_matcher.h"

namespace bertjit {

namespace {

/// An operator with a weight, as it stands on one tape.
struct WeightUse {
  std::string key;  ///< kind, weight, and which use of it this is
  std::string weight;
  int operand;         ///< which argument the weight is used on
  int64_t step;        ///< the operator itself
  int64_t biased = 0;  ///< the step whose output has the bias added; 0: none has
};

/// Which argument is the weight of an operator of this kind, and which it is used on.
std::optional<std::pair<int, int>> weight_arguments(const Step& step) {
  const std::string family = step_family(step);
  const auto is_weight = [&step](size_t i) { return i < step.weights.size() && !step.weights[i].empty(); };
  if (family == "linear") {
    if (step.op == "aten::addmm") {
      return is_weight(2) ? std::optional(std::pair(2, 1)) : std::nullopt;
    }
    return is_weight(1) ? std::optional(std::pair(1, 0)) : is_weight(0) ? std::optional(std::pair(0, 1)) : std::nullopt;
  }
  if (family == "layer_norm") {
    return is_weight(2) ? std::optional(std::pair(2, 0)) : std::nullopt;
  }
  return family == "embedding" && is_weight(0) ? std::optional(std::pair(0, 1)) : std::nullopt;
}

/// Whether a multiplication adds its bias itself.
bool adds_bias(const Step& step) {
  const auto is_given = [&step](size_t i) {
    return i < step.weights.size() && (step.inputs[i] != 0 || !step.weights[i].empty());
  };
  return step.op == "aten::addmm" || step.op.starts_with("quantized::") || (step.op == "aten::linear" && is_given(2));
}

/// Old PyTorch writes a linear layer as matmul(x, W.t()) and add_(…, b): the number of the argument that is multiplied.
std::optional<size_t> product_operand(const Step& step) {
  if (step_family(step) != "add" || step.inputs.size() < 2) {
    return std::nullopt;
  }
  for (const size_t i : {0, 1}) {
    if (!step.weights[i].empty() && step.inputs[1 - i] != 0) {
      return 1 - i;
    }
  }
  return std::nullopt;
}

template <typename Name>
std::vector<WeightUse> weight_uses(const Tape& tape, const Name& common_name) {
  std::vector<WeightUse> uses;
  std::map<std::string, int> counts;
  std::unordered_map<int64_t, size_t> products;  // by step
  for (size_t i = 0; i < tape.steps.size(); ++i) {
    const Step& step = tape.steps[i];
    const auto id = static_cast<int64_t>(i + 1);
    if (const auto product = product_operand(step)) {
      const auto use = products.find(step.inputs[*product]);
      if (use != products.end()) {
        uses[use->second].biased = id;
      }
    }
    const auto arguments = weight_arguments(step);
    if (!arguments) {
      continue;
    }
    const std::string& weight = step.weights[static_cast<size_t>(arguments->first)];
    const std::string family = step_family(step);
    std::string key = family + " " + common_name(weight);
    key += "#" + std::to_string(counts[key]++);
    uses.push_back({key, weight, arguments->second, id, family != "linear" || adds_bias(step) ? id : 0});
    if (uses.back().biased == 0) {
      products.emplace(id, uses.size() - 1);
    }
  }
  return uses;
}

/// Where in the file an operator with a weight stands: its module, or the one that the weight's name says. Code that
/// uses a submodule's weight itself stands above it; a tied weight has the name of another place.
std::string owner_of(const Step& step, const std::string& weight) {
  const std::string named = parent_path(weight);
  if (step.module.empty() || is_within(named, step.module)) {
    return named;
  }
  return step.module;
}

}  // namespace

Alignment::Alignment(const Tape& module, const Tape& reference, const NameMatch& names,
                     const std::vector<std::pair<size_t, size_t>>& outputs)
    : module_(module), reference_(reference) {
  pair_weights(names);
  pair_outputs(outputs);
  sort();
  pair_operators();
  sort();
}

void Alignment::add(Point point) {
  if (point.kind != Point::Kind::kOutput && (in_module_.contains({point.module.step, point.module.operand}) ||
                                             in_reference_.contains({point.reference.step, point.reference.operand}))) {
    return;
  }
  if (point.kind != Point::Kind::kOutput) {
    in_module_[{point.module.step, point.module.operand}] = points_.size();
    in_reference_[{point.reference.step, point.reference.operand}] = points_.size();
  }
  points_.push_back(std::move(point));
}

void Alignment::sort() {
  // What a step is given comes before what it gives.
  std::ranges::stable_sort(points_, {}, [](const Point& point) {
    return std::tuple(point.kind == Point::Kind::kOutput, point.module.step, point.module.operand < 0);
  });
  in_module_.clear();
  in_reference_.clear();
  for (size_t i = 0; i < points_.size() && points_[i].kind != Point::Kind::kOutput; ++i) {
    in_module_[{points_[i].module.step, points_[i].module.operand}] = i;
    in_reference_[{points_[i].reference.step, points_[i].reference.operand}] = i;
  }
}

void Alignment::pair_weights(const NameMatch& names) {
  const auto ours = weight_uses(module_, [&](const std::string& name) { return names.of_module(name); });
  std::unordered_map<std::string, WeightUse> theirs;
  for (auto& use : weight_uses(reference_, [&](const std::string& name) { return names.of_reference(name); })) {
    theirs.emplace(use.key, std::move(use));
  }
  std::vector<std::pair<const WeightUse*, const WeightUse*>> pairs;
  for (const auto& use : ours) {
    const auto other = theirs.find(use.key);
    if (other == theirs.end()) {
      continue;
    }
    pairs.emplace_back(&use, &other->second);
    const bool biased = use.biased != 0 && other->second.biased != 0;
    if (biased == (use.biased != 0 || other->second.biased != 0)) {
      add({Point::Kind::kWeightOutput,
           {biased ? use.biased : use.step, -1, use.step},
           {biased ? other->second.biased : other->second.step, -1, other->second.step},
           owner_of(module_.at(use.step), use.weight)});
    }
  }
  for (const auto& [use, other] : pairs) {
    const int64_t our_origin = module_.origin(module_.at(use->step).inputs[static_cast<size_t>(use->operand)]);
    const int64_t their_origin =
        reference_.origin(reference_.at(other->step).inputs[static_cast<size_t>(other->operand)]);
    const auto known = in_module_.find({our_origin, -1});
    if (known != in_module_.end() && points_[known->second].reference.step == their_origin) {
      continue;  // the same value again: query, key and value are used on one
    }
    add({Point::Kind::kWeightInput,
         {use->step, use->operand, use->step},
         {other->step, other->operand, other->step},
         owner_of(module_.at(use->step), use->weight)});
  }
}

void Alignment::pair_outputs(const std::vector<std::pair<size_t, size_t>>& outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto [ours, theirs] = outputs[i];
    add({Point::Kind::kOutput, {module_.leaves.at(ours)}, {reference_.leaves.at(theirs)}, "", i});
  }
}

std::vector<int64_t> Alignment::slice(const Tape& tape, const Point& point, bool is_module,
                                      std::set<size_t>* reached) const {
  const auto& known = is_module ? in_module_ : in_reference_;
  const auto& side = is_module ? point.module : point.reference;
  std::set<int64_t> seen;
  std::vector<int64_t> open;
  // What a step is given, unless that is a point.
  const auto enter = [&](int64_t step, int operand) {
    const auto& inputs = tape.at(step).inputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (operand >= 0 && static_cast<size_t>(operand) != i) {
        continue;
      }
      const auto given = operand >= 0 ? known.end() : known.find({step, static_cast<int>(i)});
      const auto made = known.find({inputs[i], -1});
      if (given != known.end() || made != known.end()) {
        if (reached != nullptr) {
          reached->insert(given != known.end() ? given->second : made->second);
        }
      } else if (inputs[i] != 0 && seen.insert(inputs[i]).second) {
        open.push_back(inputs[i]);
      }
    }
  };
  if (side.step == 0) {
    return {};
  }
  if (point.kind == Point::Kind::kOutput) {
    const auto made = known.find({side.step, -1});
    if (made != known.end()) {
      if (reached != nullptr) {
        reached->insert(made->second);
      }
      return {};
    }
    seen.insert(side.step);
    open.push_back(side.step);
  } else {
    enter(side.step, side.operand);
  }
  while (!open.empty()) {
    const int64_t step = open.back();
    open.pop_back();
    enter(step, -1);
  }
  return {seen.begin(), seen.end()};
}

std::vector<size_t> Alignment::before(size_t point) const {
  std::set<size_t> reached;
  slice(module_, points_[point], true, &reached);
  return {reached.rbegin(), reached.rend()};
}

namespace {

/// The steps of a slice that compute something from values that are compared, rather than from the inputs alone: not a
/// mask, which is computed in many ways. All that compute something where there are no such values.
std::vector<int64_t> computing_steps(const Tape& tape, const std::vector<int64_t>& slice,
                                     const std::map<std::pair<int64_t, int>, size_t>& known) {
  const std::set<int64_t> within(slice.begin(), slice.end());
  std::set<int64_t> fed;
  std::vector<int64_t> all;
  std::vector<int64_t> steps;
  for (const int64_t id : slice) {  // in order: what a step is given comes before it
    const Step& step = tape.at(id);
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (known.contains({step.inputs[i], -1}) || known.contains({id, static_cast<int>(i)}) ||
          fed.contains(step.inputs[i])) {
        fed.insert(id);
      }
    }
    if (!is_plumbing(step)) {
      all.push_back(id);
      if (fed.contains(id)) {
        steps.push_back(id);
      }
    }
  }
  return fed.empty() ? all : steps;
}

/// Matching takes the product of the lengths; of unrolled loops without weights the end is paired.
constexpr size_t kMostMatched = 4'000'000;

/// Pairs of equal families, in order; the rest is on one side alone. From the end, where the two meet for sure: what
/// one side does more, like a layer run twice, is left over before it.
std::vector<std::pair<int64_t, int64_t>> match(const Tape& ours, const std::vector<int64_t>& a, const Tape& theirs,
                                               const std::vector<int64_t>& b) {
  std::map<std::string, uint32_t> letters;
  const auto spell = [&letters](const Tape& tape, const std::vector<int64_t>& steps) {
    Sequence sequence;
    for (const int64_t id : steps) {
      sequence.push_back(letters.emplace(step_family(tape.at(id)), letters.size()).first->second);
    }
    std::ranges::reverse(sequence);
    return sequence;
  };
  const Sequence first = spell(ours, a);
  const Sequence second = spell(theirs, b);
  std::vector<std::pair<int64_t, int64_t>> pairs;
  if (a.size() * b.size() > kMostMatched) {
    for (size_t i = 0; i < std::min(a.size(), b.size()) && first[i] == second[i]; ++i) {
      pairs.emplace_back(a[a.size() - 1 - i], b[b.size() - 1 - i]);
    }
    return pairs;
  }
  SequenceMatcher matcher(std::vector<bool>(letters.size()));
  matcher.set_b(second);
  matcher.set_a(first);
  for (const auto& edit : matcher.edits()) {
    for (size_t i = 0; edit.tag == EditTag::kEqual && i < edit.a_end - edit.a_begin; ++i) {
      pairs.emplace_back(a[a.size() - 1 - edit.a_begin - i], b[b.size() - 1 - edit.b_begin - i]);
    }
  }
  return pairs;
}

}  // namespace

void Alignment::pair_operators() {
  const auto ends = points_;
  std::vector<Point> found;
  for (const auto& end : ends) {
    const auto ours = computing_steps(module_, slice(module_, end, true, nullptr), in_module_);
    const auto theirs = computing_steps(reference_, slice(reference_, end, false, nullptr), in_reference_);
    for (const auto& [a, b] : match(module_, ours, reference_, theirs)) {
      found.push_back({Point::Kind::kOperator, {a}, {b}, end.owner});
    }
  }
  for (auto& point : found) {
    add(std::move(point));
  }
}

Region Alignment::region(size_t point) const {
  Region region;
  region.module = slice(module_, points_[point], true, nullptr);
  region.reference = slice(reference_, points_[point], false, nullptr);
  region.only_module = computing_steps(module_, region.module, in_module_);
  region.only_reference = computing_steps(reference_, region.reference, in_reference_);
  for (const auto& [a, b] : match(module_, region.only_module, reference_, region.only_reference)) {
    std::erase(region.only_module, a);
    std::erase(region.only_reference, b);
  }
  return region;
}

}  // namespace bertjit
