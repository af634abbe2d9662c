// Weights without names: what torch.jit.freeze leaves, constants in the code, told by where the code uses them.
#pragma once

#include <map>
#include <string>

#include "recognise/families.h"
#include "recognise/layer_calls.h"

namespace bertjit {

/// Gives the layers of `calls` the names they have in a checkpoint of the class `name`, by their order and by what
/// attention reads, and collects their tensors under these. Returns what could not be told, empty if all was.
std::string name_constants(LayerCalls& calls, const ClassName& name, std::map<std::string, at::Tensor>& tensors);

}  // namespace bertjit
