#include "quantize/chosen_layers.h"

#include <fnmatch.h>

#include <algorithm>

#include "support/error.h"

namespace bertjit {

namespace {

/// A table of fewer rows takes no space worth a rounding error.
constexpr int64_t kFewestRows = 16;
/// Nor does one whose rows are hardly longer than the scale and zero point that each would need.
constexpr int64_t kFewestColumns = 8;

/// "output.dense" is in "encoder.layer.0.output.dense", and not in "encoder.layer.0.output.dense2".
bool matches(const std::string& pattern, const std::string& name) {
  if (pattern.find_first_of("*?[") != std::string::npos) {
    return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  }
  return ("." + name + ".").find("." + pattern + ".") != std::string::npos;
}

std::string some_names(const std::vector<UsedLayer>& layers) {
  constexpr size_t kMost = 6;
  std::string names;
  for (size_t i = 0; i < std::min(layers.size(), kMost); ++i) {
    names += (i == 0 ? "" : ", ") + layers[i].name;
  }
  return names + (layers.size() > kMost ? ", ... (" + std::to_string(layers.size()) + " in all)" : "");
}

}  // namespace

std::string reason_to_keep(const UsedLayer& layer, const QuantizeOptions& options) {
  if (!layer.obstacle.empty()) {
    return layer.obstacle;
  }
  for (const auto& pattern : options.keep_fp32) {
    if (matches(pattern, layer.name)) {
      return "--keep-fp32 " + pattern;
    }
  }
  if (layer.kind == LayerUseKind::kEmbedding) {
    if (options.embeddings == EmbeddingScheme::kFloat32) {
      return "--embeddings float32";
    }
    if (layer.weight.size(1) < kFewestColumns) {
      return "has rows of " + std::to_string(layer.weight.size(1));
    }
    return layer.weight.size(0) < kFewestRows ? "has " + std::to_string(layer.weight.size(0)) + " rows" : "";
  }
  return "";
}

void refuse_idle_patterns(const std::vector<UsedLayer>& layers, const QuantizeOptions& options) {
  for (const auto& pattern : options.keep_fp32) {
    if (std::ranges::none_of(layers, [&](const UsedLayer& layer) { return matches(pattern, layer.name); })) {
      throw Error(ErrorKind::kInvalidArgument,
                  "--keep-fp32 " + pattern + ": matches no layer (there are " + some_names(layers) + ")");
    }
  }
}

void refuse_quantized(const ModuleLayers& found, const std::string& name) {
  if (!found.quantized_operator.empty()) {
    throw Error(ErrorKind::kInvalidArgument, name + ": is quantized already (" + found.quantized_operator + " at " +
                                                 (found.quantized_where.empty() ? "its root" : found.quantized_where) +
                                                 ")");
  }
}

void refuse_nothing(const std::vector<UsedLayer>& layers, const std::vector<QuantizedLayer>& described,
                    const std::string& name) {
  if (std::ranges::any_of(described, [](const QuantizedLayer& layer) { return layer.quantized; })) {
    return;
  }
  const bool any_linear =
      std::ranges::any_of(layers, [](const UsedLayer& layer) { return layer.kind == LayerUseKind::kLinear; });
  if (!any_linear) {
    throw Error(ErrorKind::kInvalidArgument, name + ": has no linear layer to quantize");
  }
  const auto kept = std::ranges::find_if(described, [](const QuantizedLayer& layer) { return !layer.is_embedding; });
  throw Error(ErrorKind::kInvalidArgument,
              name + ": nothing to quantize: every layer stays as it is (" + kept->name + " " + kept->kept + ")");
}

std::vector<QuantizedLayer> describe_layers(const std::vector<UsedLayer>& layers, const QuantizeOptions& options) {
  std::vector<QuantizedLayer> described;
  for (const auto& layer : layers) {
    QuantizedLayer row{.name = layer.name,
                       .is_embedding = layer.kind == LayerUseKind::kEmbedding,
                       .shape = layer.weight.sizes().vec()};
    row.kept = reason_to_keep(layer, options);
    row.quantized = row.kept.empty();
    described.push_back(std::move(row));
  }
  return described;
}

}  // namespace bertjit
