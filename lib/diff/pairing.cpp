#include "diff/pairing.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "checksum/sha512.h"
#include "container/tensors.h"
#include "digest/weight_names.h"
#include "support/error.h"
#include "support/file.h"
#include "support/parallel.h"

namespace bertjit {

namespace {

constexpr size_t kKeyBytes = 512;  ///< by which equal tensors are looked up before all bytes are compared
constexpr size_t kMaxPrefixBytes = 64;
constexpr size_t kMaxPrefixes = 200;  ///< tried

/// Where quantizing puts a Linear's weight and bias (torch.ao.nn.quantized.dynamic.Linear).
constexpr std::pair<std::string_view, std::string_view> kPackedNames[] = {
    {"._packed_params._packed_params.0", ".weight"},
    {"._packed_params._packed_params.1", ".bias"},
};

/// The tensors of one side by the names under which they are paired.
using NamedTensors = std::map<std::string, const ContentsTensor*>;

NamedTensors by_own_names(const Contents& contents) {
  NamedTensors named;
  for (const ContentsTensor& tensor : contents.tensors) {
    if (tensor.role != "constant") {
      named[tensor.name] = &tensor;
    }
  }
  return named;
}

NamedTensors by_weight_names(const Contents& contents, int threads, std::vector<std::string>& notes) {
  std::vector<WeightEntry> entries;
  for (const auto& [name, named] : by_own_names(contents)) {
    const ContentsTensor* tensor = named;
    WeightEntry entry{name, tensor->dtype + tensor->quantization, tensor->shape};
    entry.original = name;
    entry.read = [&contents, tensor](std::vector<std::byte>& copy) { return read_tensor(contents, *tensor, copy); };
    entries.push_back(std::move(entry));
  }
  for_each_index(entries.size(), threads, [&](size_t i) {
    std::vector<std::byte> copy;
    const auto bytes = entries[i].read(copy);
    entries[i].digest = hash_bytes(bytes);
    release_mapped_pages(bytes);
  });
  std::vector<std::string> remarks;
  NamedTensors named;
  for (const WeightEntry& entry : canonical_weights(std::move(entries), contents.path.string(), remarks)) {
    named[entry.name] = contents.find(entry.original);
  }
  for (const std::string& remark : remarks) {
    notes.push_back(contents.path.string() + ": " + remark);
  }
  return named;
}

/// How many of `alone` begin with the prefix and have the rest of their name in `other`.
size_t count_behind(const std::string& prefix, const std::vector<std::string>& alone, const NamedTensors& other) {
  return static_cast<size_t>(std::ranges::count_if(alone, [&](const std::string& name) {
    return name.starts_with(prefix) && other.contains(name.substr(prefix.size()));
  }));
}

/// The prefix, up to a dot, that lets most of the names that `named` has alone be found in `other`; empty if it is few.
std::string find_prefix(const NamedTensors& named, const NamedTensors& other) {
  std::vector<std::string> alone;
  for (const auto& [name, tensor] : named) {
    if (!other.contains(name)) {
      alone.push_back(name);
    }
  }
  std::string best;
  size_t best_count = 0;
  std::set<std::string> tried;
  for (const std::string& name : alone) {
    for (size_t dot = name.find('.'); dot < kMaxPrefixBytes && tried.size() < kMaxPrefixes;
         dot = name.find('.', dot + 1)) {
      const std::string prefix = name.substr(0, dot + 1);
      const size_t count = tried.insert(prefix).second ? count_behind(prefix, alone, other) : 0;
      if (count > best_count) {
        best_count = count;
        best = prefix;
      }
    }
  }
  return 2 * best_count > alone.size() ? best : "";
}

PairedTensors pair_behind(const NamedTensors& a, const NamedTensors& b, const std::string& prefix_a,
                          const std::string& prefix_b) {
  PairedTensors result{.prefix_a = prefix_a, .prefix_b = prefix_b};
  std::set<const ContentsTensor*> used;
  const auto partner_of = [&](const std::string& name) {
    auto found = b.find(name);
    if (found == b.end() && !prefix_b.empty()) {
      found = b.find(prefix_b + name);
    } else if (found == b.end() && !prefix_a.empty() && name.starts_with(prefix_a)) {
      found = b.find(name.substr(prefix_a.size()));
    }
    return found == b.end() ? nullptr : found->second;
  };
  for (const auto& [name, tensor] : a) {
    const ContentsTensor* partner = partner_of(name);
    if (partner != nullptr && used.insert(partner).second) {
      result.pairs.push_back({tensor, partner});
    } else {
      result.only_in_a.push_back(tensor);
    }
  }
  for (const auto& [name, tensor] : b) {
    if (!used.contains(tensor)) {
      result.only_in_b.push_back(tensor);
    }
  }
  return result;
}

/// The name that a packed parameter had before; the name itself for others.
std::string unpacked_name(const std::string& name) {
  for (const auto& [packed, plain] : kPackedNames) {
    if (name.ends_with(packed)) {
      return name.substr(0, name.size() - packed.size()) + std::string(plain);
    }
  }
  return name;
}

/// Pairs a quantized layer of one side with the plain one of the other.
void pair_packed(PairedTensors& result) {
  std::map<std::string, const ContentsTensor*> alone;
  for (const ContentsTensor* tensor : result.only_in_a) {
    alone.emplace(unpacked_name(tensor->name), tensor);
  }
  std::set<const ContentsTensor*> paired;
  for (const ContentsTensor* tensor : result.only_in_b) {
    const auto partner = alone.find(unpacked_name(tensor->name));
    if (partner != alone.end() && paired.insert(partner->second).second) {
      result.pairs.push_back({partner->second, tensor});
      paired.insert(tensor);
    }
  }
  const auto is_paired = [&](const ContentsTensor* tensor) { return paired.contains(tensor); };
  std::erase_if(result.only_in_a, is_paired);
  std::erase_if(result.only_in_b, is_paired);
}

PairedTensors pair_named(const NamedTensors& a, const NamedTensors& b) {
  PairedTensors plain = pair_behind(a, b, "", "");
  const size_t alone = std::min(plain.only_in_a.size(), plain.only_in_b.size());
  if (alone == 0 || plain.pairs.size() > alone) {
    return plain;
  }
  const std::string prefix_a = find_prefix(a, b);
  const std::string prefix_b = prefix_a.empty() ? find_prefix(b, a) : "";
  return prefix_a.empty() && prefix_b.empty() ? plain : pair_behind(a, b, prefix_a, prefix_b);
}

std::vector<const ContentsTensor*> constants_of(const Contents& contents) {
  std::vector<const ContentsTensor*> constants;
  for (const ContentsTensor& tensor : contents.tensors) {
    if (tensor.role == "constant") {
      constants.push_back(&tensor);
    }
  }
  return constants;
}

/// Numbers of constants mean something only beside the code: where that has more or other ones, equal constants are
/// each other's partners and the rest stays alone.
void pair_constants(const Contents& a, const Contents& b, PairedTensors& result) {
  const auto constants_a = constants_of(a);
  const auto constants_b = constants_of(b);
  const auto agree = [](const ContentsTensor* x, const ContentsTensor* y) {
    return x->name == y->name && same_form(*x, *y);
  };
  if (std::ranges::equal(constants_a, constants_b, agree)) {
    for (size_t i = 0; i < constants_a.size(); ++i) {
      result.pairs.push_back({constants_a[i], constants_b[i]});
    }
    return;
  }
  std::set<const ContentsTensor*> used;
  const TensorFinder finder(b, constants_b);
  for (const ContentsTensor* tensor : constants_a) {
    const ContentsTensor* partner = finder.find(a, *tensor);
    if (partner != nullptr && used.insert(partner).second) {
      result.pairs.push_back({tensor, partner});
    } else {
      result.only_in_a.push_back(tensor);
    }
  }
  std::ranges::copy_if(constants_b, std::back_inserter(result.only_in_b),
                       [&](const ContentsTensor* tensor) { return !used.contains(tensor); });
}

std::string key_of(const Contents& contents, const ContentsTensor& tensor) {
  std::vector<std::byte> copy;
  const auto bytes = read_tensor(contents, tensor, copy);
  return tensor.dtype + shape_text(tensor.shape) +
         std::string(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kKeyBytes));
}

}  // namespace

