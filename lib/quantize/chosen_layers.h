// Which layers become int8: what the flags say of each, and what is refused.
#pragma once

#include <string>
#include <vector>

#include "quantize/layers.h"
#include "quantize/quantize.h"

namespace bertjit {

/// Why a layer stays as it is ("--keep-fp32 classifier"); empty if it becomes int8.
std::string reason_to_keep(const UsedLayer& layer, const QuantizeOptions& options);

/// A row for each layer.
std::vector<QuantizedLayer> describe_layers(const std::vector<UsedLayer>& layers, const QuantizeOptions& options);

/// Each throws Error(kInvalidArgument): for a pattern of --keep-fp32 that matches no layer; a module that computes with
/// int8 already; one in which nothing is left to be quantized. `name` stands in messages.
void refuse_idle_patterns(const std::vector<UsedLayer>& layers, const QuantizeOptions& options);
void refuse_quantized(const ModuleLayers& found, const std::string& name);
void refuse_nothing(const std::vector<UsedLayer>& layers, const std::vector<QuantizedLayer>& described,
                    const std::string& name);

}  // namespace bertjit
