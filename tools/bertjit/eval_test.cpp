// `bertjit eval` as a user types it. What it computes, lib/evaluate tests against transformers.
#include <nlohmann/json.hpp>

#include "cli_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::CliOutput;
using testing::run_bertjit;
using testing::TempDir;
using testing::testdata;

namespace {

std::string glue(const std::string& name) {
  return testdata("glue/" + name).string();
}

/// `bertjit eval testdata/glue/two --data testdata/glue --max-seq-length 48 …`
CliOutput eval_two(const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"eval", glue("two"), "--max-seq-length", "48"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_bertjit(arguments);
}

/// eval of a dev.tsv of MRPC with that text, which must be refused; what it says.
std::string refusal_of(const std::string& text) {
  const TempDir folder;
  testing::write_bytes(folder / "dev.tsv", text);
  const CliOutput output = eval_two({"--data", folder.path().string()});
  CHECK(output.exit_code == 2);
  CHECK(output.out.empty());
  return output.err;
}

}  // namespace

TEST_CASE("eval: a table on standard output, talk on standard error, files where they are asked for") {
  const TempDir folder;
  const std::string module = (folder / "traced.pt").string();
  REQUIRE(run_bertjit({"trace", glue("two"), "-o", module, "--quiet"}).exit_code == 0);
  const std::string logits = (folder / "logits.npz").string();
  const CliOutput output = eval_two({module, "--task", "mrpc", "--data", glue(""), "--threads", "1,2", "--padding",
                                     "longest", "--logits", logits, "--results", (folder / "out").string()});
  INFO(output);
  REQUIRE(output.exit_code == 0);
  CHECK_THAT(output.out, Contains("21 rows (10 of class 0, 11 of class 1)") && Contains("padding longest") &&
                             Contains("1 thread  2 threads") && Contains("always 1"));
  CHECK_THAT(output.out, Contains("0 of 21 answers changed"));
  CHECK_THAT(output.err, Contains("outputs are 0, 1 (GLUE's order)") && Contains("with the tokenizer of"));
  const TensorFile file = read_npz(logits);
  CHECK(file.find("logits.0")->shape == std::vector<int64_t>{21, 2});
  // scripts/testdata_glue.py: metrics of mrpc with glue/two.
  const std::string expected = "acc = 0.6190476190476191\nacc_and_f1 = 0.6277056277056277\nf1 = 0.6363636363636364\n";
  CHECK(testing::read_bytes(folder / "out/two/eval_results.txt") == expected);
  CHECK(testing::read_bytes(folder / "out/traced/eval_results.txt") == expected);
}

TEST_CASE("eval: JSON is one document, and --quiet leaves standard error empty") {
  const CliOutput output = eval_two({"--data", glue("MRPC"), "--format", "json", "--quiet", "--limit", "9"});
  REQUIRE(output.exit_code == 0);
  CHECK(output.err.empty());
  const auto json = nlohmann::json::parse(output.out);
  CHECK(json["schema"] == "bertjit.eval/1");
  CHECK(json["data"][0]["rows"] == 9);
  CHECK(json["data"][0]["models"][0]["score"]["classes"].size() == 2);
}

TEST_CASE("eval: MNLI runs on both files, with a results file of both") {
  const TempDir folder;
  const CliOutput output = run_bertjit({"eval", glue("three-roberta"), "--task", "mnli", "--data", glue(""),
                                        "--max-seq-length", "60", "--results", folder.path().string()});
  REQUIRE(output.exit_code == 0);
  CHECK_THAT(output.err, Contains("outputs are contradiction, neutral, entailment (RoBERTa's order)"));
  CHECK_THAT(output.out, Contains("mnli: ") && Contains("\nmnli-mm: "));
  CHECK(testing::read_bytes(folder / "eval_results.txt") ==
        "mnli-mm/acc = 0.38095238095238093\nmnli/acc = 0.23809523809523808\n");
}

TEST_CASE("eval: a bad file is refused with its place, and nothing is printed") {
  const std::string header = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n";
  CHECK_THAT(refusal_of(header + "1\t5\t6\ta\n"), Contains("bertjit eval: ") && Contains("dev.tsv:2: 4 columns"));
  CHECK_THAT(refusal_of(header + "2\t5\t6\ta\tb\n"), Contains("dev.tsv:2: the label is '2', expected one of 0, 1"));
  CHECK_THAT(refusal_of(header), Contains("dev.tsv: has a header and no rows"));
  CHECK_THAT(refusal_of(header + "1\t5\t6\ta\xc3\tb\n"), Contains("dev.tsv:2: byte 8 of the line, 0xc3"));
  CHECK_THAT(refusal_of("index\tsentence\n1\ta\n"), Contains("dev.tsv:1: no column '#1 String'"));
}

TEST_CASE("eval: usage that makes no sense is refused before any work") {
  const std::string data = glue("");
  const auto refused = [&](const std::vector<std::string>& more) {
    const CliOutput output = eval_two(more);
    INFO(output);
    CHECK(output.exit_code == 2);
    CHECK(output.out.empty());
    return output.err;
  };
  CHECK_THAT(refused({}), Contains("--data is required"));
  CHECK_THAT(refused({"--data", data, "--task", "squad"}), Contains("known: cola"));
  CHECK_THAT(refused({"--data", "no/where"}), Contains("no/where: no such file or directory"));
  CHECK_THAT(refused({"--data", data, "--split", "train"}), Contains("holds no train split of mrpc"));
  CHECK_THAT(refused({"--data", data, "--logits", "l.txt"}), Contains("ends in .npz or .json"));
  CHECK_THAT(refused({"--data", data, "--logits", "no/where/l.npz"}), Contains("no/where"));
  CHECK_THAT(refused({"--data", data, "--labels", "0,2"}), Contains("expected each class of mrpc once"));
  CHECK_THAT(refused({"--data", data, "--task", "mnli"}), Contains("mnli has 3 labels"));
  CHECK_THAT(refused({"--data", data, "--limit", "0"}), Contains("--limit"));
  CHECK_THAT(refused({"--data", data, "--batch-size", "0"}), Contains("--batch-size"));
  CHECK_THAT(refused({glue("two"), "--data", data, "--results", "out"}), Contains("two models would write out/two"));
  CHECK_THAT(refused({"--data", data, "--split", "test", "--results", "out"}), Contains("has no labels"));
}

TEST_CASE("eval: a name of a Python file answers like the trace that it loads") {
  const TempDir folder;
  const std::string module = (folder / "traced.pt").string();
  REQUIRE(run_bertjit({"trace", glue("two"), "-o", module, "--quiet"}).exit_code == 0);
  testing::write_bytes(folder / "model.py",
                       "import torch\n"
                       "class Wrapper(torch.nn.Module):\n"
                       "    def __init__(self):\n"
                       "        super().__init__()\n"
                       "        self.model = torch.jit.load('" +
                           module +
                           "')\n"
                           "    def forward(self, input_ids, attention_mask, token_type_ids):\n"
                           "        return self.model(input_ids, attention_mask, token_type_ids)[0]\n"
                           "wrapper = Wrapper()\n");
  const CliOutput output =
      eval_two({(folder / "model.py").string() + ":wrapper", "--data", glue(""), "--format", "json", "--limit", "16"});
  INFO(output);
  REQUIRE(output.exit_code == 0);
  const auto json = nlohmann::json::parse(output.out);
  CHECK(json["models"][1]["kind"] == "eager");
  CHECK(json["data"][0]["models"][1]["against_first"]["max_abs_logit_difference"] < 1e-5);
}

}  // namespace bertjit
