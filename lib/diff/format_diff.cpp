// How two archives store the same things: the part of fact_diff.h that explains why bytes differ where nothing else
// does.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "container/archive_listing.h"
#include "diff/fact_diff.h"

namespace bertjit {

namespace {

constexpr size_t kLocalHeaderSize = 30;

std::string or_none(const std::string& text) {
  return text.empty() ? "none" : text;
}

std::string count_text(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

/// Records by their names without the root folder.
using Records = std::map<std::string, const ZipRecord*>;

Records records_of(const ArchiveListing& listing) {
  Records records;
  for (const ZipRecord& record : listing.records) {
    records[name_in_archive(listing, record)] = &record;
  }
  return records;
}

bool same_bytes(const ZipRecord& a, const ZipRecord& b) {
  return a.crc32 == b.crc32 && a.size == b.size;
}

class ArchiveComparison {
 public:
  ArchiveComparison(const Contents& a, const Contents& b, std::vector<DiffFact>& facts)
      : listing_a_(list_archive(*a.archive)),
        listing_b_(list_archive(*b.archive)),
        records_a_(records_of(listing_a_)),
        records_b_(records_of(listing_b_)),
        facts_(facts) {}

  void run() {
    add("archive name", DiffEffect::kBytes, listing_a_.root, listing_b_.root);
    // Operators of one name have meant different things; the version says which.
    add("format version", DiffEffect::kOutputs, or_none(listing_a_.version), or_none(listing_b_.version));
    add("byteorder record", DiffEffect::kBytes, or_none(listing_a_.byteorder), or_none(listing_b_.byteorder));
    compare_group("debug records", "record", [](const std::string& name) { return name.ends_with(".debug_pkl"); });
    compare_group("traced inputs", "record", [](const std::string& name) { return name.starts_with("traced_inputs"); });
    compare_record("data.pkl");
    compare_record("constants.pkl");
    compare_order();
    compare_storage("compression", [](const ZipRecord& record, const std::string&) {
      return record.method == ZipMethod::kDeflated ? std::string("deflated") : std::string("stored");
    });
    compare_storage("alignment", [](const ZipRecord& record, const std::string& full_name) {
      const uint64_t gap = record.data_offset - record.header_offset - kLocalHeaderSize - full_name.size();
      return gap == 0 ? std::string("unaligned") : record.data_offset % 64 == 0 ? std::string("aligned") : "padded";
    });
    add("serialization id", DiffEffect::kBytes, or_none(listing_a_.serialization_id),
        or_none(listing_b_.serialization_id));
  }

 private:
  void add(const std::string& name, DiffEffect effect, const std::string& a, const std::string& b) {
    if (a != b) {
      facts_.push_back({.subject = DiffSubject::kFormat, .effect = effect, .name = name, .a = a, .b = b});
    }
  }

  template <typename Belongs>
  void compare_group(const std::string& name, const std::string& noun, const Belongs& belongs) {
    size_t count_a = 0;
    size_t count_b = 0;
    size_t unlike = 0;
    for (const auto& [record, entry] : records_a_) {
      if (belongs(record)) {
        ++count_a;
        const auto other = records_b_.find(record);
        unlike += other != records_b_.end() && !same_bytes(*entry, *other->second);
      }
    }
    for (const auto& [record, entry] : records_b_) {
      count_b += belongs(record);
    }
    const std::string note = unlike == 0 ? "" : ", " + std::to_string(unlike) + " of them other ones";
    add(name, DiffEffect::kBytes, count_text(count_a, noun), count_text(count_b, noun) + note);
  }

  void compare_record(const std::string& name) {
    const auto a = records_a_.find(name);
    const auto b = records_b_.find(name);
    if (a != records_a_.end() && b != records_b_.end() && !same_bytes(*a->second, *b->second)) {
      add(name, DiffEffect::kBytes, count_text(a->second->size, "byte"),
          count_text(b->second->size, "byte") + (a->second->size == b->second->size ? ", other ones" : ""));
    }
  }

  void compare_order() {
    std::vector<std::string> order_a;
    std::vector<std::string> order_b;
    for (const ZipRecord& record : listing_a_.records) {
      if (const std::string name = name_in_archive(listing_a_, record); records_b_.contains(name)) {
        order_a.push_back(name);
      }
    }
    for (const ZipRecord& record : listing_b_.records) {
      if (const std::string name = name_in_archive(listing_b_, record); records_a_.contains(name)) {
        order_b.push_back(name);
      }
    }
    const auto [first_a, first_b] = std::ranges::mismatch(order_a, order_b);
    if (first_a != order_a.end() && first_b != order_b.end()) {
      const std::string place = "record " + std::to_string(first_a - order_a.begin() + 1) + " is ";
      add("record order", DiffEffect::kBytes, place + *first_a, place + *first_b);
    }
  }

  /// How records that both have are stored, in a word each; the counts of those words where they differ.
  template <typename Word>
  void compare_storage(const std::string& name, const Word& word) {
    std::map<std::string, size_t> words_a;
    std::map<std::string, size_t> words_b;
    for (const auto& [record, entry] : records_a_) {
      const auto other = records_b_.find(record);
      if (other == records_b_.end()) {
        continue;
      }
      const std::string word_a = word(*entry, entry->name);
      const std::string word_b = word(*other->second, other->second->name);
      if (word_a != word_b) {
        ++words_a[word_a];
        ++words_b[word_b];
      }
    }
    add(name, DiffEffect::kBytes, counts_text(words_a), counts_text(words_b));
  }

  static std::string counts_text(const std::map<std::string, size_t>& words) {
    std::string text;
    for (const auto& [word, count] : words) {
      text += (text.empty() ? "" : ", ") + count_text(count, "record") + " " + word;
    }
    return text;
  }

  ArchiveListing listing_a_, listing_b_;
  Records records_a_, records_b_;
  std::vector<DiffFact>& facts_;
};

/// Names of storages, where tensors that both have lie in other ones. Only which share one has a meaning.
void compare_storage_numbers(const std::vector<TensorPair>& pairs, std::vector<DiffFact>& facts) {
  size_t unlike = 0;
  const TensorPair* first = nullptr;
  for (const TensorPair& pair : pairs) {
    if (pair.a->script != nullptr && pair.b->script != nullptr && pair.a->storage != pair.b->storage) {
      first = unlike++ == 0 ? &pair : first;
    }
  }
  if (first != nullptr) {
    facts.push_back({.subject = DiffSubject::kFormat,
                     .effect = DiffEffect::kBytes,
                     .name = "storage numbers",
                     .a = count_text(unlike, "tensor") + " elsewhere: " + first->a->name + " in " + first->a->storage,
                     .b = first->b->storage});
  }
}

/// Where tensors lie in a file that has no records.
void compare_tensor_order(const Contents& a, const Contents& b, std::vector<DiffFact>& facts) {
  const auto order_of = [](const Contents& contents) {
    std::vector<const ContentsTensor*> tensors;
    for (const ContentsTensor& tensor : contents.tensors) {
      tensors.push_back(&tensor);
    }
    std::ranges::stable_sort(tensors, {}, [](const ContentsTensor* tensor) { return tensor->bytes.data(); });
    std::vector<std::string> names;
    std::ranges::transform(tensors, std::back_inserter(names), &ContentsTensor::name);
    return names;
  };
  const auto names_a = order_of(a);
  const auto names_b = order_of(b);
  const auto [first_a, first_b] = std::ranges::mismatch(names_a, names_b);
  if (first_a != names_a.end() && first_b != names_b.end()) {
    facts.push_back({.subject = DiffSubject::kFormat,
                     .effect = DiffEffect::kBytes,
                     .name = "tensor order",
                     .a = *first_a + " comes here",
                     .b = *first_b});
  }
}

}  // namespace

std::vector<DiffFact> diff_formats(const Contents& a, const Contents& b, const std::vector<TensorPair>& pairs,
                                   bool renamed) {
  std::vector<DiffFact> facts;
  if (a.kind != b.kind) {
    facts.push_back({.subject = DiffSubject::kFormat,
                     .effect = DiffEffect::kBytes,
                     .name = "kind",
                     .a = contents_kind_name(a.kind),
                     .b = contents_kind_name(b.kind)});
    return facts;
  }
  if (renamed) {
    facts.push_back({.subject = DiffSubject::kFormat,
                     .effect = DiffEffect::kBytes,
                     .name = "mangled names",
                     .a = "___torch_mangle_N",
                     .b = "other numbers"});
  }
  if (a.archive != nullptr && b.archive != nullptr) {
    ArchiveComparison(a, b, facts).run();
  } else if (a.kind == ContentsKind::kSafetensors) {
    compare_tensor_order(a, b, facts);
  }
  compare_storage_numbers(pairs, facts);
  return facts;
}

}  // namespace bertjit
