// The functions, modules and layers of testdata/source/corpus, through the program: what Python answers for each is in
// corpus.json (scripts/testdata_source.py, torch 2.13.0).
#include <cmath>
#include <cstring>
#include <iostream>
#include <map>

#include "cli_testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using nlohmann::json;
using testing::CliOutput;
using testing::find_check;
using testing::parse_json;
using testing::read_bytes;
using testing::run_bertjit;
using testing::TempDir;
using testing::testdata;
using testing::write_bytes;

const fs::path kCorpus = testdata("source/corpus");

const json& corpus() {
  static const json document = json::parse(read_bytes(testdata("source/corpus.json")));
  return document;
}

std::string source_of(const json& entry) {
  return (kCorpus / entry.at("source").get<std::string>()).string();
}

bool is_random(const json& entry) {
  const auto& findings = entry.at("findings");
  return std::find(findings.begin(), findings.end(), "nondeterminism") != findings.end();
}

/// The inputs of `test` as a file for --inputs and --check-inputs.
std::string inputs_file(const TempDir& folder, const std::string& name, const json& test) {
  write_bytes(folder / name, test.at("inputs").dump());
  return (folder / name).string();
}

template <typename Stored>
std::vector<double> widened(std::span<const std::byte> bytes) {
  std::vector<double> values;
  for (size_t begin = 0; begin < bytes.size(); begin += sizeof(Stored)) {
    Stored value;
    std::memcpy(&value, bytes.data() + begin, sizeof value);
    values.push_back(static_cast<double>(value));
  }
  return values;
}

std::vector<double> values_of(const TensorView& tensor) {
  switch (tensor.dtype) {
    case DType::kFloat32:
      return widened<float>(tensor.bytes);
    case DType::kFloat64:
      return widened<double>(tensor.bytes);
    case DType::kInt64:
      return widened<int64_t>(tensor.bytes);
    case DType::kBool:
      return widened<uint8_t>(tensor.bytes);
    default:
      throw std::runtime_error(std::string("a corpus output is ") + dtype_name(tensor.dtype));
  }
}

double number(const json& value) {
  return value.is_boolean() ? static_cast<double>(value.get<bool>()) : value.get<double>();
}

/// Fails the test where a file written by `run -o` is not what Python answered, within 1e-5 + 1e-5 of it: the
/// operators are the same, but may run in other orders on other CPUs. Of random outputs only dtype and shape count.
void check_outputs(const fs::path& actual, const json& expected, bool random) {
  const TensorFile file = read_npz(actual);
  REQUIRE(file.tensors.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const TensorView& tensor = file.tensors[i];
    INFO("output " << i << " (" << tensor.name << ")");
    CHECK(dtype_name(tensor.dtype) == expected[i].at("dtype").get<std::string>());
    REQUIRE(tensor.shape == expected[i].at("shape").get<std::vector<int64_t>>());
    const auto values = values_of(tensor);
    for (size_t k = 0; k < values.size() && !random; ++k) {
      const double wanted = number(expected[i].at("values").at(k));
      INFO("element " << k);
      CHECK(std::abs(values[k] - wanted) <= 1e-5 + 1e-5 * std::abs(wanted));
    }
  }
}

/// `trace` of an entry's example, checked on all inputs of `kind`, to `output`.
CliOutput trace_entry(const TempDir& folder, const json& entry, const std::string& kind, const fs::path& output) {
  std::vector<std::string> arguments{
      "trace",    source_of(entry),
      "-o",       output.string(),
      "--seed",   "0",
      "--format", "json",
      "--inputs", inputs_file(folder, "example.json", {{"inputs", entry.at("example")}})};
  for (size_t i = 0; i < entry.at(kind).size(); ++i) {
    arguments.push_back("--check-inputs");
    arguments.push_back(inputs_file(folder, kind + std::to_string(i) + ".json", entry.at(kind)[i]));
  }
  return run_bertjit(arguments);
}

CliOutput run_entry(const TempDir& folder, const std::string& source, const json& test, const fs::path& output) {
  return run_bertjit({"run", source, "--seed", "0", "--quiet", "--inputs", inputs_file(folder, "run.json", test), "-o",
                      output.string()});
}

}  // namespace

TEST_CASE("corpus: what a source computes without tracing is what Python computes") {
  for (const auto& entry : corpus().at("entries")) {
    const TempDir folder;
    for (const auto& test : entry.at("keep")) {
      const CliOutput ran = run_entry(folder, source_of(entry), test, folder / "out.npz");
      INFO(entry.at("source") << " on " << test.at("inputs") << "\n" << ran);
      CHECK(ran.exit_code == 0);
      if (ran.exit_code == 0) {
        check_outputs(folder / "out.npz", test.at("outputs"), is_random(entry));
      }
    }
  }
}

