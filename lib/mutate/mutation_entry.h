// What a mutation is made of: its description and one function, over the archive's bytes or over the loaded module.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "module/load.h"
#include "mutate/mutate.h"

namespace bertjit {

/// The seed's choices. std::uniform_int_distribution differs between standard libraries; a remainder does not.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}

  /// 0 … count - 1; count is not 0.
  size_t below(size_t count) {
    return static_cast<size_t>(engine_() % count);
  }
  template <class T>
  T& one_of(std::vector<T>& items) {
    return items[below(items.size())];
  }

 private:
  std::mt19937_64 engine_;
};

/// What a mutation works on.
struct Workpiece {
  LoadedModule& loaded;
  Dice& dice;
  const MutateOptions& options;
};

struct MutationEntry {
  Mutation mutation;
  /// One of the two is set. nullopt: there is nothing to change.
  std::function<std::optional<Mutated>(Workpiece&)> on_module;
  /// Bytes of the whole archive that is written.
  std::function<std::optional<Mutated>(const std::filesystem::path& good, std::string& broken, Dice&)> on_file;
};

std::vector<MutationEntry> byte_mutations();
std::vector<MutationEntry> weight_mutations();
std::vector<MutationEntry> operator_mutations();
std::vector<MutationEntry> input_mutations();
std::vector<MutationEntry> output_mutations();
std::vector<MutationEntry> structure_mutations();
std::vector<MutationEntry> claim_mutations();
std::vector<MutationEntry> waste_mutations();

}  // namespace bertjit
