// Traces beside those of Python's torch.jit.trace of the same source: the same operators with the same arguments in the
// same order, once both are written canonically (scripts/compare_traces.py says how), or a reason why not.
#include <map>
#include <set>

#include "cli_testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::CliOutput;
using testing::read_bytes;
using testing::run_bertjit;
using testing::TempDir;
using testing::testdata;
using testing::write_bytes;

constexpr const char* kHeadWidth = "`//` of a size is floor_divide where PyTorch's attention has div, rounded to zero";

/// Sources whose traces differ, and why ours is the better one, or no worse.
const std::map<std::string, std::string> kReasons = {
    {"functions.py:attention", "math.sqrt of a size follows later sizes; Python writes the example's number down"},
    {"functions.py:gathered", "a torch.tensor literal is the constant, without the copy and the detach behind it"},
    {"functions.py:with_new_tensor",
     "a torch.tensor literal is the constant, without the copy and the detach behind it"},
    {"layers.py:encoder", kHeadWidth},
    {"layers.py:encoder_layer", kHeadWidth},
    {"layers.py:multihead_attention", kHeadWidth},
    {"library.py:cross_attention", kHeadWidth},
    {"library.py:decoder", kHeadWidth},
    {"library.py:masked_encoder", kHeadWidth},
    {"library.py:masked_layer", kHeadWidth},
    {"library.py:resized",
     "upsample_bilinear2d(x, sizes, False, None), read from a file, is the overload of a scale a side"},
    {"library.py:transformer", kHeadWidth},
    {"library.py:wide_attention", kHeadWidth},
    {"meaning.py:counted_elements",
     "the elements of sizes follow later sizes; Python writes the example's number down"},
    {"meaning.py:numbered_rows", "zip() goes over its arguments as they come, not after both are made"},
    {"meaning.py:smallest_extent", "min() of sizes follows later sizes; Python writes the example's choice down"},
    {"meaning.py:total_from_zero", "0 + x instead of x + 0: the variable is the tensor 0 before it is a sum"},
    {"meaning.py:true_first", "a truth value is a tensor; Python's trace multiplies by a bool, and cannot be run"},
    {"modules.py:Attention", "math.sqrt of a size follows later sizes; Python writes the example's number down"},
    {"modules.py:tiny_transformer", "math.sqrt of a size follows later sizes; Python writes the example's number down"},
    {"sizes.py:counted", "len(x) follows later sizes; Python writes the example's number down"},
    {"sizes.py:scaled_by_width",
     "a size is made a floating number before its root is taken, as Python's float is double"},
    {"sizes.py:square_of_longest", "max() of sizes follows later sizes; Python writes the example's choice down"},
};

/// What the two pages of the TorchScript walkthroughs trace, with inputs of the pages' shapes.
const std::vector<std::pair<std::string, json>> kPages = {
    {"mixing/trace_cell.py:MyCell", {{"x", {{0.1, 0.2, 0.3, 0.4}}}, {"h", {{0.4, 0.3, 0.2, 0.1}}}}},
    {"mixing/rnn_loop.py:WrapRNN", {{"xs", json::array({json(std::vector(3, std::vector(4, 0.5)))})}}},
    {"reference/script_calls_traced.py:foo", {{"x", {0.1, 0.2, 0.3}}, {"y", {1.5, 2.5, 3.5}}}},
    {"reference/trace_calls_scripted.py:bar", {{"x", {0.1, 0.2}}, {"y", {1.5, 2.5}}, {"z", {2.5, 2.5}}}},
    {"reference/loop.py:loop_in_traced_fn", {{"x", std::vector(3, std::vector(4, 0.5))}}},
    {"reference/fill_row.py:fill_row_zero", {{"x", std::vector(3, std::vector(4, 0.5))}}},
    {"reference/fill_row_cat.py:fill_row_zero", {{"x", std::vector(3, std::vector(4, 0.5))}}},
    {"reference/attribute_kinds.py:Kinds", {{"x", {0.1, 0.2, 0.3}}}},
    {"reference/devices.py:Shifted", {{"x", {{0.1, 0.2, 0.3}}}}},
};

