#include "cli_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::CliOutput;
using testing::parse_json;
using testing::run_bertjit;

TEST_CASE("env: versions, libtorch, processor and memory are there, as text and as JSON") {
  const CliOutput json = run_bertjit({"env", "--format", "json"});
  INFO(json);
  CHECK(json.exit_code == 0);
  const nlohmann::json document = parse_json(json.out);
  CHECK(document.at("schema") == "bertjit.env/1");
  const auto& libtorch = document.at("libtorch");
  CHECK(libtorch.at("loaded") == true);
  CHECK(libtorch.at("version") == libtorch.at("built_with"));
  CHECK(std::filesystem::exists(std::filesystem::path(libtorch.at("folder")) / "lib/libtorch_cpu.so"));
  // libtorch's own words name the same version.
  CHECK_THAT(libtorch.at("config"), Contains("TORCH_VERSION=" + std::string(libtorch.at("version"))));
  CHECK(libtorch.at("quantized_engines").size() > 0);
  CHECK(document.at("system").at("memory_bytes") > 0);

  const CliOutput text = run_bertjit({"env"});
  INFO(text);
  CHECK(text.exit_code == 0);
  const std::vector<std::string> parts{"bertjit ", "libtorch ", "int8 engines ",        "system ",
                                       "cpu ",     "memory ",   libtorch.at("version"), libtorch.at("folder")};
  for (const std::string& part : parts) {
    CHECK_THAT(text.out, Contains(part));
  }
}

TEST_CASE("env: without libtorch it answers all the same, and says why there is none") {
  const auto run = [](const std::string& arguments) {
    return testing::run_command("BERTJIT_ENGINE=/nonexistent OMP_NUM_THREADS=1 " + testing::program() + " env " +
                                arguments + " 2>/dev/null");
  };
  const auto text = run("");
  INFO(text.out);
  CHECK(text.exit_code == 0);
  CHECK_THAT(text.out, Contains("NOT LOADED: cannot load the part that needs libtorch: /nonexistent"));
  CHECK_THAT(text.out, Contains("OMP_NUM_THREADS"));
  const auto json = run("--format json");
  CHECK(json.exit_code == 0);
  const nlohmann::json document = parse_json(json.out);
  CHECK(document.at("libtorch").at("loaded") == false);
  CHECK_THAT(document.at("libtorch").at("error"), Contains("/nonexistent: cannot open shared object file"));
  CHECK(document.at("variables").at("OMP_NUM_THREADS") == "1");
  CHECK_FALSE(document.at("system").at("kernel") == "");
}

}  // namespace bertjit
