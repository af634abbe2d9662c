#include "diff/fact_diff.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "container/bytes.h"
#include "container/tensors.h"
#include "diff/line_diff.h"
#include "support/file.h"

namespace bertjit {

namespace {

constexpr uint64_t kMaxTextBytes = 8u << 20;  ///< larger files are compared as a whole
constexpr size_t kMaxValueBytes = 200;

using Texts = std::map<std::string, std::string>;

/// A fact for each name whose text differs; `make` gives it subject and effect.
void compare_texts(const Texts& a, const Texts& b, const DiffFact& like, std::vector<DiffFact>& facts) {
  const auto add = [&](const std::string& name, const std::string* text_a, const std::string* text_b) {
    DiffFact fact = like;
    fact.name = name;
    fact.a = text_a == nullptr ? std::nullopt : std::optional(*text_a);
    fact.b = text_b == nullptr ? std::nullopt : std::optional(*text_b);
    facts.push_back(std::move(fact));
  };
  for (const auto& [name, text] : a) {
    const auto other = b.find(name);
    if (other == b.end()) {
      add(name, &text, nullptr);
    } else if (other->second != text) {
      add(name, &text, &other->second);
    }
  }
  for (const auto& [name, text] : b) {
    if (!a.contains(name)) {
      add(name, nullptr, &text);
    }
  }
}

Texts values_of(const Contents& contents, DiffSubject subject) {
  Texts texts;
  for (const auto& [name, value] : contents.values) {
    if (value.subject == subject) {
      texts[name] = value.text;
    }
  }
  return texts;
}

/// Keys of config.json that say where it came from, and nothing of the model.
bool is_remark(const std::string& key) {
  constexpr std::array kRemarks{"_name_or_path", "transformers_version", "torch_dtype", "dtype"};
  return std::ranges::find(kRemarks, key) != kRemarks.end();
}

/// {"a": {"b": [1]}} as "a.b" -> "[1]".
void flatten(const nlohmann::json& json, const std::string& name, Texts& texts) {
  if (json.is_object() && !json.empty()) {
    for (const auto& [key, value] : json.items()) {
      flatten(value, name.empty() ? key : name + "." + key, texts);
    }
    return;
  }
  texts[name] = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (texts[name].size() > kMaxValueBytes) {
    texts[name] = texts[name].substr(0, kMaxValueBytes) + "…";
  }
}

bool is_text(const std::string& bytes) {
  return bytes.find('\0') == std::string::npos;
}

std::string size_text(uint64_t size) {
  return std::to_string(size) + (size == 1 ? " byte" : " bytes");
}

/// Two files of one name.
class FileComparison {
 public:
  FileComparison(const Contents& a, const Contents& b, std::vector<DiffFact>& facts) : a_(a), b_(b), facts_(facts) {}

  void compare(const ContentsFile& a, const ContentsFile& b) {
    if (std::max(a.size_bytes, b.size_bytes) > kMaxTextBytes) {
      if (!same_large(a, b)) {
        add(a, size_text(a.size_bytes), size_text(b.size_bytes), "");
      }
      return;
    }
    const std::string text_a = read_file(a_, a, kMaxTextBytes);
    const std::string text_b = read_file(b_, b, kMaxTextBytes);
    if (text_a == text_b || (a.is_config && compare_keys(a, text_a, text_b))) {
      return;
    }
    add(a, size_text(text_a.size()), size_text(text_b.size()),
        is_text(text_a) && is_text(text_b) ? diff_texts(text_a, text_b).text : "");
  }

  void add_lone(const ContentsFile& file, bool in_a) {
    DiffFact fact = make(file);
    fact.subject = file.record != nullptr && file.is_config ? DiffSubject::kClaim : fact.subject;
    (in_a ? fact.a : fact.b) = size_text(file.size_bytes);
    facts_.push_back(std::move(fact));
  }

 private:
  /// Records of an archive say more of it than they change it; a folder's files are read to run the model.
  static DiffFact make(const ContentsFile& file) {
    const bool is_extra = file.record != nullptr && file.name.starts_with("extra/");
    return {.subject = DiffSubject::kFile,
            .effect = !file.matters ? DiffEffect::kBytes
                      : is_extra    ? DiffEffect::kDescription
                                    : DiffEffect::kOutputs,
            .name = file.name};
  }

  void add(const ContentsFile& file, std::string a, std::string b, std::string text) {
    DiffFact fact = make(file);
    fact.a = std::move(a);
    fact.b = std::move(b);
    fact.text = std::move(text);
    facts_.push_back(std::move(fact));
  }

