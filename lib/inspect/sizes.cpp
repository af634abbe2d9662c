#include "inspect/sizes.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string_view>

#include "inspect/members.h"

namespace bertjit {

namespace {

// Groups in the order in which they are listed.
constexpr const char* kEmbeddings = "embeddings";
constexpr const char* kEncoder = "encoder";
constexpr const char* kDecoder = "decoder";
constexpr const char* kHeads = "heads";
constexpr const char* kOther = "other weights";
constexpr const char* kPacked = "packed weights";
constexpr const char* kCode = "code";
constexpr const char* kConstants = "constants";
constexpr const char* kArchive = "archive";
constexpr std::array<const char*, 9> kGroups = {kEmbeddings, kEncoder, kDecoder,   kHeads,  kOther,
                                                kPacked,     kCode,    kConstants, kArchive};

// Parts of names that mark what stands on the base network: the heads of transformers, and the pooler.
constexpr std::array<std::string_view, 17> kHeadParts = {"pooler",
                                                         "cls",
                                                         "classifier",
                                                         "pre_classifier",
                                                         "lm_head",
                                                         "predictions",
                                                         "sop_classifier",
                                                         "generator_predictions",
                                                         "generator_lm_head",
                                                         "discriminator_predictions",
                                                         "qa_outputs",
                                                         "vocab_transform",
                                                         "vocab_layer_norm",
                                                         "vocab_projector",
                                                         "final_logits_bias",
                                                         "lm_predictions",
                                                         "score"};

std::vector<std::string> parts_of(const std::string& name) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    parts.push_back(name.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool has_part(const std::vector<std::string>& parts, std::string_view wanted) {
  return std::find(parts.begin(), parts.end(), wanted) != parts.end();
}

/// One storage, under the names of the tensors that view it.
struct Storage {
  at::Tensor tensor;  ///< the first of them
  std::vector<std::string> names;

  uint64_t size_bytes() const {
    return tensor.storage().nbytes();
  }
  const char* bytes() const {
    return static_cast<const char*>(tensor.storage().data());
  }
};

/// In the order of their first names.
std::vector<Storage> collect_storages(const torch::jit::Module& module) {
  std::vector<Storage> storages;
  std::map<const void*, size_t> index;
  for (const auto& member : named_members(module, Members::kStored)) {
    if (!member.tensor.has_storage() || member.tensor.storage().nbytes() == 0) {
      continue;
    }
    const auto [it, is_new] = index.emplace(member.tensor.storage().unsafeGetStorageImpl(), storages.size());
    if (is_new) {
      storages.push_back({member.tensor, {}});
    }
    storages[it->second].names.push_back(member.name);
  }
  return storages;
}

/// Whether every element is the same: a LayerNorm's ones, a bias of zeros.
bool is_one_value(const Storage& storage) {
  const size_t element = storage.tensor.element_size();
  return storage.size_bytes() <= element ||
         std::memcmp(storage.bytes(), storage.bytes() + element, storage.size_bytes() - element) == 0;
}

std::vector<RepeatedTensor> find_stored_twice(const std::vector<Storage>& storages) {
  std::vector<RepeatedTensor> found;
  std::vector<bool> is_taken(storages.size(), false);
  const auto is_candidate = [&](size_t i) {
    return !is_taken[i] && storages[i].tensor.device().is_cpu() && !is_one_value(storages[i]);
  };
  std::map<std::pair<uint64_t, c10::ScalarType>, std::vector<size_t>> by_size;
  for (size_t i = 0; i < storages.size(); ++i) {
    by_size[{storages[i].size_bytes(), storages[i].tensor.scalar_type()}].push_back(i);
  }
  for (const auto& [size, indices] : by_size) {
    for (size_t i = 0; i + 1 < indices.size(); ++i) {
      const Storage& first = storages[indices[i]];
      if (!is_candidate(indices[i])) {
        continue;
      }
      RepeatedTensor repeated{first.names, first.size_bytes()};
      repeated.names.resize(1);
      for (size_t j = i + 1; j < indices.size(); ++j) {
        const Storage& second = storages[indices[j]];
        if (!is_taken[indices[j]] && std::memcmp(first.bytes(), second.bytes(), first.size_bytes()) == 0) {
          is_taken[indices[j]] = true;
          repeated.names.push_back(second.names.front());
        }
      }
      if (repeated.names.size() > 1) {
        found.push_back(std::move(repeated));
      }
    }
  }
  return found;
}

void sort_by_bytes(std::vector<RepeatedTensor>& repeated) {
  std::sort(repeated.begin(), repeated.end(), [](const RepeatedTensor& left, const RepeatedTensor& right) {
    return left.size_bytes != right.size_bytes ? left.size_bytes > right.size_bytes : left.names < right.names;
  });
}

class Groups {
 public:
  void add(const std::string& name, uint64_t size_bytes) {
    ++groups_[name].items;
    groups_[name].size_bytes += size_bytes;
  }
  /// Bytes that belong to no item.
  void add_rest(const std::string& name, uint64_t size_bytes) {
    groups_[name].size_bytes += size_bytes;
  }

  std::vector<SizeGroup> list() const {
    std::vector<SizeGroup> list;
    for (const char* name : kGroups) {
      const auto it = groups_.find(name);
      list.push_back(it == groups_.end() ? SizeGroup{name} : SizeGroup{name, it->second.items, it->second.size_bytes});
    }
    return list;
  }

 private:
  std::map<std::string, SizeGroup> groups_;
};

/// Records by what they are for; what of data/ no named tensor accounts for was packed into objects.
void add_records(const ArchiveListing& archive, uint64_t storage_bytes, int64_t storages, Groups& groups) {
  uint64_t data_bytes = 0;
  int64_t data_records = 0;
  uint64_t record_bytes = 0;
  for (const auto& record : archive.records) {
    const std::string name = name_in_archive(archive, record);
    record_bytes += record.compressed_size;
    if (name.starts_with("data/")) {
      data_bytes += record.compressed_size;
      ++data_records;
    } else if (name.starts_with("code/")) {
      groups.add(kCode, record.compressed_size);
    } else if (name.starts_with("constants/") || name == "constants.pkl") {
      groups.add(kConstants, record.compressed_size);
    } else {
      groups.add(kArchive, record.compressed_size);
    }
  }
  for (int64_t i = storages; i < data_records; ++i) {
    groups.add(kPacked, 0);
  }
  groups.add_rest(kPacked, data_bytes > storage_bytes ? data_bytes - storage_bytes : 0);
  groups.add_rest(kArchive, archive.size_bytes - record_bytes);
}

}  // namespace

std::string size_group(const std::string& tensor_name) {
  const auto parts = parts_of(tensor_name);
  if (std::any_of(kHeadParts.begin(), kHeadParts.end(), [&](std::string_view part) { return has_part(parts, part); })) {
    return kHeads;
  }
  if (has_part(parts, "shared") || std::any_of(parts.begin(), parts.end(), [](const std::string& part) {
        return part.starts_with("embed") || part.ends_with("embeddings");
      })) {
    return kEmbeddings;
  }
  if (has_part(parts, "decoder")) {
    return kDecoder;
  }
  for (const char* part : {"encoder", "transformer", "layer", "layers"}) {
    if (has_part(parts, part)) {
      return kEncoder;
    }
  }
  return kOther;
}

SizeBreakdown measure_sizes(const torch::jit::Module& module, const ArchiveListing* archive) {
  const auto storages = collect_storages(module);
  SizeBreakdown sizes;
  Groups groups;
  uint64_t storage_bytes = 0;
  for (const auto& storage : storages) {
    groups.add(size_group(storage.names.front()), storage.size_bytes());
    storage_bytes += storage.size_bytes();
    if (storage.names.size() > 1) {
      sizes.shared.push_back({storage.names, storage.size_bytes()});
    }
  }
  sizes.total_bytes = storage_bytes;
  if (archive != nullptr) {
    add_records(*archive, storage_bytes, static_cast<int64_t>(storages.size()), groups);
    sizes.total_bytes = archive->size_bytes;
  }
  sizes.groups = groups.list();
  sizes.stored_twice = find_stored_twice(storages);
  sort_by_bytes(sizes.stored_twice);
  sort_by_bytes(sizes.shared);
  return sizes;
}

}  // namespace bertjit