bool same_quantization(const ContentsTensor& a, const ContentsTensor& b) {
  if (a.quantization != b.quantization) {
    return false;
  }
  if (a.quantization.empty()) {
    return true;
  }
  const ScriptQuantization& x = *a.script->quantization;
  const ScriptQuantization& y = *b.script->quantization;
  return x.scales == y.scales && x.zero_points == y.zero_points;
}

bool same_form(const ContentsTensor& a, const ContentsTensor& b) {
  return a.dtype == b.dtype && a.shape == b.shape && a.size_bytes == b.size_bytes && same_quantization(a, b);
}

PairedTensors pair_tensors(const Contents& a, const Contents& b, PairingRule rule, int threads) {
  if (rule == PairingRule::kWeights) {
    std::vector<std::string> notes;
    const NamedTensors named_a = by_weight_names(a, threads, notes);
    const NamedTensors named_b = by_weight_names(b, threads, notes);
    PairedTensors result = pair_named(named_a, named_b);
    pair_packed(result);
    result.notes = std::move(notes);
    return result;
  }
  PairedTensors result = pair_named(by_own_names(a), by_own_names(b));
  pair_packed(result);
  pair_constants(a, b, result);
  return result;
}

TensorFinder::TensorFinder(const Contents& contents, const std::vector<const ContentsTensor*>& candidates)
    : contents_(contents) {
  for (const ContentsTensor* tensor : candidates) {
    if (tensor->size_bytes > 0) {
      by_key_.emplace(key_of(contents, *tensor), tensor);
    }
  }
}

const ContentsTensor* TensorFinder::find(const Contents& owner, const ContentsTensor& tensor) const {
  if (tensor.size_bytes == 0) {
    return nullptr;
  }
  const auto [begin, end] = by_key_.equal_range(key_of(owner, tensor));
  std::vector<std::byte> copy;
  const auto bytes = read_tensor(owner, tensor, copy);
  for (auto it = begin; it != end; ++it) {
    std::vector<std::byte> other_copy;
    const auto other = read_tensor(contents_, *it->second, other_copy);
    if (same_quantization(tensor, *it->second) && std::ranges::equal(bytes, other)) {
      return it->second;
    }
  }
  return nullptr;
}

}  // namespace bertjit