  /// Whether keys or values differ, or nothing does but how the JSON is written.
  bool compare_keys(const ContentsFile& file, const std::string& text_a, const std::string& text_b) {
    const auto json_a = nlohmann::json::parse(text_a, nullptr, false);
    const auto json_b = nlohmann::json::parse(text_b, nullptr, false);
    if (!json_a.is_object() || !json_b.is_object()) {
      return false;
    }
    Texts keys_a;
    Texts keys_b;
    flatten(json_a, "", keys_a);
    flatten(json_b, "", keys_b);
    const bool is_claims = file.record != nullptr;
    std::vector<DiffFact> found;
    compare_texts(keys_a, keys_b,
                  {.subject = is_claims ? DiffSubject::kClaim : DiffSubject::kConfig,
                   .effect = is_claims ? DiffEffect::kDescription : DiffEffect::kOutputs},
                  found);
    for (DiffFact& fact : found) {
      fact.effect = is_remark(fact.name) ? DiffEffect::kDescription : fact.effect;
      fact.name = file.name == "config.json" || is_claims ? fact.name : file.name + ": " + fact.name;
      facts_.push_back(std::move(fact));
    }
    if (found.empty()) {
      facts_.push_back({.subject = DiffSubject::kFormat,
                        .effect = DiffEffect::kBytes,
                        .name = file.name,
                        .a = size_text(text_a.size()),
                        .b = size_text(text_b.size())});
    }
    return true;
  }

  bool same_large(const ContentsFile& a, const ContentsFile& b) const {
    if (a.size_bytes != b.size_bytes) {
      return false;
    }
    if (a.record != nullptr) {
      return a_.archive->read(*a.record) == b_.archive->read(*b.record);
    }
    const MappedFile file_a(a.path);
    const MappedFile file_b(b.path);
    return std::ranges::equal(file_a.bytes(), file_b.bytes());
  }

  const Contents& a_;
  const Contents& b_;
  std::vector<DiffFact>& facts_;
};

const ContentsFile* find_file(const Contents& contents, const std::string& name) {
  const auto found = std::ranges::lower_bound(contents.files, name, {}, &ContentsFile::name);
  return found != contents.files.end() && found->name == name ? &*found : nullptr;
}

/// The first name of each storage that several have, for each of these names.
Texts sharing_of(const std::vector<TensorPair>& pairs,
                 const std::function<const ContentsTensor&(const TensorPair&)>& of) {
  std::map<std::string, std::string> first_names;
  Texts sharing;
  for (const TensorPair& pair : pairs) {
    const ContentsTensor& tensor = of(pair);
    if (tensor.storage.empty() || tensor.size_bytes == 0) {
      continue;
    }
    const auto [entry, is_new] = first_names.try_emplace(tensor.storage, pair.a->name);
    if (!is_new) {
      sharing[pair.a->name] = "shares " + entry->second;
    }
  }
  return sharing;
}

}  // namespace

std::vector<DiffFact> diff_values(const Contents& a, const Contents& b) {
  std::vector<DiffFact> facts;
  for (const DiffSubject subject : {DiffSubject::kModule, DiffSubject::kTraining, DiffSubject::kAttribute}) {
    compare_texts(values_of(a, subject), values_of(b, subject), {.subject = subject}, facts);
  }
  return facts;
}

std::vector<DiffFact> diff_traits(const Contents& a, const Contents& b, const std::vector<TensorPair>& pairs) {
  std::vector<DiffFact> facts;
  const bool both_say = a.kind == ContentsKind::kTorchScript && b.kind == ContentsKind::kTorchScript;
  for (const TensorPair& pair : pairs) {
    const auto compare = [&](DiffSubject subject, DiffEffect effect, const std::string& text_a,
                             const std::string& text_b) {
      if (both_say && text_a != text_b) {
        facts.push_back({.subject = subject, .effect = effect, .name = pair.a->name, .a = text_a, .b = text_b});
      }
    };
    compare(DiffSubject::kTensorTrait, DiffEffect::kOutputs, pair.a->layout, pair.b->layout);
    compare(DiffSubject::kTensorTrait, DiffEffect::kGradients, pair.a->role, pair.b->role);
    compare(DiffSubject::kGradient, DiffEffect::kGradients, pair.a->requires_grad.value_or(false) ? "True" : "False",
            pair.b->requires_grad.value_or(false) ? "True" : "False");
  }
  if (a.kind == b.kind && a.kind != ContentsKind::kDirectory) {
    compare_texts(sharing_of(pairs, [](const TensorPair& pair) -> const ContentsTensor& { return *pair.a; }),
                  sharing_of(pairs, [](const TensorPair& pair) -> const ContentsTensor& { return *pair.b; }),
                  {.subject = DiffSubject::kStorage, .effect = DiffEffect::kGradients}, facts);
  }
  return facts;
}

std::vector<DiffFact> diff_files(const Contents& a, const Contents& b) {
  std::vector<DiffFact> facts;
  FileComparison comparison(a, b, facts);
  for (const ContentsFile& file : a.files) {
    if (const ContentsFile* other = find_file(b, file.name)) {
      comparison.compare(file, *other);
    } else {
      comparison.add_lone(file, true);
    }
  }
  for (const ContentsFile& file : b.files) {
    if (find_file(a, file.name) == nullptr) {
      comparison.add_lone(file, false);
    }
  }
  compare_texts(a.metadata, b.metadata, {.subject = DiffSubject::kMetadata, .effect = DiffEffect::kDescription}, facts);
  return facts;
}

}  // namespace bertjit
