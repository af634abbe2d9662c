// The checkpoint, built as the module that is judged against it was.
#pragma once

#include "checkpoint/weights.h"
#include "infer/runner.h"
#include "source/checkpoint_source.h"
#include "verify/verify.h"

namespace bertjit {

/// What a module is said to return, as options of the network: its head, hidden states, attentions. What the flags say
/// stays.
ModelOptions claimed_model_options(ModelOptions options, const Claims& claims);

/// Opens options.source, a checkpoint, in `dtype` with the head, the outputs and the attention that `claims` say; with
/// its own head where it cannot be the claimed one.
///
/// Without claims, the flags and config.json decide; see match_outputs().
/// Throws what open_checkpoint_source throws.
CheckpointSource open_matching_checkpoint(const VerifyOptions& options, const std::optional<Claims>& claims,
                                          DType dtype);

/// Opens it once more, with hidden states or attentions or both, if only then it returns as many tensors as the module
/// does on `example`: files of others make no claims, and may have been traced with those flags.
void match_outputs(CheckpointSource& source, ModuleRunner& module, const BoundBatch& example,
                   const VerifyOptions& options, DType dtype);

}  // namespace bertjit
