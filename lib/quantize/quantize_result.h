// What `quantize` made, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quantize/quantize_scheme.h"
#include "source/source_choice.h"
#include "source/source_kind.h"
#include "support/evidence.h"

namespace bertjit {

/// One linear layer, or one table.
struct QuantizedLayer {
  std::string name;  ///< path of its module
  bool is_embedding = false;
  std::vector<int64_t> shape;  ///< of its weight: [out, in], [rows, width]
  bool quantized = false;
  std::string kept;        ///< why it was not: "--keep-fp32 output.dense"
  double least_scale = 0;  ///< of what was: between two numbers of the int8 weight
  double greatest_scale = 0;
};

/// Bytes of one kind in a file. Those of all groups together are the file's.
struct ByteGroup {
  std::string name;  ///< "embeddings", "linear layers", "rest"
  uint64_t before_bytes = 0;
  uint64_t after_bytes = 0;
};

/// What a layer's int8 costs, if it alone is int8.
struct LayerSensitivity {
  std::string name;
  bool quantized = false;     ///< in what was written
  double layer_sqnr_db = 0;   ///< of its own output, on its float32 input
  double output_sqnr_db = 0;  ///< of the model's outputs, all together
  double max_abs_error = 0;   ///< of the model's outputs
  uint64_t saved_bytes = 0;   ///< what int8 saves
};

struct QuantizeResult {
  std::string source;
  SourceKind kind = SourceKind::kArchive;
  std::optional<SourceChoice> choice;  ///< of a checkpoint: which network was traced
  std::string output;                  ///< file that was written; empty if a check failed and nothing was
  std::string archive_name;
  QuantizeScheme scheme = QuantizeScheme::kPerTensor;
  bool reduce_range = true;
  std::string engine;                  ///< that ran the check
  std::vector<QuantizedLayer> layers;  ///< in the order of the code
  std::vector<ByteGroup> sizes;
  uint64_t before_bytes = 0;  ///< of the file it was made from; of a checkpoint, of its trace
  uint64_t size_bytes = 0;
  std::string example;                        ///< where the example inputs come from; empty if none could be made
  std::vector<LayerSensitivity> sensitivity;  ///< the worst first; empty unless asked for
  std::vector<CheckResult> checks;
  bool passed = false;
};

}  // namespace bertjit
