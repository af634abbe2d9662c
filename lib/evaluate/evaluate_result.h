// What `evaluate` found, as plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "glue/glue_result.h"

namespace bertjit {

/// Always the same answer.
struct EvalBaseline {
  std::string answer;
  EvalScore score;
};

struct EvalModel {
  std::string name;             ///< as given
  std::string kind;             ///< "eager" for what runs untraced, "torchscript" for what TorchScript's executor runs
  std::string dtype;            ///< most of its weights: "float32", "int8"
  uint64_t size_bytes = 0;      ///< of the file; of a checkpoint, of its weights in that dtype
  std::string tokenizer;        ///< folder
  double tokenize_seconds = 0;  ///< 0 if another model had the same tokenizer
  std::vector<std::string> labels;  ///< class of each output, in the model's order
  std::string labels_from;  ///< "--labels", "id2label of DIR/config.json", "GLUE's order", "RoBERTa's order of MNLI"
  std::vector<std::string> notes;  ///< what was assumed, one line each
};

/// One file.
struct EvalData {
  std::string name;  ///< "mrpc", "mnli-mm"
  std::string path;
  bool has_labels = true;
  std::vector<int64_t> lines;   ///< of each row in the file, from 1
  std::vector<int64_t> labels;  ///< indices into the classes; empty for a regression and without labels
  std::vector<double> scores;   ///< of a regression
  std::vector<EvalBaseline> baselines;
  std::vector<EvalAnswers> models;  ///< as EvalResult::models
  std::vector<std::string> notes;
};

struct EvalResult {
  std::string task;
  std::string split;
  std::vector<std::string> classes;  ///< words of the label column; none for a regression
  std::string positive;              ///< the class that "f1" is of; empty if none is special
  int64_t max_seq_length = 0;
  int64_t batch_size = 0;
  std::string padding;         ///< "max", "longest"
  std::string cpu_capability;  ///< the instructions libtorch uses: "AVX512"
  std::string int8_engine;     ///< what ran int8 layers: "x86"
  std::vector<EvalModel> models;
  std::vector<EvalData> data;
};

}  // namespace bertjit
