// The tasks of GLUE (Wang et al. 2019): which files, columns, classes and metrics each has.
//
// Reference: transformers 4.57.6, data/processors/glue.py and data/metrics/__init__.py, for columns, order of classes
// and names of metrics; columns are found by the names that the files' own headers have.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace bertjit {

enum class GlueMetric {
  kAccuracy,            ///< "acc"
  kAccuracyAndF1,       ///< "acc", "f1", "acc_and_f1"
  kMatthews,            ///< "mcc"
  kPearsonAndSpearman,  ///< "pearson", "spearmanr", "corr"
};

struct GlueClass {
  std::string word;  ///< in the label column
  /// What id2label of published checkpoints calls it, in lower case with "_" between words.
  std::vector<std::string> aliases;
};

/// One file of a split. MNLI has two: "mnli" and "mnli-mm".
struct GluePart {
  std::string name;
  std::string suffix;  ///< of the file: "dev" + "_matched" + ".tsv"
};

struct GlueTask {
  std::string name;    ///< "mrpc"
  std::string folder;  ///< in GLUE's download: "MRPC"
  std::string text;    ///< column of the (first) text
  std::string pair;    ///< of the second; empty for single texts
  std::string label;   ///< column of the label
  /// All columns of a file that has no header (CoLA); empty: the first line names them.
  std::vector<std::string> columns;
  std::vector<GlueClass> classes;  ///< in GLUE's order of a model's outputs; none: a score, which is regressed
  GlueMetric metric = GlueMetric::kAccuracy;
  /// The class that precision, recall and F1 are of; absent where none is special.
  std::optional<size_t> positive;
  std::vector<GluePart> parts;
  /// QQP as published has rows that break off in the middle; transformers passes over them.
  bool has_broken_rows = false;
};

const std::vector<GlueTask>& glue_tasks();

/// By name; "sst2", "sst-2" and "SST-2" are one. Throws Error(kInvalidArgument) that lists the known ones.
const GlueTask& find_glue_task(const std::string& name);

/// "0, 1", "contradiction, entailment, neutral".
std::string class_words(const GlueTask& task);

}  // namespace bertjit
