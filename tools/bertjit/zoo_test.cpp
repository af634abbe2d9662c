// `verify --list`, `eval --list` and `report merge`, as a user types them.
#include "zoo_testing.h"

#include <chrono>
#include <map>
#include <random>

namespace bertjit {

namespace {

using Catch::Matchers::Contains;
using testing::CliOutput;
using testing::parse_json;
using testing::quick_list;
using testing::run_bertjit;
using testing::run_command;
using testing::testdata;
using testing::without_runs;
using testing::Zoo;

/// A job of every kind.
constexpr const char* kMixed =
    "{\"name\": \"right\", \"module\": \"good.pt\", \"source\": \"tiny-bert\", \"only\": [\"source\", \"repeat\"]}\n"
    "{\"name\": \"wrong\", \"module\": \"other.pt\", \"source\": \"tiny-bert\", \"only\": [\"source\"]}\n"
    "{\"name\": \"cut\", \"module\": \"cut.pt\"}\n"
    "{\"name\": \"bad\", \"module\": \"unsafe.pt\"}\n";

/// How often each job's name stands in the lines of a file.
std::map<std::string, int> names_in(const std::string& lines) {
  std::map<std::string, int> names;
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) {
    ++names[parse_json(line).at("name").get<std::string>()];
  }
  return names;
}

}  // namespace

TEST_CASE("verify --list: every job gets its verdict, whatever the others do, and the exit code is the worst") {
  const Zoo zoo;
  zoo.write("zoo.jsonl", kMixed);
  const CliOutput all = zoo.run("verify --list zoo.jsonl --jobs 2 --html zoo.html --junit zoo.xml");
  INFO(all);
  CHECK(all.exit_code == 3);
  CHECK_THAT(all.out, Contains("pass       right  2 pass") && Contains("FAIL       wrong  source: ") &&
                          Contains("no answer  cut    cut.pt: ") && Contains("UNSAFE     bad    "));
  CHECK_THAT(all.err, Contains("bertjit verify: 4 jobs: 1 pass, 1 fail, 1 no answer, 1 unsafe"));
  CHECK_THAT(zoo.read("zoo.html"), Contains("Every job, the worst first"));
  CHECK_THAT(zoo.read("zoo.xml"), Contains("tests=\"4\" failures=\"2\" errors=\"1\""));

  zoo.write("two.jsonl", std::string(kMixed).substr(0, std::string(kMixed).find("{\"name\": \"cut\"")));
  CHECK(zoo.run("verify --list two.jsonl").exit_code == 1);
  zoo.write("one.jsonl", "{\"module\": \"good.pt\", \"only\": \"repeat\"}");
  CHECK(zoo.run("verify --list one.jsonl --quiet").err.empty());
}

TEST_CASE("verify --list: a job's report is what verify prints of it alone") {
  const Zoo zoo;
  zoo.write("zoo.jsonl", kMixed);
  const auto document = parse_json(zoo.run("verify --list zoo.jsonl --format json --threads 1").out);
  CHECK(document.at("schema") == "bertjit.zoo/1");
  CHECK(document.at("exit_code") == 3);
  const auto& jobs = document.at("jobs");
  const auto alone = [&](const std::string& arguments) {
    return parse_json(zoo.run("verify --format json --quiet --threads 1 " + arguments).out);
  };
  CHECK(jobs.at(0).at("report") == alone("good.pt --source tiny-bert --only source,repeat"));
  CHECK(jobs.at(1).at("report") == alone("other.pt --source tiny-bert --only source"));
  CHECK(jobs.at(3).at("report") == alone("unsafe.pt"));
  // What sha512sum says of the file that was judged.
  const std::string digest = run_command("sha512sum '" + zoo.path("good.pt") + "'").out.substr(0, 128);
  CHECK(jobs.at(0).at("files").at("good.pt") == digest);
  CHECK(jobs.at(0).at("files").contains("tiny-bert/config.json"));
  CHECK(jobs.at(2).at("report").is_null());
  CHECK_THAT(jobs.at(2).at("error").get<std::string>(), Contains("cut.pt"));
}

