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
  enum class Kind { kTensor, kTuple, kNamedTuple, kList, kDict, kText };

  Kind kind = Kind::kTensor;
  std::string name;                ///< kTensor, kText: the output's, e.g. "last_hidden_state"
  std::string type;                ///< kText: "int", "NoneType"; kNamedTuple: the class, "State"
  Array tensor;                    ///< kTensor, of the same name
  std::string grad_fn;             ///< kTensor: "NativeLayerNormBackward0"; empty if there is none
  bool requires_grad = false;      ///< kTensor
  std::vector<OutputValue> items;  ///< all that hold others
  std::vector<std::string> keys;   ///< kDict: as Python writes them; kNamedTuple: its fields
  std::string text;                ///< kText: "None", "0.5", "'text'"
};

/// What --generate gave, one row for each of the batch.
struct Generated {
  Array ids;                       ///< int64 [batch, length], as generate() in Python returns them
  std::vector<std::string> texts;  ///< without special tokens; empty where there is no tokenizer
};

struct RunResult {
  std::string model;     ///< path as given
  std::string kind;      ///< "eager" for a checkpoint, "torchscript" for a .pt, "python" for a FILE.py:NAME
  std::string executor;  ///< "eager", "simple", "profiling"; empty for a checkpoint
  std::optional<SourceChoice> choice;  ///< of a checkpoint: the network, its weights, and why
  std::string example;                 ///< where the inputs come from
  std::string grad;                    ///< "on", "off", "inference"
  std::vector<BoundInput> inputs;
  OutputValue output;
  std::optional<Generated> generated;  ///< with --generate
  std::string output_file;             ///< file that was written; empty if none
};

}  // namespace bertjit
