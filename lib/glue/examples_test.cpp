#include "glue/examples.h"

#include "testing/error_of.h"
#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::error_of;
using testing::testdata;

namespace {

constexpr const char* kHeader = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n";

ExampleSet parse_mrpc(const std::string& text, const std::string& split = "dev") {
  return parse_examples(find_glue_task("mrpc"), text, "dev.tsv", split);
}

/// The message for a file of MRPC with that text.
std::string complaint(const std::string& text, const std::string& task = "mrpc") {
  const Error error = error_of([&] { parse_examples(find_glue_task(task), text, "dev.tsv", "dev"); });
  CHECK(error.kind() == ErrorKind::kCorrupt);
  return error.what();
}

}  // namespace

TEST_CASE("examples: a byte-order mark, CRLF and unbalanced quotes are read as they are") {
  const ExampleSet set = parse_mrpc(
      "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n"
      "1\t5\t6\the said \"no\tshe said \"\"yes\"\r\n"
      "0\t7\t8\t\"a\" b\tc, d\r\n");
  REQUIRE(set.examples.size() == 2);
  CHECK(set.examples[0].text == "he said \"no");
  CHECK(set.examples[0].pair == "she said \"\"yes\"");
  CHECK(set.examples[0].label == 1);
  CHECK(set.examples[0].line == 2);
  CHECK(set.examples[1].text == "\"a\" b");
  CHECK(set.examples[1].label == 0);
  CHECK(set.notes.empty());
}

TEST_CASE("examples: columns are found by name, in whatever order, and empty lines at the end are none") {
  const ExampleSet set = parse_mrpc("#2 String\t#1 String\tQuality\nb\ta\t1\n\n\n");
  REQUIRE(set.examples.size() == 1);
  CHECK(set.examples[0].text == "a");
  CHECK(set.examples[0].pair == "b");
}

TEST_CASE("examples: CoLA has no header, and one in its test split") {
  const GlueTask& cola = find_glue_task("CoLA");
  const ExampleSet set = parse_examples(cola, "x\t0\t*\tthe cat sat on\nx\t1\t\tthe cat sat\n", "dev.tsv", "dev");
  REQUIRE(set.examples.size() == 2);
  CHECK(set.examples[0].text == "the cat sat on");
  CHECK(set.examples[0].label == 0);
  CHECK(set.examples[0].line == 1);
  const ExampleSet test = parse_examples(cola, "index\tsentence\n0\tthe cat\n", "test.tsv", "test");
  REQUIRE(test.examples.size() == 1);
  CHECK(test.examples[0].text == "the cat");
  CHECK_FALSE(test.has_labels);
}

TEST_CASE("examples: only the test split may be without labels") {
  const std::string text = "index\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t1\t2\ta\tb\n";
  CHECK_FALSE(parse_mrpc(text, "test").has_labels);
  CHECK(parse_mrpc(kHeader + std::string("1\t1\t2\ta\tb\n"), "test").has_labels);
  CHECK_THAT(complaint(text), Contains("dev.tsv:1: no column 'Quality' among index, #1 ID"));
}

TEST_CASE("examples: what is wrong with a row is said with file, line, found and expected") {
  CHECK_THAT(complaint(kHeader + std::string("1\t5\t6\ta\tb\n1\t5\t6\ta\n0\t5\t6\ta\tb\n")),
             Contains("dev.tsv:3: 4 columns, expected 5 (Quality, #1 ID, #2 ID, #1 String, #2 String)"));
  CHECK_THAT(complaint(kHeader + std::string("1\t5\t6\ta\tb\tc\n")), Contains("dev.tsv:2: 6 columns, expected 5"));
  CHECK_THAT(complaint(kHeader + std::string("2\t5\t6\ta\tb\n")),
             Contains("dev.tsv:2: the label is '2', expected one of 0, 1"));
  CHECK_THAT(complaint(kHeader + std::string("\t5\t6\ta\tb\n")),
             Contains("dev.tsv:2: the label (column Quality) is empty"));
  CHECK_THAT(complaint(kHeader + std::string("1\t5\t6\ta\tb\n0\t5\t6\ta\xff\tb\n")),
             Contains("dev.tsv:3: byte 8 of the line, 0xff, is not UTF-8"));
}

TEST_CASE("examples: a file that is cut off in the middle of a row is refused, at the end of one remarked on") {
  CHECK_THAT(complaint(kHeader + std::string("1\t5\t6\ta\tb\n1\t5\t6\ta")),
             Contains("dev.tsv:3: 4 columns, expected 5") && Contains("the file ends in the middle of this row"));
  const ExampleSet set = parse_mrpc(kHeader + std::string("1\t5\t6\ta\tb"));
  REQUIRE(set.notes.size() == 1);
  CHECK_THAT(set.notes[0], Contains("dev.tsv:2: the last row has no line end"));
}