TEST_CASE("verify --list: shards add up to the same bytes as one machine") {
  const Zoo zoo;
  zoo.write("zoo.jsonl", kMixed + quick_list(3));
  CHECK(zoo.run("verify --list zoo.jsonl --jobs 2 --threads 1 --output one.jsonl").exit_code == 3);
  for (const char* shard : {"1", "2", "3"}) {
    zoo.run("verify --list zoo.jsonl --threads 1 --shard " + std::string(shard) + "/3 --output part" + shard +
            ".jsonl");
  }
  const CliOutput parts = zoo.run("report merge part3.jsonl part1.jsonl part2.jsonl --format json");
  const CliOutput one = zoo.run("report merge one.jsonl --format json");
  INFO(parts.err);
  CHECK(parts.exit_code == 3);
  CHECK(without_runs(parts.out) == without_runs(one.out));
  CHECK(parse_json(parts.out).at("jobs").size() == 7);
  // What the run itself printed has the same form.
  const CliOutput direct = zoo.run("verify --list zoo.jsonl --jobs 2 --threads 1 --format json");
  CHECK(without_runs(direct.out) == without_runs(one.out));

  const CliOutput text = zoo.run("report merge part3.jsonl part1.jsonl part2.jsonl --html z.html --junit z.xml");
  CHECK_THAT(text.out, Contains("7 jobs: 4 pass, 1 fail, 1 no answer, 1 unsafe\n"));
  CHECK(text.out.find("UNSAFE") > text.out.find("FAIL"));
  CHECK_THAT(zoo.read("z.html"), Contains("unsafe"));
  CHECK_THAT(zoo.read("z.xml"), Contains("<error message=\"cut.pt"));

  const CliOutput missing = zoo.run("report merge part1.jsonl part3.jsonl");
  CHECK(missing.exit_code == 2);
  CHECK(missing.out.empty());
  CHECK_THAT(missing.err, Contains("2 of the list's 7 jobs are in no file: 2, 5; there are lines of shards 1/3, 3/3"));
  const CliOutput twice = zoo.run("report merge one.jsonl part1.jsonl");
  CHECK(twice.exit_code == 3);
  CHECK_THAT(twice.err, Contains("part1.jsonl: 3 jobs that another file has too, with the same result"));
}

TEST_CASE("verify --list: bad lists, shards and outputs are exit 2, with the way out") {
  const Zoo zoo;
  zoo.write("zoo.jsonl", "{\"module\": \"good.pt\", \"only\": \"repeat\"}\n");
  zoo.write("empty.jsonl", "\n");
  zoo.write("double.jsonl", "{\"module\": \"good.pt\"}\n{\"module\": \"good.pt\"}\n");
  const auto refused = [&](const std::string& arguments, const std::string& words) {
    const CliOutput output = zoo.run(arguments);
    INFO(output);
    CHECK(output.exit_code == 2);
    CHECK(output.out.empty());
    CHECK_THAT(output.err, Contains(words));
  };
  refused("verify --list empty.jsonl", "empty.jsonl: has no jobs; a line is one");
  refused("verify --list double.jsonl", "double.jsonl:2: a job of the name 'good.pt' is on line 1 too");
  refused("verify --list absent.jsonl", "absent.jsonl");
  refused("verify --list zoo.jsonl --shard 3/2", "--shard 3/2: is no part of a list; I/N is part I of N");
  refused("verify --list zoo.jsonl --shard 0/2", "from 1/N to N/N");
  refused("verify --list zoo.jsonl good.pt", "excludes");
  refused("verify --jobs 2 good.pt", "--jobs requires --list");
  refused("verify --list zoo.jsonl --resume", "--resume requires --output");
  refused("verify", "MODULE or --list is required");
  refused("eval --data x", "MODEL or --list is required");
  refused("eval good.pt", "--data is required");
  refused("eval --list zoo.jsonl --logits all.npz", "--logits: every job would write it; give each line");
  refused("verify --list zoo.jsonl --output absent/out.jsonl", "absent");
  refused("verify --list zoo.jsonl --output zoo.jsonl", "is a file that is read");
  refused("report merge absent.jsonl", "absent.jsonl");
  refused("report merge zoo.jsonl", "zoo.jsonl:1: is no line that verify --list or eval --list writes");
  refused("report", "subcommand");
  zoo.write("full.jsonl", "x\n");
  refused("verify --list zoo.jsonl --output full.jsonl", "has results already; --resume goes on with them");
}

