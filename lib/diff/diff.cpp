#include "diff/diff.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "diff/causes.h"
#include "diff/code_diff.h"
#include "diff/contents.h"
#include "diff/damage.h"
#include "diff/fact_diff.h"
#include "diff/tensor_diff.h"
#include "support/error.h"
#include "support/file.h"
#include "support/file_status.h"
#include "support/parallel.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

constexpr size_t kBlockBytes = 16u << 20;

bool same_file_bytes(const fs::path& a, const fs::path& b) {
  const MappedFile file_a(a);
  const MappedFile file_b(b);
  const auto bytes_a = file_a.bytes();
  const auto bytes_b = file_b.bytes();
  if (bytes_a.size() != bytes_b.size()) {
    return false;
  }
  for (size_t begin = 0; begin < bytes_a.size(); begin += kBlockBytes) {
    const size_t size = std::min(kBlockBytes, bytes_a.size() - begin);
    if (std::memcmp(bytes_a.data() + begin, bytes_b.data() + begin, size) != 0) {
      return false;
    }
    release_mapped_pages(bytes_a.subspan(begin, size));
    release_mapped_pages(bytes_b.subspan(begin, size));
  }
  return true;
}

std::vector<std::string> list_files(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_directory()) {
      names.push_back(entry.path().lexically_relative(directory).generic_string());
    }
  }
  std::ranges::sort(names);
  return names;
}

bool same_bytes(const fs::path& a, const fs::path& b) {
  if (!path_is_folder(a) || !path_is_folder(b)) {
    return !path_is_folder(a) && !path_is_folder(b) && same_file_bytes(a, b);
  }
  const auto names = list_files(a);
  return names == list_files(b) && std::ranges::all_of(names, [&](const std::string& name) {
           return path_is_file(a / name) && path_is_file(b / name) && same_file_bytes(a / name, b / name);
         });
}

/// A damaged file is told by what the other one says of it.
Contents open_side(const fs::path& path, const fs::path& other, int threads) {
  try {
    return open_contents(path, threads);
  } catch (const Error& error) {
    const std::string damage = error.kind() == ErrorKind::kCorrupt ? describe_damage(path, other) : "";
    if (damage.empty()) {
      throw;
    }
    throw Error(error.kind(), std::string(error.what()) + "; " + damage);
  }
}

DiffSide describe_side(const std::string& path, const Contents& contents) {
  DiffSide side{.path = path, .kind = contents_kind_name(contents.kind), .size_bytes = contents.size_bytes};
  side.tensor_count = contents.tensors.size();
  for (const ContentsTensor& tensor : contents.tensors) {
    side.element_count += tensor.element_size == 0 ? 0 : tensor.size_bytes / tensor.element_size;
  }
  side.module_count = contents.code.modules.size();
  return side;
}

DiffSide describe_unknown(const std::string& path) {
  DiffSide side{.path = path, .kind = "file"};
  side.size_bytes = path_is_folder(path) ? 0 : MappedFile(path).bytes().size();
  return side;
}

std::vector<DiffLoneTensor> describe_lone(const std::vector<const ContentsTensor*>& tensors) {
  std::vector<DiffLoneTensor> lone;
  for (const ContentsTensor* tensor : tensors) {
    lone.push_back({.name = tensor->name, .role = tensor->role, .dtype = tensor->dtype, .shape = tensor->shape});
  }
  return lone;
}

/// Tensors of another dtype or shape first, then by how far apart the values are.
void sort_by_distance(std::vector<DiffTensor>& tensors) {
  const auto rank = [](const DiffTensor& tensor) {
    const int form = tensor.shape_a != tensor.shape_b ? 0 : tensor.dtype_a != tensor.dtype_b ? 1 : 2;
    return std::pair(form, std::isnan(tensor.sqnr_db) ? -INFINITY : tensor.sqnr_db);
  };
  std::ranges::stable_sort(tensors, [&](const DiffTensor& a, const DiffTensor& b) { return rank(a) < rank(b); });
}

/// What does not belong to the question is taken out before pairs are compared.
void keep_constants(PairedTensors& pairing) {
  const auto is_other = [](const ContentsTensor* tensor) { return tensor->role != "constant"; };
  std::erase_if(pairing.pairs, [&](const TensorPair& pair) { return is_other(pair.a); });
  std::erase_if(pairing.only_in_a, is_other);
  std::erase_if(pairing.only_in_b, is_other);
}

void compare_facts(const Contents& a, const Contents& b, const PairedTensors& pairing, bool renamed,
                   DiffResult& result) {
  const auto add = [&](std::vector<DiffFact> facts) { std::ranges::move(facts, std::back_inserter(result.facts)); };
  if (result.level == DiffLevel::kContent || result.level == DiffLevel::kBytes) {
    if (!result.only_tensors) {
      add(diff_values(a, b));
      add(diff_traits(a, b, pairing.pairs));
      add(diff_files(a, b));
    }
  }
  add(diff_formats(a, b, pairing.pairs, renamed));
  if (result.level == DiffLevel::kWeights) {
    std::erase_if(result.facts, [](const DiffFact& fact) { return fact.effect != DiffEffect::kBytes; });
  }
  std::ranges::stable_sort(result.facts, {}, &DiffFact::subject);
}

