#include "glue/label_order.h"

#include "testing/error_of.h"
#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::error_of;

namespace {

using Order = std::vector<size_t>;

/// The order for a config.json with that text.
LabelOrder configured(const std::string& task, const std::string& config, const std::string& model_type = "bert") {
  const testing::TempDir folder;
  testing::write_bytes(folder / "config.json", config);
  return order_labels(find_glue_task(task), {{}, folder / "config.json", model_type});
}

LabelOrder given(const std::string& task, const std::vector<std::string>& words) {
  return order_labels(find_glue_task(task), {words, "", "roberta"});
}

}  // namespace

TEST_CASE("labels: names in id2label decide, as checkpoints on the hub write them") {
  // roberta-large-mnli, facebook/bart-large-mnli, distilbert-base-uncased-finetuned-sst-2-english
  CHECK(configured("mnli", R"({"id2label": {"0": "CONTRADICTION", "1": "NEUTRAL", "2": "ENTAILMENT"}})").classes ==
        Order{0, 2, 1});
  CHECK(configured("mnli", R"({"id2label": {"0": "entailment", "1": "neutral", "2": "contradiction"}})").classes ==
        Order{1, 2, 0});
  CHECK(configured("sst-2", R"({"id2label": {"1": "POSITIVE", "0": "NEGATIVE"}})").classes == Order{0, 1});
  CHECK(configured("mrpc", R"({"id2label": {"0": "equivalent", "1": "not_equivalent"}})").classes == Order{1, 0});
  CHECK(configured("rte", R"({"id2label": {"0": "not-entailment", "1": "entailment"}})").classes == Order{1, 0});
  CHECK(configured("qqp", R"({"label2id": {"duplicate": 0, "not_duplicate": 1}})").classes == Order{1, 0});
  CHECK_THAT(configured("mrpc", R"({"id2label": {"0": "0", "1": "1"}})").from, Contains("id2label of"));
}

TEST_CASE("labels: LABEL_0 and the like, none, or those of another task leave GLUE's order") {
  CHECK(configured("mnli", R"({"id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}})").classes ==
        Order{0, 1, 2});
  CHECK(configured("mrpc", "{}").classes == Order{0, 1});
  CHECK(configured("mrpc", R"({"id2label": {"0": "entailment", "1": "neutral", "2": "contradiction"}})").from ==
        "GLUE's order");
  CHECK(order_labels(find_glue_task("mrpc"), {}).classes == Order{0, 1});
  CHECK(order_labels(find_glue_task("sts-b"), {}).classes.empty());
}

TEST_CASE("labels: RoBERTa has neutral before entailment on MNLI, unless it names them, and nowhere else") {
  CHECK(configured("mnli", "{}", "roberta").classes == Order{0, 2, 1});
  CHECK(configured("mnli", "{}", "xlm-roberta").from == "RoBERTa's order");
  CHECK(configured("mnli", R"({"id2label": {"0": "contradiction", "1": "entailment", "2": "neutral"}})", "roberta")
            .classes == Order{0, 1, 2});
  CHECK(configured("rte", "{}", "roberta").classes == Order{0, 1});
}

TEST_CASE("labels: names that are classes in part are refused") {
  const Error error =
      error_of([] { configured("mnli", R"({"id2label": {"0": "entailment", "1": "neutral", "2": "other"}})"); });
  CHECK(error.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(error.what(), Contains("id2label names entailment, neutral, other, mnli has contradiction, entailment, "
                                    "neutral; say with --labels"));
}

TEST_CASE("labels: given ones are taken, if they are the classes, each once") {
  CHECK(given("mnli", {"entailment", "neutral", "contradiction"}).classes == Order{1, 2, 0});
  CHECK(given("mrpc", {"1", "0"}).from == "--labels");
  for (const auto& words : {std::vector<std::string>{"1"}, {"1", "1"}, {"0", "2"}, {"0", "1", "1"}}) {
    CHECK_THAT(error_of([&] { given("mrpc", words); }).what(), Contains("expected each class of mrpc once"));
  }
  CHECK_THROWS(given("sts-b", {"0"}));
}

}  // namespace bertjit