TEST_CASE("verify --list: a malformed line is told with its number and reason, the rest is done, and it is exit 2") {
  const Zoo zoo;
  zoo.write("zoo.jsonl",
            "{\"module\": \"good.pt\", \"only\": \"repeat\"}\n{\"module\"\n{\"name\": \"x\", \"modul\": \"good.pt\"}\n"
            "{\"name\": \"y\", \"module\": \"good.pt\", \"rtol\": -1}\n");
  const CliOutput output = zoo.run("verify --list zoo.jsonl --output out.jsonl");
  INFO(output);
  CHECK(output.exit_code == 2);
  CHECK_THAT(output.out,
             Contains("pass       good.pt") && Contains("zoo.jsonl:2: is not JSON") &&
                 Contains("zoo.jsonl:3: 'modul' is no flag that a job of verify takes (known: name, module, "
                          "allow,") &&
                 Contains("no answer  y        --rtol"));
  CHECK(zoo.run("report merge out.jsonl").exit_code == 2);
}

TEST_CASE("verify --list: more shards than jobs is no error, and adds up") {
  const Zoo zoo;
  zoo.write("zoo.jsonl", quick_list(1));
  const CliOutput none = zoo.run("verify --list zoo.jsonl --shard 2/2 --output 2.jsonl");
  CHECK(none.exit_code == 0);
  CHECK_THAT(none.err, Contains("shard 2/2 has none of the list's 1 jobs"));
  CHECK(zoo.run("verify --list zoo.jsonl --shard 1/2 --output 1.jsonl").exit_code == 0);
  CHECK(zoo.run("report merge 1.jsonl 2.jsonl").exit_code == 0);
}

TEST_CASE("verify --list: paths start at the list's folder, those of the command line where it is typed") {
  const Zoo zoo;
  std::filesystem::create_directory(zoo.path("lists"));
  zoo.write("lists/zoo.jsonl", "{\"module\": \"../good.pt\", \"only\": \"source\"}\n");
  const CliOutput output = zoo.run("verify --list lists/zoo.jsonl --source tiny-bert --format json");
  INFO(output);
  CHECK(output.exit_code == 0);
  CHECK(parse_json(output.out).at("jobs").at(0).at("report").at("source") == "../tiny-bert");
  CHECK(zoo.run("verify --list lists/zoo.jsonl --source tiny-bert --target cpu --only target").exit_code == 0);
  const CliOutput piped = zoo.run("verify --list - --source ./tiny-bert --only source < lists/zoo.jsonl");
  CHECK(piped.exit_code == 2);
  CHECK_THAT(piped.out, Contains("../good.pt"));
}

