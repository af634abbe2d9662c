// Whatever SOURCE names on a command line, opened: a checkpoint, a name of a Python file, a TorchScript archive.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "module/load.h"
#include "record/recordable.h"
#include "source/checkpoint_source.h"
#include "source/source_kind.h"
#include "source/source_options.h"

namespace bertjit {

/// What a torch.jit.trace(…) in the file was given. Empty where there is none.
struct WrittenInputs {
  std::optional<Batch> example;
  std::vector<Batch> check_inputs;
};

struct Source {
  std::string name;  ///< as given
  SourceKind kind;
  /// Runs it untraced, and records it.
  std::unique_ptr<Recordable> program;
  std::optional<CheckpointSource> checkpoint;  ///< kCheckpoint: the network and its tokenizer
  /// What is TorchScript already: an archive, or a name that the file scripts, traces or loads.
  std::optional<LoadedModule> compiled;
  WrittenInputs written;  ///< of a name that the file traces
  /// Of a Python file: what was passed over that may matter, one line each.
  std::vector<std::string> notes;

  /// nullptr if there is none.
  const Tokenizer* tokenizer() const {
    return checkpoint ? checkpoint->tokenizer.get() : nullptr;
  }
};

/// Opens SOURCE: a Hugging Face directory or config.json, `FILE.py:NAME`, else a TorchScript archive. A name that
/// stands for a traced function or module opens what was traced.
///
/// Throws what open_checkpoint_source, open_script and load_module throw; Error(kInvalidArgument) for options that are
/// a checkpoint's where it is none.
Source open_source(const SourceOptions& options, uint64_t seed, const std::string& tokenizer_directory);

/// A checkpoint that is open already, as a Source.
Source as_source(CheckpointSource checkpoint);

/// SOURCE as TorchScript with its control flow kept: an archive or a scripted or traced name as it is, another name
/// compiled as torch.jit.script does. Throws Error(kUnsupported) for a checkpoint, and what the compiler throws.
LoadedModule open_scripted(const SourceOptions& options, uint64_t seed);

}  // namespace bertjit
