// A model that is open, and what it runs on.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/bench.h"
#include "bench/fresh_runner.h"
#include "bench/memory.h"
#include "infer/runner.h"
#include "source/source.h"

namespace bertjit {

struct Contestant {
  Source source;
  std::unique_ptr<ModuleRunner> module;  ///< what is TorchScript; nullptr for what runs untraced
  std::unique_ptr<FreshRunner> fresh;    ///< runs `module` while one row is measured
  BenchModel description;
  ModelMemory memory;
  std::vector<BoundBatch> batches;  ///< one a round

  /// What takes the inputs, and runs them.
  Runner& runner() const {
    return fresh ? static_cast<Runner&>(*fresh) : module ? static_cast<Runner&>(*module) : *source.program;
  }
  /// TorchScript's executor starts anew, and forgets what it made of the module.
  void begin_row() {
    fresh = module ? std::make_unique<FreshRunner>(*module) : nullptr;
  }
  void end_row() {
    fresh.reset();
  }
};

/// Without its batches. A module whose arguments have names of their own gets them by what its code does with them,
/// unless inputs are given, which name the module's own.
Contestant open_contestant(const SourceOptions& model, const BenchOptions& options);

/// Whether made up inputs are asked for, whatever else there is.
bool names_shapes(const BenchOptions& options);

/// Gives every contestant its batches: one where inputs are given or written, else one for each shape.
void make_batches(std::vector<Contestant>& contestants, const BenchOptions& options);

/// Lengths of made up inputs: as asked for, or BenchOptions::seq's default for these models.
std::vector<int64_t> lengths_of(const std::vector<Contestant>& contestants, const BenchOptions& options);

}  // namespace bertjit