TEST_CASE("verify --list: a model that crashes, hangs or takes all memory is a verdict, and the others are done") {
  const Zoo zoo;
  zoo.write("divide.py",
            "import torch\n@torch.jit.script\ndef fn(x: torch.Tensor):\n"
            "    return (-9223372036854775807 - x.size(0)) // -x.size(0)\n");
  zoo.write("forever.py",
            "import torch\n@torch.jit.script\ndef fn(x: torch.Tensor):\n    while bool(x.sum() < 1):\n"
            "        x = x * 2\n    return x\n");
  REQUIRE(zoo.run("trace divide.py:fn --script --no-check -o divide.pt").exit_code == 0);
  REQUIRE(zoo.run("trace forever.py:fn --script --no-check -o forever.pt").exit_code == 0);
  zoo.write(
      "zoo.jsonl",
      "{\"name\": \"crash\", \"module\": \"divide.pt\", \"input\": \"ones:1\", \"only\": \"repeat\"}\n"
      "{\"name\": \"hang\", \"module\": \"forever.pt\", \"input\": \"zeros:3\", \"only\": \"repeat\", \"timeout\": 1}\n"
      "{\"name\": \"large\", \"module\": \"good.pt\", \"max-memory\": \"10MB\"}\n"
      "{\"name\": \"right\", \"module\": \"good.pt\", \"only\": \"repeat\"}\n");
  const CliOutput output = zoo.run("verify --list zoo.jsonl --output out.jsonl");
  INFO(output);
  CHECK(output.exit_code >= 1);
  CHECK_THAT(output.out, Contains("FAIL       crash  repeat: crashed in run: SIGFPE (x [1])") &&
                             Contains("FAIL       hang   repeat: gave no answer within 1 s") && Contains("large  ") &&
                             Contains("took more than 10.0 MB") && Contains("pass       right  1 pass"));
  CHECK(names_in(zoo.read("out.jsonl")).size() == 4);
}

TEST_CASE("verify --list --resume: what has not changed is not done again, what has is, by content and not by time") {
  const Zoo zoo;
  zoo.write("zoo.jsonl", quick_list(2) +
                             "{\"name\": \"two\", \"module\": \"other.pt\", \"only\": \"weights\"}\n"
                             "{\"name\": \"cut\", \"module\": \"cut.pt\"}\n");
  const std::string verify = "verify --list zoo.jsonl --output out.jsonl --resume ";
  CHECK(zoo.run(verify).exit_code == 2);
  const std::string first = zoo.read("out.jsonl");

  // What has no answer is tried again; the rest is as it was.
  std::filesystem::last_write_time(zoo.path("good.pt"), std::filesystem::file_time_type::clock::now());
  const CliOutput again = zoo.run(verify);
  INFO(again);
  CHECK(again.exit_code == 2);
  CHECK(again.out.find("cut.pt") != std::string::npos);
  CHECK(again.out.find("j1") == std::string::npos);
  CHECK_THAT(again.err, Contains("3 unchanged since they were done (--resume)") && Contains("4 jobs: 3 pass, 1 no"));

  // Another file of the same name.
  std::filesystem::copy_file(zoo.path("good.pt"), zoo.path("other.pt"),
                             std::filesystem::copy_options::overwrite_existing);
  CHECK_THAT(zoo.run(verify).out, Contains("pass       two") && !Contains("j1"));
  // Other flags are other questions.
  const CliOutput flags = zoo.run(verify + "--rtol 1e-3");
  CHECK_THAT(flags.out, Contains("j1") && Contains("j2") && Contains("two"));
  // Threads are not.
  CHECK_THAT(zoo.run(verify + "--rtol 1e-3 --threads 1 --jobs 2").err, Contains("3 unchanged"));

  // A longer list goes on with the old results, and adds up.
  zoo.write("zoo.jsonl", "{\"name\": \"new\", \"module\": \"good.pt\", \"only\": \"repeat\"}\n" + quick_list(2));
  const CliOutput longer = zoo.run(verify + "--rtol 1e-3");
  INFO(longer);
  CHECK(longer.exit_code == 0);
  CHECK_THAT(longer.out, Contains("pass       new") && !Contains("j1"));
  const CliOutput merged = zoo.run("report merge out.jsonl");
  CHECK(merged.exit_code == 0);
  CHECK_THAT(merged.out, Contains("3 jobs: 3 pass"));
}

