// `bertjit bench` as a user types it.
#include <filesystem>

#include <nlohmann/json.hpp>

#include "cli_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::run_bertjit;
using testing::testdata;

TEST_CASE("bench: every model at every shape and number of threads, with the runs that were asked for") {
  const testing::TempDir folder;
  const std::string traced = (folder / "tiny.pt").string();
  REQUIRE(run_bertjit({"trace", testdata("tiny-bert").string(), "-o", traced}).exit_code == 0);
  const testing::CliOutput result =
      run_bertjit({"bench", testdata("tiny-bert").string(), traced, "--batch", "1,2", "--seq", "5,9", "--threads",
                   "1,2", "--runs", "4", "--format", "json"});
  REQUIRE(result.exit_code == 0);
  const auto json = nlohmann::json::parse(result.out);
  CHECK(json["schema"] == "bertjit.bench/1");
  REQUIRE(json["rows"].size() == 16);
  for (const auto& row : json["rows"]) {
    CHECK(row["first_s"].size() == 3);
    CHECK(row["runs_s"].size() == 4);
    CHECK(row["median_s"].get<double>() > 0);
  }
  CHECK(json["rows"][0]["kind"] == "eager");
  CHECK(json["rows"][1]["kind"] == "torchscript");
  CHECK(json["rows"][2]["seq"] == 9);
}

TEST_CASE("bench: a shape beyond the positions, no model, no number are refused") {
  const std::string model = testdata("tiny-bert").string();
  const testing::CliOutput too_long = run_bertjit({"bench", model, "--seq", "65"});
  CHECK(too_long.exit_code == 2);
  CHECK_THAT(too_long.err, Contains("max_position_embeddings 64"));
  CHECK(run_bertjit({"bench"}).exit_code == 2);
  CHECK(run_bertjit({"bench", model, "--batch", "0"}).exit_code == 2);
  for (const char* flag : {"--runs", "--duration", "--warmup", "--threads", "--seq"}) {
    INFO(flag);
    CHECK(run_bertjit({"bench", model, flag, "-1"}).exit_code == 2);
  }
  CHECK(run_bertjit({"bench", model, "--runs", "0"}).exit_code == 2);
  CHECK(run_bertjit({"bench", (testdata("broken") / "no_weights").string()}).exit_code == 2);
}

TEST_CASE("bench: a name of a Python file runs on what its torch.jit.trace names, else on what is given") {
  const testing::TempDir folder;
  const auto rows_of = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "bench");
    arguments.insert(arguments.end(), {"--runs", "2", "--format", "json"});
    const testing::CliOutput result = run_bertjit(arguments);
    INFO(result);
    REQUIRE(result.exit_code == 0);
    return nlohmann::json::parse(result.out).at("rows");
  };
  const std::string loop = testdata("source/reference/loop.py").string();
  const auto written = rows_of({loop + ":traced", "--threads", "1,2"});
  REQUIRE(written.size() == 2);
  CHECK(written[0]["kind"] == "torchscript");
  CHECK(written[0]["shape"] == std::vector<int>{3, 4, 5});
  CHECK(written[0]["batch"].is_null());
  CHECK_THAT(written[0]["inputs"].get<std::string>(), Contains("torch.jit.trace at") && Contains("loop.py:12"));

  const std::string scripted = (folder / "scripted.pt").string();
  REQUIRE(run_bertjit({"trace", loop + ":loop_in_traced_fn", "--script", "-o", scripted}).exit_code == 0);
  const auto given = rows_of({loop + ":loop_in_traced_fn", loop + ":traced", scripted, "--input", "x=rand:7x2"});
  REQUIRE(given.size() == 3);
  CHECK(given[0]["kind"] == "eager");
  CHECK(given[1]["kind"] == "torchscript");
  CHECK(given[2]["kind"] == "torchscript");
  for (const auto& row : given) {
    CHECK(row["shape"] == std::vector<int>{7, 2});
    CHECK(row["first_s"].size() == 3);
    CHECK(row["runs_s"].size() == 2);
  }

  // Shapes that are asked for come before what is written.
  const auto shaped =
      rows_of({testdata("source/mixing/trace_cell.py:traced_cell").string(), "--batch", "1,6", "--seq", "4"});
  REQUIRE(shaped.size() == 2);
  CHECK(shaped[1]["shape"] == std::vector<int>{6, 4});
  CHECK(shaped[1]["inputs"] == "shape 6x4");
}

