// `bertjit bench` as a user types it.
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
  CHECK(run_bertjit({"bench", (testdata("broken") / "no_weights").string()}).exit_code == 2);
}

}  // namespace bertjit
