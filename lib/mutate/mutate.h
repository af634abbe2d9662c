// Breaks a good TorchScript file, on purpose and by a seed: what `verify` is measured with.
//
// The idea is mutation testing's (DeMillo, Lipton, Sayward 1978): a check is worth what it notices. Each mutation is a
// mistake that exports are found with: a bit lost on a disk, layers copied in the wrong order, the other GELU, a mask
// that is not used, a batch size that became a constant, claims that say another head.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace bertjit {

enum class MutationKind {
  kBytes,    ///< the archive: records and their bytes
  kWeights,  ///< numbers
  kCode,     ///< what is computed
  kClaims,   ///< what the file says of itself
  kWaste,    ///< outputs stay right
};

/// "bytes", "weights", "code", "claims", "waste".
const char* mutation_kind_name(MutationKind kind);

/// The least that somebody must have to see that the file is wrong.
enum class ShownBy {
  kFile,    ///< the file, and the claims in it
  kSource,  ///< the checkpoint, too: the file could be an honest trace of another one
};

struct Mutation {
  const char* name;         ///< "gelu_tanh"
  const char* description;  ///< what is done, and to what
  MutationKind kind;
  ShownBy shown_by;
};

/// All of them: bytes, weights, code, claims, waste.
const std::vector<Mutation>& all_mutations();

struct MutateOptions {
  /// Chooses among the places where the mutation fits, and its numbers.
  uint64_t seed = 0;
  /// What a mutation takes for the example's shape where it makes a constant of it.
  int64_t batch = 1;
  int64_t length = 14;
};

/// What was done.
struct Mutated {
  /// What it touched, any of which a checker may name: module paths ("encoder.layer.0.output"), or records ("data/3");
  /// "" for the whole model.
  std::vector<std::string> where;
  std::string what;  ///< in words, with the numbers: "element 17 of pooler.dense.weight: 0.25 -> 0.75"
};

/// Writes the file `good` with one mutation to `broken`; the same seed gives the same bytes. nullopt, and no file,
/// where it has nothing that the mutation could change: no second output, no tied weight.
///
/// `good` as torch.jit.trace or bertjit writes it, not frozen, not quantized. Every code mutation loads and, but for
/// those that bake a shape, runs on all that `good` runs on.
/// Throws Error(kInvalidArgument) for an unknown name; what load_module and ZipArchive throw.
std::optional<Mutated> mutate_file(const std::string& name, const std::filesystem::path& good,
                                   const std::filesystem::path& broken, const MutateOptions& options = {});

}  // namespace bertjit