TEST_CASE("verify --list --resume: killed at any moment, no job that was finished is done again, and none is lost") {
  const Zoo zoo;
  constexpr size_t kJobs = 100;
  zoo.write("zoo.jsonl", quick_list(kJobs));
  const std::string command = "verify --list zoo.jsonl --jobs 2 --threads 1 --output out.jsonl --resume";
  std::mt19937 random(20260131);
  size_t runs = 0;
  std::string before;
  for (int exit_code = -1; exit_code != 0; ++runs) {
    REQUIRE(runs < 200);
    // Long enough to load libtorch; then anywhere among the jobs.
    const int ms = 600 + static_cast<int>(random() % 700);
    const std::string limit = runs < 4 ? "timeout -s KILL " + std::to_string(ms / 1000.0) + " " : "";
    exit_code =
        run_command("cd '" + zoo.path("") + "' && " + limit + testing::program() + " " + command + " > /dev/null 2>&1")
            .exit_code;
    // What was whole stays as it was, byte for byte.
    const std::string now = zoo.read("out.jsonl");
    const size_t whole = before.rfind('\n') + 1;
    CHECK(now.compare(0, whole, before, 0, whole) == 0);
    before = now;
  }
  CHECK(runs > 2);
  const auto names = names_in(before);
  CHECK(names.size() == kJobs);
  for (const auto& [name, count] : names) {
    INFO(name);
    CHECK(count == 1);
  }
}

TEST_CASE("verify --list: interrupted, it leaves whole lines and no process behind") {
  const Zoo zoo;
  zoo.write("forever.py",
            "import torch\n@torch.jit.script\ndef fn(x: torch.Tensor):\n    while bool(x.sum() < 1):\n"
            "        x = x * 2\n    return x\n");
  REQUIRE(zoo.run("trace forever.py:fn --script --no-check -o forever.pt").exit_code == 0);
  zoo.write("zoo.jsonl",
            "{\"module\": \"good.pt\", \"only\": \"repeat\"}\n"
            "{\"module\": \"forever.pt\", \"input\": \"zeros:3\", \"only\": \"repeat\"}\n");
  // A child that stayed would keep the pipe to `cat` open.
  const auto begin = std::chrono::steady_clock::now();
  const CliOutput output = zoo.run(
      "verify --list zoo.jsonl --output out.jsonl > /dev/null & sleep 3; kill -TERM $!; "
      "wait $!; echo code $?");
  CHECK_THAT(output.out, Contains("code 143"));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
  CHECK(names_in(zoo.read("out.jsonl")).size() == 1);
}

TEST_CASE("eval --list: every model's figures, added up from shards") {
  const Zoo zoo;
  const std::string model = testdata("glue/two").string();
  zoo.write("zoo.jsonl", "{\"name\": \"checkpoint\", \"models\": \"" + model +
                             "\"}\n{\"name\": \"twice\", \"models\": [\"" + model + "\", \"" + model +
                             "\"], \"padding\": \"longest\"}\n{\"name\": \"none\", \"models\": "
                             "\"good.pt\"}\n");
  const std::string data = " --max-seq-length 60 --data '" + testdata("glue").string() + "'";
  for (const char* shard : {"1/2", "2/2"}) {
    const CliOutput output =
        zoo.run("eval --list zoo.jsonl --shard " + std::string(shard) + " --output " + shard[0] + ".jsonl" + data);
    INFO(output);
    CHECK(output.exit_code == (shard[0] == '1' ? 2 : 0));
  }
  const CliOutput merged = zoo.run("report merge 1.jsonl 2.jsonl");
  INFO(merged);
  CHECK(merged.exit_code == 2);
  CHECK_THAT(merged.out, Contains("pass       checkpoint  acc 0.") && Contains(" f1 0.") &&
                             Contains("no answer  none") && Contains("3 jobs: 2 evaluated, 1 no answer"));
  CHECK(zoo.run("eval --list zoo.jsonl --jobs 2" + data).exit_code == 2);
}

TEST_CASE("verify --list: a part of another program does not start processes") {
  const Zoo zoo;
  zoo.write("zoo.jsonl", quick_list(1));
  const CliOutput output = run_bertjit({"verify", "--list", zoo.path("zoo.jsonl")});
  CHECK(output.exit_code == 2);
  CHECK_THAT(output.err, Contains("--list starts processes"));
}

}  // namespace bertjit