/// The worst of all that is listed; kBytes if nothing that counts is.
DiffEffect worst_effect(const DiffResult& result) {
  DiffEffect effect = DiffEffect::kBytes;
  const auto take = [&](DiffEffect candidate) { effect = std::min(effect, candidate); };
  if (!result.tensors.empty() || !result.code.empty()) {
    take(DiffEffect::kOutputs);
  }
  for (const auto* lone : {&result.only_in_a, &result.only_in_b}) {
    for (const DiffLoneTensor& tensor : *lone) {
      take(tensor.same_as.empty() ? DiffEffect::kOutputs : DiffEffect::kGradients);
    }
  }
  for (const DiffFact& fact : result.facts) {
    take(fact.effect);
  }
  // Names under which all else is the same are in no list.
  for (const DiffCause& cause : result.causes) {
    take(cause.effect);
  }
  return effect;
}

void compare_contents(const Contents& a, const Contents& b, int threads, DiffResult& result) {
  result.only_tensors = a.kind != b.kind;
  const bool weights = result.only_tensors || result.level == DiffLevel::kWeights;
  PairedTensors pairing = pair_tensors(a, b, weights ? PairingRule::kWeights : PairingRule::kNames, threads);
  if (result.level == DiffLevel::kCode) {
    keep_constants(pairing);
  }
  if (weights && pairing.pairs.empty() && pairing.only_in_a.empty() && pairing.only_in_b.empty()) {
    throw Error(ErrorKind::kUnsupported, a.path.string() + " and " + b.path.string() + " hold no weights to compare");
  }
  result.notes = pairing.notes;
  result.tensors_compared = pairing.pairs.size();
  for (const TensorPair& pair : pairing.pairs) {
    result.elements_compared += pair.a->element_size == 0 ? 0 : pair.a->size_bytes / pair.a->element_size;
  }
  result.tensors = diff_tensors(a, b, pairing.pairs, threads);
  sort_by_distance(result.tensors);
  result.only_in_a = describe_lone(pairing.only_in_a);
  result.only_in_b = describe_lone(pairing.only_in_b);
  bool renamed = false;
  if (!result.only_tensors && result.level != DiffLevel::kWeights) {
    CodeDifferences code = diff_code(a.code, b.code);
    result.code_compared = code.compared;
    result.code = std::move(code.code);
    // What only reads otherwise comes last.
    std::ranges::stable_sort(result.code, {},
                             [](const DiffCode& unit) { return unit.nature == "only names of variables"; });
    renamed = code.renamed;
  }
  compare_facts(a, b, pairing, renamed, result);
  find_causes(a, b, pairing, result);
  for (const Contents* contents : {&a, &b}) {
    result.notes.insert(result.notes.end(), contents->notes.begin(), contents->notes.end());
  }
}

/// Nothing was looked for where there is nothing to look at: that is no equality.
void refuse_empty(const Contents& a, const Contents& b, const DiffOptions& options) {
  for (const Contents* contents : {&a, &b}) {
    if (options.level == DiffLevel::kCode && contents->kind != ContentsKind::kTorchScript) {
      throw Error(ErrorKind::kUnsupported, contents->path.string() + ": is a " + contents_kind_name(contents->kind) +
                                               ", which has no code to compare");
    }
    if (contents->tensors.empty() && contents->code.definitions.empty()) {
      throw Error(ErrorKind::kUnsupported, contents->path.string() + ": holds neither tensors nor code");
    }
  }
}

void answer_identical(const DiffOptions& options, int threads, DiffResult& result) {
  result.verdict = DiffVerdict::kIdentical;
  try {
    const Contents contents = open_contents(options.a, threads);
    result.a = describe_side(options.a, contents);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCorrupt) {
      throw Error(ErrorKind::kCorrupt, std::string(error.what()) + "; " + options.b + " has the same bytes");
    }
    result.a = describe_unknown(options.a);  // no model, but a copy is a copy
  }
  result.b = result.a;
  result.b.path = options.b;
}

/// For --bytes, where what differs need not be a model.
bool answer_by_bytes(const DiffOptions& options, const Error& error, DiffResult& result) {
  if (options.level != DiffLevel::kBytes || error.kind() == ErrorKind::kNotFound || error.kind() == ErrorKind::kIo) {
    return false;
  }
  result.a = describe_unknown(options.a);
  result.b = describe_unknown(options.b);
  result.causes = {
      {"bytes", DiffEffect::kOutputs, "bytes; what they mean cannot be told: " + std::string(error.what())}};
  result.effect = DiffEffect::kOutputs;
  result.verdict = DiffVerdict::kDifferent;
  return true;
}

}  // namespace

DiffResult diff_models(const DiffOptions& options) {
  const int threads = count_threads(options.threads);
  DiffResult result{.level = options.level};
  if (same_bytes(options.a, options.b)) {
    answer_identical(options, threads, result);
    return result;
  }
  try {
    const Contents a = open_side(options.a, options.b, threads);
    const Contents b = open_side(options.b, options.a, threads);
    refuse_empty(a, b, options);
    result.a = describe_side(options.a, a);
    result.b = describe_side(options.b, b);
    compare_contents(a, b, threads, result);
  } catch (const Error& error) {
    if (!answer_by_bytes(options, error, result)) {
      throw;
    }
    return result;
  }
  result.effect = worst_effect(result);
  const bool differs = result.effect != DiffEffect::kBytes || options.level == DiffLevel::kBytes;
  result.verdict = differs ? DiffVerdict::kDifferent : DiffVerdict::kSame;
  return result;
}

}  // namespace bertjit