TEST_CASE("examples: an empty file, one with a header alone, and wrong columns are refused") {
  CHECK_THAT(complaint(""), Contains("is empty"));
  CHECK_THAT(complaint("\n\n"), Contains("is empty"));
  CHECK_THAT(complaint(kHeader), Contains("has a header and no rows"));
  CHECK_THAT(complaint("sentence\tlabel\na\t1\n"),
             Contains("dev.tsv:1: no column '#1 String' among sentence, label; mrpc has '#1 String', '#2 String' and "
                      "'Quality'"));
  CHECK_THAT(complaint(kHeader + std::string("1\t5\t6\ta\tb\n"), "rte"), Contains("no column 'sentence1'"));
}

TEST_CASE("examples: scores of STS-B are numbers from 0 to 5") {
  const std::string header = "sentence1\tsentence2\tscore\n";
  const GlueTask& task = find_glue_task("stsb");
  const ExampleSet set = parse_examples(task, header + "a\tb\t2.500\na\tb\t5\n", "dev.tsv", "dev");
  CHECK(set.examples[0].score == 2.5);
  CHECK(set.examples[1].score == 5);
  for (const std::string word : {"5.1", "-1", "nan", "two", "2.5x"}) {
    CHECK_THAT(complaint(header + "a\tb\t" + word + "\n", "sts-b"),
               Contains("dev.tsv:2: the score is '" + word + "', expected a number from 0 to 5"));
  }
  CHECK_THAT(complaint(header + "a\tb\t\n", "sts-b"), Contains("is empty, expected a number"));
}

TEST_CASE("examples: QQP's broken rows are passed over and counted, a broken end is not") {
  const std::string header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n";
  const GlueTask& task = find_glue_task("qqp");
  const ExampleSet set =
      parse_examples(task, header + "1\t1\t2\ta\tb\t0\n2\t1\t2\ta\n3\t1\t2\ta\tb\t1\n", "dev.tsv", "dev");
  CHECK(set.examples.size() == 2);
  REQUIRE(set.notes.size() == 1);
  CHECK_THAT(set.notes[0], Contains("1 row breaks off"));
  CHECK_THAT(complaint(header + "1\t1\t2\ta\tb\t0\n2\t1\t2\ta", "qqp"), Contains("the file ends in the middle"));
  CHECK_THAT(complaint(header + "2\t1\t2\ta\n", "qqp"), Contains("has no whole row"));
}

TEST_CASE("examples: a folder, the folder above it and a file are found; MNLI has two files") {
  const std::string root = testdata("glue").string();
  const GlueTask& mrpc = find_glue_task("mrpc");
  CHECK(read_examples(mrpc, {root, "dev"}, {}).at(0).path == root + "/MRPC/dev.tsv");
  CHECK(read_examples(mrpc, {root + "/MRPC", "dev"}, 5).at(0).examples.size() == 5);
  CHECK(read_examples(mrpc, {root + "/MRPC/test.tsv", "test"}, {}).at(0).examples.size() == 21);
  const auto both = read_examples(find_glue_task("mnli"), {root, "dev"}, {});
  REQUIRE(both.size() == 2);
  CHECK(both[0].name == "mnli");
  CHECK(both[1].name == "mnli-mm");
  const auto one = read_examples(find_glue_task("mnli"), {root + "/MNLI/dev_mismatched.tsv", "dev"}, {});
  REQUIRE(one.size() == 1);
  CHECK(one[0].name == "mnli-mm");
}

TEST_CASE("examples: a folder without the split names what was looked for") {
  const std::string root = testdata("glue").string();
  const Error missing = error_of([&] { read_examples(find_glue_task("rte"), {root, "train"}, {}); });
  CHECK(missing.kind() == ErrorKind::kNotFound);
  CHECK_THAT(missing.what(), Contains("holds no train split of rte") && Contains(root + "/train.tsv") &&
                                 Contains(root + "/RTE/train.tsv"));
  CHECK_THAT(error_of([&] {
               read_examples(find_glue_task("rte"), {"no/where", "dev"}, {});
             }).what(),
             Contains("no/where: no such file or directory"));
}

TEST_CASE("examples: an unknown task is named with the known ones") {
  CHECK(find_glue_task("SST2").name == "sst-2");
  CHECK_THAT(error_of([] { find_glue_task("squad"); }).what(),
             Contains("--task squad: not known (known: cola, sst-2, mrpc, sts-b, qqp, mnli, qnli, rte, wnli)"));
}

}  // namespace bertjit
