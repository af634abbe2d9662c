// What commands print as JSON is what docs/formats/schemas says, judged by Python's jsonschema.
#include "cli_testing.h"

namespace bertjit {

namespace fs = std::filesystem;
using testing::CliOutput;
using testing::parse_json;
using testing::run_bertjit;
using testing::run_command;
using testing::testdata;

namespace {

fs::path schemas() {
  return testdata("../docs/formats/schemas").lexically_normal();
}

/// Each argument is SCHEMA=DOCUMENT. A document must be valid, have no field of its own (evidence apart) that the
/// schema does not name, and be invalid without any of the fields that it must have.
constexpr const char* kJudge = R"(
import copy, json, sys
from jsonschema import Draft202012Validator

def strict(schema):
    if isinstance(schema, dict):
        schema = {key: strict(value) for key, value in schema.items()}
        if 'properties' in schema and 'type' in schema:
            schema.setdefault('additionalProperties', False)
    elif isinstance(schema, list):
        schema = [strict(value) for value in schema]
    return schema

def first_error(schema, document):
    error = next(Draft202012Validator(schema).iter_errors(document), None)
    return error and f'{error.json_path}: {error.message[:300]}'

for argument in sys.argv[1:]:
    schema_path, path = argument.split('=')
    schema = json.load(open(schema_path))
    Draft202012Validator.check_schema(schema)
    document = json.load(open(path))
    name = schema_path.split('/')[-1]
    for kind, judge in ('', schema), ('strictly, ', strict(schema)):
        if error := first_error(judge, document):
            print(f'{name}: {path}: {kind}{error}')
    for field in schema['required']:
        less = {key: value for key, value in document.items() if key != field}
        if first_error(schema, less) is None:
            print(f'{name}: nothing is said of a document without {field}')
    if first_error(schema, dict(document, schema='bertjit.other/1')) is None and 'schema' in document:
        print(f'{name}: another schema is taken')
)";

bool has_validator() {
  const bool found = run_command("'" + testing::python() + "' -c 'import jsonschema' 2>&1").exit_code == 0;
  if (!found) {
    std::cerr << "SKIPPED: " << Catch::getResultCapture().getCurrentTestName() << ": no jsonschema for "
              << testing::python() << "\n";
  }
  return found;
}

/// Documents to be judged, in files.
class Documents {
 public:
  /// What `arguments` print, as a document of the command they begin with.
  void add(const std::vector<std::string>& arguments) {
    const CliOutput output = run_bertjit(arguments);
    INFO(output);
    CHECK(output.exit_code < 4);
    REQUIRE_FALSE(output.out.empty());
    CHECK(parse_json(output.out).at("schema") == "bertjit." + arguments.front() + "/1");
    add(arguments.front(), output.out);
  }
  void add(const std::string& schema, const std::string& text) {
    const fs::path path = folder_ / (std::to_string(count_++) + ".json");
    testing::write_bytes(path, text);
    list_ += " '" + (schemas() / (schema + "-1.schema.json")).string() + "=" + path.string() + "'";
  }
  std::string judge() const {
    testing::write_bytes(folder_ / "judge.py", kJudge);
    return run_command("'" + testing::python() + "' '" + (folder_ / "judge.py").string() + "'" + list_ + " 2>&1").out;
  }
  std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }

 private:
  testing::TempDir folder_;
  int count_ = 0;
  std::string list_;
};

}  // namespace

TEST_CASE("schemas: what every command prints as JSON is valid, and the schemas name all of it") {
  if (!has_validator()) {
    return;
  }
  const std::string bert = testdata("tiny-bert").string();
  const std::string classifier = testdata("tiny-bert-seqcls").string();
  const std::string broken = testdata("broken/unsafe_pickle/pytorch_model.bin").string();
  Documents documents;
  const std::string traced = documents.path("traced.pt");
  const std::string other = documents.path("other.pt");
  const std::string int8 = documents.path("int8.pt");
  const std::vector<std::string> json{"--format", "json", "--quiet"};
  const auto add = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), json.begin(), json.end());
    documents.add(arguments);
  };
  add({"trace", bert, "-o", traced, "--checksum", "--check-shapes", "1x7"});
  add({"trace", classifier, "-o", other, "--no-check"});
  add({"trace", testdata("source/mixing/rnn_loop.py").string() + ":MyDecisionGate", "--input", "ones:2x2:float32", "-o",
       documents.path("gate.pt")});
  add({"run", bert, "--text", "Who was Jim Henson ?"});
  add({"run", traced, "--input", "input_ids=[[2, 5, 3]]", "--grad", "off"});
  add({"verify", traced, "--source", bert, "--only", "safety,source,claims,shapes"});
  add({"verify", traced, "--source", classifier, "--only", "source"});
  add({"verify", broken});
  add({"quantize", classifier, "-o", int8, "--keep-fp32", "classifier"});
  add({"eval", testdata("glue/two").string(), "--data", testdata("glue").string(), "--max-seq-length", "60"});
  add({"bench", bert, "--seq", "4,8", "--runs", "2"});
  add({"inspect", traced});
  add({"inspect", int8, "--code", "--graph", "--dot", "--tree", "--params", "--size", "--records"});
  add({"diff", traced, bert});
  add({"diff", traced, int8});
  add({"scan", traced, broken, bert + "/model.safetensors", bert + "/vocab.txt"});
  add({"env"});
  const std::string list = documents.path("SHA512SUMS");
  documents.add({"checksum", "--format", "json", traced, "/nonexistent"});
  CHECK(run_bertjit({"checksum", "--recursive", "-o", list, bert}).exit_code == 0);
  documents.add({"checksum", "--format", "json", "--check", "--recursive", list, bert});
  documents.add({"checksum", "--format", "json", "--weights", bert, traced});
  documents.add("tokenize-line", run_bertjit({"tokenize", "--tokenizer", bert, "a text"}).out);
  const std::string jobs = documents.path("jobs.jsonl");
  const std::string lines = documents.path("lines.jsonl");
  testing::write_bytes(jobs,
                       "{\"module\": \"" + traced + "\", \"only\": \"weights\"}\n{\"module\": \"/nonexistent\"}\n");
  documents.add("zoo", run_command(testing::program() + " verify --list '" + jobs + "' --output '" + lines +
                                   "' --shard 1/1 --quiet --format json 2> /dev/null")
                           .out);
  std::istringstream results(testing::read_bytes(lines));
  for (std::string line; std::getline(results, line);) {
    documents.add("verify-list", line);
  }
  for (const auto& profile : fs::directory_iterator(testdata("../lib/target/profiles"))) {
    documents.add("target", testing::read_bytes(profile.path()));
  }
  documents.add("claims", testing::run_python("import sys, zipfile\n"
                                              "print(zipfile.ZipFile(sys.argv[1]).read('traced/extra/bertjit.json')"
                                              ".decode())",
                                              {traced}));
  CHECK(documents.judge() == "");
}

TEST_CASE("schemas: a document that breaks its schema is found") {
  if (!has_validator()) {
    return;
  }
  Documents documents;
  documents.add("scan", R"({"schema": "bertjit.scan/1", "verdict": "maybe", "files": []})");
  documents.add("scan", R"({"schema": "bertjit.scan/1", "verdict": "pass", "files": [], "more": 1})");
  const std::string complaints = documents.judge();
  CHECK_THAT(complaints, Catch::Matchers::Contains("scan-1.schema.json") && Catch::Matchers::Contains("'maybe'"));
  CHECK_THAT(complaints, Catch::Matchers::Contains("strictly, ") && Catch::Matchers::Contains("'more'"));
}

}  // namespace bertjit
