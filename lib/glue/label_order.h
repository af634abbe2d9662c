// Which class each output of a model is for.
//
// A checkpoint says so in config.json (id2label), or says LABEL_0, LABEL_1, which says nothing: then the order is that
// of transformers' GLUE processors. Of MNLI there are two: RoBERTa's was trained with neutral before entailment, as the
// scripts of transformers that swap the two for it know.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "glue/glue_task.h"

namespace bertjit {

struct LabelOrder {
  std::vector<size_t> classes;  ///< index into the task's classes, for each output; empty for a regression
  std::string from;             ///< where that is known from, in words
};

/// What is known of a model besides its outputs.
struct LabelFacts {
  std::vector<std::string> given;  ///< words of the classes, by output, that the user gave; empty: none
  std::filesystem::path config;    ///< config.json that may name them; empty: none
  std::string model_type;          ///< "roberta"; empty if not known
};

/// Throws Error(kInvalidArgument) if `given` are not the task's classes, each once; Error(kUnsupported) if config.json
/// names some of them and other words besides.
LabelOrder order_labels(const GlueTask& task, const LabelFacts& facts);

}  // namespace bertjit
