#include "mutate/mutate.h"

#include <algorithm>
#include <iterator>

#include "module/save.h"
#include "mutate/mutation_entry.h"
#include "support/error.h"
#include "support/file.h"

namespace bertjit {

namespace {

const std::vector<MutationEntry>& entries() {
  static const std::vector<MutationEntry> all = [] {
    std::vector<MutationEntry> result;
    for (auto& group : {byte_mutations(), weight_mutations(), operator_mutations(), input_mutations(),
                        output_mutations(), structure_mutations(), claim_mutations(), waste_mutations()}) {
      result.insert(result.end(), group.begin(), group.end());
    }
    return result;
  }();
  return all;
}

void save_broken(const LoadedModule& loaded, const std::filesystem::path& path) {
  SaveOptions options{default_archive_name(path), {}};
  if (loaded.claims) {
    options.extra_files[kClaimsRecord] = claims_to_json(*loaded.claims);
  }
  save_module(loaded.module, path, options, HashWhileWriting::kNo);
}

}  // namespace

const char* mutation_kind_name(MutationKind kind) {
  switch (kind) {
    case MutationKind::kBytes:
      return "bytes";
    case MutationKind::kWeights:
      return "weights";
    case MutationKind::kCode:
      return "code";
    case MutationKind::kClaims:
      return "claims";
    case MutationKind::kWaste:
      return "waste";
  }
  return "";
}

const std::vector<Mutation>& all_mutations() {
  static const std::vector<Mutation> all = [] {
    std::vector<Mutation> result;
    std::ranges::transform(entries(), std::back_inserter(result), &MutationEntry::mutation);
    return result;
  }();
  return all;
}

std::optional<Mutated> mutate_file(const std::string& name, const std::filesystem::path& good,
                                   const std::filesystem::path& broken, const MutateOptions& options) {
  const auto entry =
      std::ranges::find_if(entries(), [&](const MutationEntry& item) { return item.mutation.name == name; });
  if (entry == entries().end()) {
    throw Error(ErrorKind::kInvalidArgument, "unknown mutation '" + name + "'");
  }
  Dice dice(options.seed);
  std::optional<Mutated> mutated;
  if (entry->on_file) {
    std::string bytes;
    mutated = entry->on_file(good, bytes, dice);
    if (mutated) {
      write_file_atomically(broken, bytes);
    }
    return mutated;
  }
  LoadedModule loaded = load_module(good);
  Workpiece work{loaded, dice, options};
  mutated = entry->on_module(work);
  if (mutated) {
    save_broken(loaded, broken);
  }
  return mutated;
}

}  // namespace bertjit
