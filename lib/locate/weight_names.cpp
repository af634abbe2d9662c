#include "locate/weight_names.h"

#include <algorithm>
#include <set>

namespace bertjit {

namespace {

/// Where a tensor's numbers are, or the object that packed weights are; nullptr for anything else.
const void* identity(const c10::IValue& value) {
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    return tensor.defined() && tensor.has_storage() && tensor.numel() > 0 ? tensor.const_data_ptr() : nullptr;
  }
  // Each read of an attribute may wrap the object anew; what it holds stays.
  return value.isCustomClass() ? value.toObjectRef().getSlot(0).toCapsule().get() : nullptr;
}

/// "query._packed_params._packed_params" holds query.weight.
std::string packed_name(std::string name) {
  const std::string suffix = "._packed_params";
  while (name.ends_with(suffix)) {
    name.resize(name.size() - suffix.size());
  }
  return name + ".weight";
}

std::string without(const std::string& name, const std::string& prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

std::set<std::string> all_names(const WeightNames& weights) {
  std::set<std::string> names;
  for (const auto& group : weights.groups()) {
    names.insert(group.begin(), group.end());
  }
  return names;
}

/// The prefix that makes most of `shorter` names of `longer`, and how many that are.
std::pair<std::string, size_t> common_prefix(const std::set<std::string>& longer,
                                             const std::set<std::string>& shorter) {
  std::map<std::string, size_t> votes;
  for (const auto& name : longer) {
    for (size_t begin = 0; begin != std::string::npos;) {
      if (shorter.contains(name.substr(begin))) {
        ++votes[name.substr(0, begin)];
      }
      const size_t dot = name.find('.', begin);
      begin = dot == std::string::npos ? dot : dot + 1;
    }
  }
  const auto best = std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; });
  return best == votes.end() ? std::pair<std::string, size_t>() : std::pair(best->first, best->second);
}

}  // namespace

WeightNames::WeightNames(const torch::jit::Module& module, const std::map<std::string, at::Tensor>& further) {
  for (const auto& attribute : module.named_attributes(/*recurse=*/true)) {
    if (attribute.value.isTensor()) {
      add(attribute.name, attribute.value);
    } else if (attribute.value.isCustomClass()) {
      add(packed_name(attribute.name), attribute.value);
    }
  }
  for (const auto& [name, tensor] : further) {
    add(name, tensor);
  }
  for (auto& [key, names] : names_) {
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
  }
}

void WeightNames::add(const std::string& name, const c10::IValue& value) {
  if (const void* key = identity(value)) {
    names_[key].push_back(name);
  }
}

const std::string& WeightNames::of(const c10::IValue& value) const {
  static const std::string kNone;
  const auto found = names_.find(identity(value));
  return found == names_.end() ? kNone : found->second.front();
}

std::vector<std::vector<std::string>> WeightNames::groups() const {
  std::vector<std::vector<std::string>> groups;
  for (const auto& [key, names] : names_) {
    groups.push_back(names);
  }
  return groups;
}

NameMatch::NameMatch(const WeightNames& module, const WeightNames& reference) {
  const auto in_module = all_names(module);
  const auto in_reference = all_names(reference);
  const auto [before_module, module_votes] = common_prefix(in_module, in_reference);
  const auto [before_reference, reference_votes] = common_prefix(in_reference, in_module);
  (module_votes >= reference_votes ? module_prefix_ : reference_prefix_) =
      module_votes >= reference_votes ? before_module : before_reference;
  const auto tie = [this](const auto& groups, const std::string& prefix) {
    for (const auto& group : groups) {
      for (const auto& name : group) {
        const std::string a = joined(without(group.front(), prefix));
        const std::string b = joined(without(name, prefix));
        if (a != b) {
          parents_[std::max(a, b)] = std::min(a, b);
        }
      }
    }
  };
  tie(module.groups(), module_prefix_);
  tie(reference.groups(), reference_prefix_);
}

std::string NameMatch::joined(const std::string& name) const {
  std::string word = name;
  for (auto it = parents_.find(word); it != parents_.end(); it = parents_.find(word)) {
    word = it->second;
  }
  return word;
}

std::string NameMatch::of_module(const std::string& name) const {
  return joined(without(name, module_prefix_));
}

std::string NameMatch::of_reference(const std::string& name) const {
  return joined(without(name, reference_prefix_));
}

std::string NameMatch::path_in_module(const std::string& reference_path) const {
  const std::string path = without(reference_path + ".", reference_prefix_);
  std::string full = module_prefix_ + (path == "." ? "" : path);
  if (full.ends_with('.')) {
    full.pop_back();
  }
  return full;
}

std::string parent_path(const std::string& path) {
  const size_t dot = path.rfind('.');
  return dot == std::string::npos ? "" : path.substr(0, dot);
}

bool is_within(const std::string& path, const std::string& above) {
  return above.empty() || path == above || path.starts_with(above + ".");
}

std::string common_path(const std::string& a, const std::string& b) {
  std::string path = a;
  while (!is_within(b, path)) {
    path = parent_path(path);
  }
  return path;
}

}  // namespace bertjit