TEST_CASE("bench: a text is tokenized, and given inputs leave no room for shapes") {
  const std::string model = testdata("tiny-bert").string();
  const testing::CliOutput text = run_bertjit({"bench", model, "--text", "who was jim", "--runs", "1"});
  INFO(text);
  CHECK(text.exit_code == 0);
  CHECK_THAT(text.out, Contains("1x5"));
  const testing::CliOutput both = run_bertjit({"bench", model, "--text", "who was jim", "--seq", "8"});
  CHECK(both.exit_code == 2);
  CHECK_THAT(both.err, Contains("--batch, --seq, --texts and --data make inputs up"));
  const std::string loop = testdata("source/reference/loop.py").string();
  const testing::CliOutput nothing = run_bertjit({"bench", loop + ":loop_in_traced_fn"});
  CHECK(nothing.exit_code == 2);
  CHECK_THAT(nothing.err, Contains("loop_in_traced_fn"));
  CHECK(run_bertjit({"bench", loop + ":nowhere", "--input", "rand:3x4"}).exit_code == 2);
  CHECK(run_bertjit({"bench", loop + ":traced", "--batch", "2"}).exit_code == 2);  // its example is [3, 4, 5]
}

TEST_CASE("bench: the document and the plot are written beside the text, as a whole") {
  const testing::TempDir folder;
  const std::string model = testdata("tiny-bert").string();
  const std::string json = (folder / "bench.json").string();
  const std::string svg = (folder / "latency.svg").string();
  const testing::CliOutput result =
      run_bertjit({"bench", model, "--seq", "8,16", "--runs", "2", "--json", json, "--svg", svg, "--verbose"});
  INFO(result);
  REQUIRE(result.exit_code == 0);
  CHECK(result.err.empty());
  CHECK_THAT(result.out, Contains("Milliseconds a batch") && Contains("at::get_num_threads()"));
  CHECK(nlohmann::json::parse(testing::read_bytes(json))["rows"].size() == 2);
  CHECK_THAT(testing::read_bytes(svg), Contains("bertjit bench") && Contains("sequence length (tokens)"));
  CHECK(testing::list_folder(folder.path()) == std::vector<std::string>{"bench.json", "latency.svg"});
}

TEST_CASE("bench: a file that cannot be written is found before the model is opened") {
  const testing::TempDir folder;
  const std::string absent = (folder / "absent.pt").string();
  for (const char* flag : {"--json", "--svg"}) {
    INFO(flag);
    const std::string nowhere = (folder / "no/such/file").string();
    const testing::CliOutput result = run_bertjit({"bench", absent, flag, nowhere});
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Contains("no/such/file") && !Contains("absent.pt"));
    CHECK_THAT(run_bertjit({"bench", absent, flag, "-"}).err, Contains("standard output"));
    CHECK_THAT(run_bertjit({"bench", absent, flag, absent}).err, Contains("is a file that is read"));
  }
  const std::string one = (folder / "one").string();
  CHECK_THAT(run_bertjit({"bench", absent, "--json", one, "--svg", one}).err, Contains("--json and --svg both name"));
  CHECK(testing::list_folder(folder.path()).empty());
}

TEST_CASE("bench: padding of texts, of a file and of a task") {
  const testing::TempDir folder;
  const std::string model = testdata("glue/two").string();
  testing::write_bytes(folder / "texts.txt", "a\tb\na a a a a a\n");
  const auto texts_of = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"bench", model, "--runs", "1", "--seq", "8,32", "--format", "json"});
    const testing::CliOutput result = run_bertjit(arguments);
    INFO(result);
    REQUIRE(result.exit_code == 0);
    return nlohmann::json::parse(result.out).at("texts");
  };
  const auto file = texts_of({"--texts", (folder / "texts.txt").string(), "--batch", "1,2"});
  REQUIRE(file.size() == 1);
  CHECK(file[0]["lengths"] == std::vector<int>{5, 8});  // [CLS] a [SEP] b [SEP]
  CHECK(file[0]["plans"].size() == 6);
  CHECK(texts_of({"--data", testdata("glue").string()})[0]["lengths"].size() == 21);
  CHECK(texts_of({"--data", testdata("glue").string(), "--task", "mnli"}).size() == 2);
  const testing::CliOutput orphan = run_bertjit({"bench", model, "--task", "mnli"});
  CHECK(orphan.exit_code == 2);
  CHECK_THAT(orphan.err, Contains("--data"));
}

TEST_CASE("bench: more threads than cores are measured, and said") {
  const std::string model = testdata("tiny-bert").string();
  const std::vector<std::string> arguments = {"bench", model, "--seq", "8", "--runs", "1", "--threads", "64"};
  const testing::CliOutput result = run_bertjit(arguments);
  CHECK(result.exit_code == 0);
  CHECK_THAT(result.err, Contains("bertjit bench: --threads 64: this process may use"));
}

TEST_CASE("bench: interrupted, it leaves no file and says nothing") {
  const testing::TempDir folder;
  const std::string command = "timeout -s INT 2 " + testing::program() + " bench '" + testdata("tiny-bert").string() +
                              "' --duration 600 --svg '" + (folder / "latency.svg").string() + "' 2>&1";
  const testing::CommandOutput output = testing::run_command(command);
  CHECK(output.exit_code != 0);
  CHECK(output.out.empty());
  CHECK(testing::list_folder(folder.path()).empty());
}

}  // namespace bertjit
