#include "zoo/job_list.h"

#include "testing/error_of.h"

namespace bertjit {

namespace {

using Catch::Matchers::Contains;
using Words = std::vector<std::string>;

const JobForm kForm{.command = "verify",
                    .operand = "module",
                    .has_many_operands = false,
                    .flags = {{"source", {true, true}},
                              {"rtol", {true, false}},
                              {"only", {true, false}},
                              {"input", {true, false}},
                              {"werror", {false, false}}}};

JobList parse(const std::string& text) {
  return parse_job_list(text, "zoo.jsonl", kForm);
}

/// What is said of the list's only line.
std::string problem_of(const std::string& line) {
  const JobList list = parse(line);
  REQUIRE(list.jobs.size() == 1);
  return list.jobs[0].problem;
}

std::string error_of(const std::function<void()>& work) {
  const Error error = testing::error_of(work);
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  return error.what();
}

}  // namespace

TEST_CASE("job list: a line is a job, its keys are flags") {
  const JobList list = parse(
      "{\"name\": \"a\", \"module\": \"a.pt\", \"source\": \"./a\", \"rtol\": 0.001, \"only\": [\"source\", "
      "\"repeat\"]}\n"
      "\n"
      "{\"module\": \"-b.pt\", \"werror\": true, \"input\": {\"x\": [[1, 2]], \"y\": \"rand:2\"}}\r\n");
  REQUIRE(list.jobs.size() == 2);
  CHECK(list.jobs[0].name == "a");
  CHECK(job_arguments(list.jobs[0], {}, kForm) ==
        Words{"verify", "--only=source", "--only=repeat", "--rtol=0.001", "--source=./a", "--", "a.pt"});
  CHECK(list.jobs[1].index == 2);
  CHECK(list.jobs[1].line == 3);
  CHECK(list.jobs[1].name == "-b.pt");
  CHECK(job_arguments(list.jobs[1], {}, kForm) ==
        Words{"verify", "--input=x=[[1,2]]", "--input=y=rand:2", "--werror", "--", "-b.pt"});
}

TEST_CASE("job list: flags of the command line hold where the job says nothing") {
  const JobList list = parse("{\"module\": \"a\", \"only\": \"source\", \"werror\": false}\n{\"module\": \"b\"}");
  const JobFlags defaults{{"only", {"repeat", "shapes"}}, {"rtol", {"1e-3"}}, {"werror", {}}};
  CHECK(job_arguments(list.jobs[0], defaults, kForm) == Words{"verify", "--only=source", "--rtol=1e-3", "--", "a"});
  CHECK(job_arguments(list.jobs[1], defaults, kForm) ==
        Words{"verify", "--only=repeat", "--only=shapes", "--rtol=1e-3", "--werror", "--", "b"});
}

TEST_CASE("job list: a malformed line is told with its reason, and the others are jobs") {
  const JobList list = parse("{\"module\": \"a\"}\n{\"module\": \n{\"module\": \"c\"}\n");
  REQUIRE(list.jobs.size() == 3);
  CHECK(list.jobs[0].problem.empty());
  CHECK_THAT(list.jobs[1].problem, Contains("is not JSON"));
  CHECK(list.jobs[1].name == "line 2");
  CHECK(list.jobs[2].index == 3);

  CHECK_THAT(problem_of("{\"module\": \"a\", \"sorce\": \"b\"}"),
             Contains("'sorce' is no flag that a job of verify takes (known: name, module, input, only, rtol, source, "
                      "werror)"));
  CHECK(problem_of("{\"source\": \"b\"}") == "has no 'module'");
  CHECK(problem_of("[1]") == "is array, not an object");
  CHECK(problem_of("{\"module\": [\"a\", \"b\"]}") == "'module' is [\"a\",\"b\"], not a text or a number");
  CHECK(problem_of("{\"module\": \"\"}") == "'module' is empty; leave it out");
  CHECK(problem_of("{\"module\": \"a\", \"only\": []}") == "'only' is empty; leave it out");
  CHECK(problem_of("{\"module\": \"a\", \"werror\": \"yes\"}") == "'werror' is \"yes\", not true or false");
  CHECK(problem_of("{\"module\": \"a\", \"rtol\": null}") == "'rtol' is null, not a text or a number");
  CHECK_THAT(problem_of("{\"module\": " + std::string(1000000, '[') + std::string(1000000, ']') + "}"),
             Contains("is not JSON"));
  CHECK(parse("{\"module\": \"[[\\\"[[" + std::string(200, '[') + "\"}").jobs[0].problem.empty());
  CHECK_THAT(problem_of("{\"module\": \"\xff\"}"), Contains("is not JSON"));
}

TEST_CASE("job list: no jobs, or two of one name, are an error with the way out") {
  CHECK_THAT(error_of([] { parse("\n \n"); }), Contains("zoo.jsonl: has no jobs; a line is one, such as"));
  CHECK_THAT(error_of([] { parse("{\"module\": \"a\"}\n{\"module\": \"a\"}"); }),
             Contains("zoo.jsonl:2: a job of the name 'a' is on line 1 too") && Contains("give each job a \"name\""));
}

TEST_CASE("shard: each job is in exactly one, in turn") {
  for (size_t index = 1; index <= 10; ++index) {
    size_t found = 0;
    for (size_t number = 1; number <= 3; ++number) {
      found += is_in_shard(index, {number, 3}) ? 1 : 0;
    }
    CHECK(found == 1);
  }
  const Shard second = parse_shard("2/3");
  CHECK(is_in_shard(2, second));
  CHECK(is_in_shard(5, second));
  CHECK_FALSE(is_in_shard(1, second));
  CHECK(shard_text(second) == "2/3");
}

TEST_CASE("shard: what is no part of a list is refused with the way out") {
  for (const char* text : {"3/2", "0/2", "2", "/2", "1/", "1/0", "a/2", "-1/2", "1/2/3", "", " 1/2", "1.0/2"}) {
    INFO(text);
    CHECK_THAT(error_of([&] { parse_shard(text); }), Contains("from 1/N to N/N"));
  }
}

}  // namespace bertjit
