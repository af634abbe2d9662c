// What is to be quantized, opened: a module in float32, what is said of it, and what it is run on.
#pragma once

#include <optional>

#include <torch/csrc/jit/api/module.h>

#include "module/claims.h"
#include "module/save.h"
#include "quantize/quantize.h"
#include "source/source.h"

namespace bertjit {

struct QuantizeSubject {
  Source source;
  torch::jit::Module module;  ///< must not run: what is saved is made of it
  Claims claims;              ///< of what is made
  uint64_t size_bytes = 0;    ///< of its file; of a checkpoint, of its trace
};

/// Opens options.source, and traces what is no TorchScript yet. `example` becomes the batch to compare on; nullopt
/// where the command line names none and none can be made up.
///
/// Throws what open_source throws and, for inputs that are named, what making and binding them throws.
QuantizeSubject open_quantize_subject(const QuantizeOptions& options, std::optional<BoundBatch>& example);

/// Bytes that saving `module` would write.
uint64_t serialized_bytes(const torch::jit::Module& module, const SaveOptions& options);

}  // namespace bertjit
