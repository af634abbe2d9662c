// What `run` computed, as plain data.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "container/tensors.h"
#include "infer/bound_input.h"
#include "source/source_choice.h"

namespace bertjit {

/// One value a model returned: a tensor, or values nested in a tuple, list or dict, or anything else as Python's text.
struct OutputValue {
  enum class Kind { kTensor, kTuple, kList, kDict, kText };

  Kind kind = Kind::kTensor;
  Array tensor;                    ///< kTensor; its name is the output's, e.g. "last_hidden_state"
  std::string grad_fn;             ///< kTensor: "NativeLayerNormBackward0"; empty if there is none
  bool requires_grad = false;      ///< kTensor
  std::vector<OutputValue> items;  ///< kTuple, kList, kDict
  std::vector<std::string> keys;   ///< kDict: as Python writes them
  std::string text;                ///< kText: "None"
};

/// What --generate gave, one row for each of the batch.
struct Generated {
  Array ids;                       ///< int64 [batch, length], as generate() in Python returns them
  std::vector<std::string> texts;  ///< without special tokens; empty where there is no tokenizer
};

struct RunResult {
  std::string model;                   ///< path as given
  std::string kind;                    ///< "eager" for a checkpoint, "torchscript" for a .pt
  std::optional<SourceChoice> choice;  ///< of a checkpoint: the network, its weights, and why
  std::string example;                 ///< where the inputs come from
  std::string grad;                    ///< "on", "off", "inference"
  std::vector<BoundInput> inputs;
  OutputValue output;
  std::optional<Generated> generated;  ///< with --generate
  std::string output_file;             ///< file that was written; empty if none
};

}  // namespace bertjit