/// One line of jobs for scripts/compare_traces.py.
json traced_job(const TempDir& folder, const fs::path& source, const json& inputs, size_t number) {
  const std::string name = std::to_string(number);
  write_bytes(folder / (name + ".json"), inputs.dump());
  const fs::path trace = folder / (name + ".pt");
  const CliOutput traced = run_bertjit({"trace", source.string(), "-o", trace.string(), "--seed", "0", "--quiet",
                                        "--no-check", "--inputs", (folder / (name + ".json")).string()});
  INFO(source << "\n" << traced);
  CHECK(traced.exit_code == 0);
  return traced.exit_code == 0 ? json{{"source", source.string()}, {"trace", trace.string()}, {"inputs", inputs}}
                               : json();
}

std::string text_of(const json& lines) {
  std::string text;
  for (const auto& line : lines) {
    text += "  " + line.get<std::string>() + "\n";
  }
  return text;
}

/// Compares all jobs in one Python process, as importing torch takes seconds.
void compare_jobs(const TempDir& folder, const json& jobs, const fs::path& root) {
  write_bytes(folder / "jobs.json", jobs.dump());
  const std::string script = testdata("../scripts/compare_traces.py").lexically_normal().string();
  const auto output = testing::run_command("'" + testing::python() + "' '" + script + "' '" +
                                           (folder / "jobs.json").string() + "' 2>/dev/null");
  REQUIRE(output.exit_code == 0);
  const json compared = json::parse(output.out);
  REQUIRE(compared.size() == jobs.size());
  for (const auto& [path, result] : compared.items()) {
    const std::string source = fs::relative(path, root).string();
    INFO(source << "\npython:\n"
                << (result.contains("error") ? result["error"].dump() : text_of(result["python"])) << "bertjit:\n"
                << text_of(result["bertjit"]));
    const bool same = !result.contains("error") && result["python"] == result["bertjit"];
    CHECK(same == (kReasons.count(source) == 0));
  }
}

}  // namespace

TEST_CASE("peer: traces of the corpus have torch.jit.trace's operators in its order, or a reason") {
  SKIP_WITHOUT_PYTHON();
  const TempDir folder;
  const json corpus = json::parse(read_bytes(testdata("source/corpus.json")));
  json jobs = json::array();
  for (const auto& entry : corpus.at("entries")) {
    const fs::path source = testdata("source/corpus") / entry.at("source").get<std::string>();
    const json job = traced_job(folder, source, entry.at("example"), jobs.size());
    if (!job.is_null()) {
      jobs.push_back(job);
    }
  }
  CHECK(jobs.size() == corpus.at("entries").size());
  compare_jobs(folder, jobs, testdata("source/corpus"));
}

TEST_CASE("peer: traces of the pages' examples have torch.jit.trace's operators in its order, or a reason") {
  SKIP_WITHOUT_PYTHON();
  const TempDir folder;
  json jobs = json::array();
  for (const auto& [source, inputs] : kPages) {
    const json job = traced_job(folder, testdata("source") / source, inputs, jobs.size());
    if (!job.is_null()) {
      jobs.push_back(job);
    }
  }
  CHECK(jobs.size() == kPages.size());
  compare_jobs(folder, jobs, testdata("source"));
}

TEST_CASE("peer: the comparison finds an operator that one trace has and the other has not") {
  SKIP_WITHOUT_PYTHON();
  const TempDir folder;
  const fs::path source = testdata("source/corpus/loops.py:scaled_three_times");
  const json example = {{"x", {1.5, 2.5}}};
  json job = traced_job(folder, testdata("source/corpus/loops.py:counted_down"), example, 0);
  REQUIRE(!job.is_null());
  job["source"] = source.string();
  write_bytes(folder / "jobs.json", json::array({job}).dump());
  const std::string script = testdata("../scripts/compare_traces.py").lexically_normal().string();
  const auto output = testing::run_command("'" + testing::python() + "' '" + script + "' '" +
                                           (folder / "jobs.json").string() + "' 2>/dev/null");
  REQUIRE(output.exit_code == 0);
  const json compared = json::parse(output.out).at(source.string());
  CHECK(compared.at("python") != compared.at("bertjit"));
}

}  // namespace bertjit
