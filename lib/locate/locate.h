// Where a module goes wrong: it and a reference run side by side, on one input, operator by operator.
//
// 1. Both run alone and leave a tape: which operators ran, in which module, on what. Where the outputs agree, that is
//    the end. Else the tapes are laid side by side (alignment.h): by the weights that operators use, and between these
//    by kind and order.
// 2. Both run together, each value of the reference compared with the module's as they come. The error piles up: a
//    curve for people to look at, but in an int8 or float16 model it shows no fault.
// 3. So they run together again, and after each value that agrees the module goes on with the reference's: each step is
//    measured alone, on exact inputs. Rounding then stays what one operator makes; a fault stands out, also where the
//    model as a whole is far less exact than the fault is large.
//
// A value may differ without being wrong: 1/sqrt(head size) folded into a projection, another number for minus
// infinity in a mask. A place is blamed only if the error goes on from it, value by value, to an output.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

#include "infer/signature.h"
#include "locate/location.h"
#include "record/recordable.h"

namespace bertjit {

struct LocateOptions {
  /// Names of the module's weights, as the file would have them, beside those it tells itself: for a frozen module,
  /// whose weights are constants. They must be the module's own tensors (Recognition::weights).
  std::map<std::string, at::Tensor> weights;
  /// Which output of the module is which of the reference's, both counted flat; empty: in order.
  std::vector<std::pair<size_t, size_t>> outputs;
  /// Measures layers and steps also where the outputs agree, for people to look at.
  bool always_measure = false;
};

/// Runs `module` on `inputs` and `reference` on `reference_inputs`, both bound in call order, and says where they first
/// part.
///
/// A module that takes the rows of a batch one by one has other shapes in it than the reference: then single rows are
/// tried. Inputs are copied. Of the reference no more values are held at a time than the two sides' orders differ by,
/// besides its outputs. Five passes over each side at most: not for every file, but for one whose outputs differ. Never
/// throws for what the models do: why_not says it.
Location locate(const torch::jit::Module& module, const BoundBatch& inputs, Recordable& reference,
                const BoundBatch& reference_inputs, const LocateOptions& options = {});

}  // namespace bertjit