TEST_CASE("corpus: a trace, saved and loaded, gives Python's answers on inputs that keep its path") {
  for (const auto& entry : corpus().at("entries")) {
    const TempDir folder;
    const CliOutput traced = trace_entry(folder, entry, "keep", folder / "traced.pt");
    INFO(entry.at("source") << "\n" << traced);
    CHECK(traced.exit_code == 0);
    if (traced.exit_code != 0) {
      continue;
    }
    const json document = parse_json(traced.out);
    CHECK(document.at("verdict") == "pass");
    CHECK(find_check(document, "check-inputs").at("verdict") == "pass");
    for (const auto& test : entry.at("keep")) {
      const CliOutput ran = run_entry(folder, (folder / "traced.pt").string(), test, folder / "out.npz");
      INFO("on " << test.at("inputs") << "\n" << ran);
      CHECK(ran.exit_code == 0);
      if (ran.exit_code == 0) {
        check_outputs(folder / "out.npz", test.at("outputs"), is_random(entry));
      }
    }
  }
}

TEST_CASE("corpus: an input that leaves the traced path fails check-inputs, alone and beside one that keeps it") {
  size_t reported = 0;
  for (const auto& entry : corpus().at("entries")) {
    for (const auto& test : entry.at("leave")) {
      const TempDir folder;
      json one = entry;
      one["leave"] = {entry.at("keep").at(0), test};
      const CliOutput traced = trace_entry(folder, one, "leave", folder / "traced.pt");
      INFO(entry.at("source") << " on " << test.at("inputs") << "\n" << traced);
      CHECK(traced.exit_code == 1);
      if (traced.exit_code != 1) {
        continue;
      }
      const json document = parse_json(traced.out);
      CHECK(document.at("verdict") == "fail");
      CHECK(find_check(document, "check-inputs").at("verdict") == "fail");
      CHECK(find_check(document, "example").at("verdict") == "pass");
      ++reported;
    }
  }
  CHECK(reported >= 25);
}

TEST_CASE("corpus: what a trace does not keep is named, and nothing else is") {
  for (const auto& entry : corpus().at("entries")) {
    const TempDir folder;
    const CliOutput traced = trace_entry(folder, entry, "keep", folder / "traced.pt");
    INFO(entry.at("source") << "\n" << traced);
    if (traced.exit_code == 2) {
      CHECK(traced.exit_code == 0);
      continue;
    }
    std::vector<std::string> named;
    const json document = parse_json(traced.out);
    for (const auto& check : document.at("checks")) {
      const std::string id = check.at("id");
      static const std::vector<std::string> kOthers = {"example", "retrace", "check-inputs", "tracer-warnings"};
      if (std::find(kOthers.begin(), kOthers.end(), id) == kOthers.end()) {
        named.push_back(id);
      }
    }
    auto expected = entry.at("findings").get<std::vector<std::string>>();
    std::sort(expected.begin(), expected.end());
    std::sort(named.begin(), named.end());
    CHECK(named == expected);
  }
}

TEST_CASE("corpus: a source outside the subset is refused with file, line and column") {
  // Lines and columns: of the faulty text in outside.py, counted by hand.
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"with_lambda", "outside.py:7:"},
      {"with_try", "outside.py:12:"},
      {"with_generator", "outside.py:19:"},
      {"with_global", "outside.py:23:"},
      {"with_numpy", "outside.py:"},
      {"with_unknown_name", "outside.py:33:15"},
      {"with_unknown_operator", "outside.py:37:"},
      {"WithoutForward", "outside.py:40:"},
      {"WithMisspelled", "outside.py:48:"},
      {"absent", "outside.py"},
  };
  for (const auto& [name, place] : refused) {
    const TempDir folder;
    const CliOutput traced = run_bertjit({"trace", (kCorpus / "outside.py").string() + ":" + name, "--input", "rand:3",
                                          "-o", (folder / "traced.pt").string()});
    INFO(name << "\n" << traced);
    CHECK(traced.exit_code == 2);
    CHECK(traced.out.empty());
    CHECK_THAT(traced.err, Contains(place));
    CHECK(!fs::exists(folder / "traced.pt"));
  }
}

TEST_CASE("corpus: a loop of 10,000 turns ends at --max-nodes with its line, not in a hang") {
  const TempDir folder;
  const std::string source = (kCorpus / "outside.py").string() + ":endless";
  const CliOutput traced = run_bertjit({"trace", source, "--input", "rand:3", "-o", (folder / "traced.pt").string()});
  INFO(traced);
  CHECK(traced.exit_code == 2);
  CHECK_THAT(traced.err, Contains("--max-nodes") && Contains("outside.py:5"));
}

}  // namespace bertjit
