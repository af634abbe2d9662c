// The recipes for engines that run a zoo over many machines, each with what it needs.
#include "zoo_testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using testing::CliOutput;
using testing::quick_list;
using testing::run_command;
using testing::testdata;
using testing::Zoo;

/// Seven jobs, one of which fails.
std::string list() {
  return quick_list(6) +
         "{\"name\": \"wrong\", \"module\": \"other.pt\", \"source\": \"tiny-bert\", \"only\": [\"source\"]}\n";
}

void copy_recipe(const Zoo& zoo, const std::string& name) {
  fs::copy_file(testdata("../docs/recipes/" + name).lexically_normal(), zoo.path(name));
}

/// Runs a command in the zoo's folder, with bertjit on the PATH; standard error included.
testing::CommandOutput run_in(const Zoo& zoo, const std::string& command) {
  const fs::path bin = fs::read_symlink("/proc/self/exe").parent_path();
  return run_command("cd '" + zoo.path("") + "' && unset BERTJIT; export PATH='" + bin.string() + "':\"$PATH\" HOME='" +
                     zoo.path("") + "'; { " + command + "; } 2>&1");
}

bool has_program(const std::string& name) {
  const bool found = run_command("command -v " + name + " > /dev/null").exit_code == 0;
  if (!found) {
    std::cerr << "SKIPPED: " << Catch::getResultCapture().getCurrentTestName() << ": there is no " << name << "\n";
  }
  return found;
}

}  // namespace

TEST_CASE("recipes: the tasks of a Slurm array do every job once, started anew they go on, and they add up") {
  const Zoo zoo;
  copy_recipe(zoo, "slurm_zoo.sh");
  zoo.write("zoo.jsonl", list());
  const auto task = [&](int id) {
    return run_in(zoo, "mkdir -p results; SLURM_ARRAY_TASK_COUNT=3 SLURM_CPUS_PER_TASK=2 SLURM_ARRAY_TASK_ID=" +
                           std::to_string(id) + " ./slurm_zoo.sh zoo.jsonl results --threads 1");
  };
  CHECK(task(1).exit_code == 1);  // jobs 1, 4 and 7, which is the wrong one
  CHECK(task(2).exit_code == 0);
  const auto missing = run_in(zoo, "bertjit report merge results/*.jsonl");
  CHECK(missing.exit_code == 2);
  CHECK_THAT(missing.out, Contains("are in no file: 3, 6"));
  CHECK(task(3).exit_code == 0);
  CHECK_THAT(task(3).out, Contains("2 unchanged since they were done"));
  const auto merged = run_in(zoo, "bertjit report merge results/*.jsonl --html zoo.html");
  INFO(merged.out);
  CHECK(merged.exit_code == 1);
  CHECK_THAT(merged.out, Contains("7 jobs: 6 pass, 1 fail"));
  CHECK(run_in(zoo, "./slurm_zoo.sh").exit_code == 2);
}

TEST_CASE("recipes: GNU parallel does all shards and adds them up") {
  if (!has_program("parallel")) {
    SUCCEED("skipped");
    return;
  }
  const Zoo zoo;
  copy_recipe(zoo, "gnu_parallel_zoo.sh");
  zoo.write("zoo.jsonl", list());
  const std::string run = "SHARDS=2 ./gnu_parallel_zoo.sh zoo.jsonl 'the results' --threads 1";
  const auto first = run_in(zoo, run);
  INFO(first.out);
  CHECK(first.exit_code == 1);
  CHECK_THAT(first.out, Contains("FAIL       wrong  source: ") && Contains("7 jobs: 6 pass, 1 fail"));
  CHECK_THAT(zoo.read("the results/zoo.html"), Contains("wrong"));
  CHECK_THAT(run_in(zoo, run).out, Contains("unchanged since they were done"));
  zoo.write("zoo.jsonl", quick_list(3));
  CHECK(run_in(zoo, run).exit_code == 0);
}

TEST_CASE("recipes: Snakemake does all shards; its verdict is the zoo's") {
  if (!has_program("snakemake")) {
    SUCCEED("skipped");
    return;
  }
  const Zoo zoo;
  copy_recipe(zoo, "Snakefile");
  zoo.write("zoo.jsonl", list());
  const std::string run = "snakemake --cores 2 --config list=zoo.jsonl shards=2";
  const auto first = run_in(zoo, run);
  INFO(first.out);
  CHECK(first.exit_code != 0);
  CHECK_THAT(first.out, Contains("FAIL       wrong") && Contains("7 jobs: 6 pass, 1 fail"));
  CHECK_THAT(zoo.read("zoo.xml"), Contains("failures=\"1\""));
  zoo.write("zoo.jsonl", quick_list(3));
  const auto second = run_in(zoo, run);
  INFO(second.out);
  CHECK(second.exit_code == 0);
  CHECK_THAT(second.out, Contains("unchanged since they were done") && Contains("3 jobs: 3 pass"));
}

}  // namespace bertjit
