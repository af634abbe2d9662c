// GLUE's files to texts and labels.
//
// They are tab-separated without any quoting: a '"' is a character like others, and a reader of CSV that takes it for
// a quote swallows rows. Some begin with a byte-order mark, some have CRLF.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "glue/glue_task.h"

namespace bertjit {

struct Example {
  std::string text;
  std::string pair;  ///< empty for single texts
  int64_t line = 0;  ///< in the file, from 1
  /// Index into the task's classes; of a regression 0. -1 without a label.
  int64_t label = -1;
  double score = 0;  ///< of a regression
};

struct ExampleSet {
  std::string name;  ///< of the part: "mrpc", "mnli-mm"
  std::string path;
  bool has_labels = true;
  std::vector<Example> examples;
  std::vector<std::string> notes;  ///< what was passed over or looks odd, one line each
};

/// Where the examples are.
struct ExampleSource {
  /// A folder with dev.tsv, or with the task's own folder in it, or one file.
  std::string data;
  std::string split = "dev";  ///< "train", "dev", "test"
};

/// The files of a split; one for each part, or the one that `source.data` names.
///
/// Throws Error(kNotFound) that names what was looked for.
std::vector<ExampleSet> read_examples(const GlueTask& task, const ExampleSource& source, std::optional<int64_t> limit);

/// One file; `name` stands in messages. Only a file of the split "test" may lack the column of labels.
///
/// Throws Error(kCorrupt) naming file, line, what was found and what was expected: for a column that is missing, a row
/// with more or fewer, a label that is empty or none of the classes, bytes that are not UTF-8, no rows.
ExampleSet parse_examples(const GlueTask& task, const std::string& text, const std::string& name,
                          const std::string& split);

}  // namespace bertjit
