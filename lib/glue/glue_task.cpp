#include "glue/glue_task.h"

#include <cctype>

#include "support/error.h"
#include "support/words.h"

namespace bertjit {

namespace {

std::string bare_name(const std::string& name) {
  std::string bare;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      bare += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return bare;
}

std::vector<GlueTask> make_tasks() {
  const std::vector<GlueClass> entailment = {{"entailment", {"entail"}},
                                             {"not_entailment", {"not_entail", "non_entailment"}}};
  return {
      {.name = "cola",
       .folder = "CoLA",
       .text = "sentence",
       .label = "label",
       .columns = {"source", "label", "mark", "sentence"},
       .classes = {{"0", {"unacceptable"}}, {"1", {"acceptable"}}},
       .metric = GlueMetric::kMatthews,
       .positive = 1,
       .parts = {{"cola", ""}}},
      {.name = "sst-2",
       .folder = "SST-2",
       .text = "sentence",
       .label = "label",
       .classes = {{"0", {"negative", "neg"}}, {"1", {"positive", "pos"}}},
       .positive = 1,
       .parts = {{"sst-2", ""}}},
      {.name = "mrpc",
       .folder = "MRPC",
       .text = "#1 String",
       .pair = "#2 String",
       .label = "Quality",
       .classes = {{"0", {"not_equivalent", "not_paraphrase"}}, {"1", {"equivalent", "paraphrase"}}},
       .metric = GlueMetric::kAccuracyAndF1,
       .positive = 1,
       .parts = {{"mrpc", ""}}},
      {.name = "sts-b",
       .folder = "STS-B",
       .text = "sentence1",
       .pair = "sentence2",
       .label = "score",
       .metric = GlueMetric::kPearsonAndSpearman,
       .parts = {{"sts-b", ""}}},
      {.name = "qqp",
       .folder = "QQP",
       .text = "question1",
       .pair = "question2",
       .label = "is_duplicate",
       .classes = {{"0", {"not_duplicate"}}, {"1", {"duplicate"}}},
       .metric = GlueMetric::kAccuracyAndF1,
       .positive = 1,
       .parts = {{"qqp", ""}},
       .has_broken_rows = true},
      {.name = "mnli",
       .folder = "MNLI",
       .text = "sentence1",
       .pair = "sentence2",
       .label = "gold_label",
       .classes = {{"contradiction", {}}, {"entailment", {}}, {"neutral", {}}},
       .parts = {{"mnli", "_matched"}, {"mnli-mm", "_mismatched"}}},
      {.name = "qnli",
       .folder = "QNLI",
       .text = "question",
       .pair = "sentence",
       .label = "label",
       .classes = entailment,
       .parts = {{"qnli", ""}}},
      {.name = "rte",
       .folder = "RTE",
       .text = "sentence1",
       .pair = "sentence2",
       .label = "label",
       .classes = entailment,
       .parts = {{"rte", ""}}},
      {.name = "wnli",
       .folder = "WNLI",
       .text = "sentence1",
       .pair = "sentence2",
       .label = "label",
       .classes = {{"0", {"not_entailment"}}, {"1", {"entailment"}}},
       .positive = 1,
       .parts = {{"wnli", ""}}},
  };
}

}  // namespace

const std::vector<GlueTask>& glue_tasks() {
  static const std::vector<GlueTask> tasks = make_tasks();
  return tasks;
}

const GlueTask& find_glue_task(const std::string& name) {
  std::vector<std::string> known;
  for (const GlueTask& task : glue_tasks()) {
    if (bare_name(task.name) == bare_name(name)) {
      return task;
    }
    known.push_back(task.name);
  }
  throw Error(ErrorKind::kInvalidArgument, "--task " + name + ": not known (known: " + joined(known) + ")");
}

std::string class_words(const GlueTask& task) {
  std::vector<std::string> words;
  for (const GlueClass& one : task.classes) {
    words.push_back(one.word);
  }
  return joined(words);
}

}  // namespace bertjit
