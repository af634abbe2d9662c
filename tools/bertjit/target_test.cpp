// --target as its users meet it: what is made for a target fits it, and what does not is named.
#include "cli_testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using testing::check_refused;
using testing::CliOutput;
using testing::find_check;
using testing::run_bertjit;
using testing::TempDir;
using testing::testdata;
using testing::trace_model;

const std::string kTiny = testdata("tiny-bert").string();

/// A tiny-bert traced once for all cases; none changes it.
fs::path clean_trace() {
  static const TempDir folder;
  static const fs::path path = [] {
    trace_model("tiny-bert", folder / "clean.pt");
    return folder / "clean.pt";
  }();
  return path;
}

/// Check `target` of a finished file, with the exit code that goes with it.
nlohmann::json fit(const fs::path& file, const std::string& target) {
  const CliOutput output = run_bertjit(
      {"verify", file.string(), "--target", target, "--only", "target", "--format", "json", "--threads", "1"});
  INFO(output);
  const auto check = find_check(testing::parse_json(output.out), "target");
  CHECK(output.exit_code == (check.at("verdict") == "pass" ? 0 : 1));
  return check;
}

}  // namespace

TEST_CASE("target: what is traced for a target fits it, and passes every other check") {
  const TempDir folder;
  for (const std::string target : {"cpu", "cuda", "mobile", "neuron-inf1"}) {
    trace_model("tiny-bert-seqcls", folder / "out.pt", {"--target", target, "--threads", "1"});
    CHECK(fit(folder / "out.pt", target).at("verdict") == "pass");
  }
  // The last is of one shape, padded to the longest.
  const CliOutput output = run_bertjit({"verify", (folder / "out.pt").string(), "--target", "neuron-inf1", "--source",
                                        testdata("tiny-bert-seqcls").string(), "--threads", "1"});
  INFO(output);
  CHECK(output.exit_code == 0);
  CHECK_THAT(output.out, Contains("pass  target ") && Contains("pass  source ") && Contains("(14 pass, 4 skip)"));
}

TEST_CASE(
    "target: a device that a network makes tensors on is taken from its inputs in a trace for GPUs, and baked in "
    "otherwise") {
  // DeBERTa counts its relative positions.
  const TempDir folder;
  trace_model("family/deberta-v2", folder / "cuda.pt", {"--target", "cuda", "--check-shapes", "2x9", "--threads", "1"});
  trace_model("family/deberta-v2", folder / "cpu.pt", {"--threads", "1"});
  CHECK(fit(folder / "cuda.pt", "cuda").at("verdict") == "pass");
  const auto baked = fit(folder / "cpu.pt", "cuda");
  CHECK(baked.at("verdict") == "fail");
  CHECK_THAT(baked.at("summary").get<std::string>(),
             Contains("aten::arange in ") && Contains("has device cpu baked in"));
  CHECK(!baked.at("where").get<std::string>().empty());
  // A finished file is mended by tracing it anew.
  const CliOutput again = run_bertjit({"trace", (folder / "cpu.pt").string(), "--target", "cuda", "-o",
                                       (folder / "again.pt").string(), "--threads", "1"});
  INFO(again);
  CHECK(again.exit_code == 0);
  CHECK(fit(folder / "again.pt", "cuda").at("verdict") == "pass");
}

TEST_CASE("target: the families that AWS names fit Inferentia when traced for it") {
  for (const std::string model : {"tiny-bert-mlm", "family/bert-tokencls", "family/distilbert-qa", "family/roberta"}) {
    const TempDir folder;
    trace_model(model, folder / "out.pt", {"--target", "neuron-inf1", "--threads", "1"});
    CHECK(fs::exists(folder / "out.pt"));
  }
}

TEST_CASE("target: for Inferentia the trace has one shape, as long as the model has positions or --pad-to says") {
  const TempDir folder;
  const auto lengths = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "trace", kTiny, "-o", (folder / "out.pt").string(), "--target", "neuron-inf1", "--format", "json", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const CliOutput output = run_bertjit(arguments);
    INFO(output);
    CHECK(output.exit_code == 0);
    const auto json = testing::parse_json(output.out);
    CHECK(json.at("dynamic_shapes") == false);
    CHECK(json.at("attn_implementation") == "eager");
    return json.at("inputs")[0].at("shape");
  };
  CHECK(lengths({}) == nlohmann::json({1, 64}));
  CHECK(lengths({"--text", "a puppet"}) == nlohmann::json({1, 64}));
  CHECK(lengths({"--pad-to", "32"}) == nlohmann::json({1, 32}));
  // A file of that length is asked with it; the longest text is too long for it.
  const std::string file = (folder / "out.pt").string();
  CHECK(run_bertjit({"verify", file, "--target", "neuron-inf1", "--only", "target", "--pad-to", "32"}).exit_code == 0);
  CHECK_THAT(fit(file, "neuron-inf1").at("summary").get<std::string>(), Contains("does not take the example"));
}

TEST_CASE("target: fused attention and shapes that are not fixed fail Inferentia, with every module and its code") {
  const auto check = fit(clean_trace(), "neuron-inf1");
  CHECK(check.at("verdict") == "fail");
  std::vector<std::string> modules;
  for (const auto& row : check.at("evidence").at("findings")) {
    if (row.at("what") == "aten::scaled_dot_product_attention") {
      modules.push_back(row.at("module"));
      CHECK_THAT(row.at("code_record").get<std::string>(), Contains("code/__torch__/") && Contains(".py:"));
      CHECK_THAT(row.at("why").get<std::string>(), Contains("--attention eager"));
    }
  }
  CHECK(modules == std::vector<std::string>{"encoder.layer.0.attention.self", "encoder.layer.1.attention.self"});
  CHECK_THAT(check.at("evidence").dump(),
             Contains("is said to take every batch size or length") && Contains("asks for a size of its input"));
  CHECK(check.at("where") == "encoder.layer.0.attention.self");
}

TEST_CASE("target: an operator that PyTorch Mobile does not have is named") {
  const TempDir folder;
  testing::write_bytes(folder / "new.py", "import torch\n\n\ndef norm(x):\n    return torch.rms_norm(x, [4])\n");
  const std::string source = (folder / "new.py").string() + ":norm";
  const std::string file = (folder / "norm.pt").string();
  CHECK(run_bertjit({"trace", source, "--input", "x=rand:2x4", "-o", file}).exit_code == 0);
  const CliOutput output =
      run_bertjit({"verify", file, "--input", "x=rand:2x4", "--target", "mobile", "--only", "target"});
  INFO(output);
  CHECK(output.exit_code == 1);
  CHECK_THAT(output.out,
             Contains("aten::rms_norm in the model is not among the operators of mobile") && Contains("new.py:5:"));
}

TEST_CASE("target: code that the lite interpreter has no instruction for does not fit a phone") {
  const TempDir folder;
  testing::write_bytes(folder / "task.py", R"(import torch


def double(x):
    return x + x


def f(x):
    return torch.jit.wait(torch.jit.fork(double, x))
)");
  const CliOutput output =
      run_bertjit({"trace", (folder / "task.py").string() + ":f", "--script", "--input", "x=rand:2x3", "--target",
                   "mobile", "-o", (folder / "task.pt").string(), "--format", "json"});
  INFO(output);
  CHECK(output.exit_code == 1);
  CHECK_THAT(find_check(testing::parse_json(output.out), "target").at("summary").get<std::string>(),
             Contains("forward in the model does not run in the lite interpreter: FORK is not supported in mobile"));
  CHECK(!fs::exists(folder / "task.pt"));
}

TEST_CASE("target: int8 for CPUs fits a phone and no GPU") {
  const TempDir folder;
  const std::string file = (folder / "int8.pt").string();
  const CliOutput made = run_bertjit({"quantize", clean_trace().string(), "-o", file, "--quiet"});
  INFO(made);
  REQUIRE(made.exit_code == 0);
  CHECK(fit(file, "mobile").at("verdict") == "pass");
  CHECK_THAT(fit(file, "cuda").at("summary").get<std::string>(),
             Contains("quantized::linear_dynamic in ") && Contains("does not run on GPUs"));
}

TEST_CASE("target: a trace that does not fit is not written, and says which operator") {
  const TempDir folder;
  const CliOutput output = run_bertjit({"trace", testdata("family/deberta-v2").string(), "--target", "neuron-inf1",
                                        "-o", (folder / "out.pt").string(), "--quiet"});
  INFO(output);
  CHECK(output.exit_code == 1);
  CHECK_THAT(output.out, Contains("fail  target") && Contains("aten::gather"));
  CHECK(!fs::exists(folder / "out.pt"));
  trace_model("family/deberta-v2", folder / "out.pt", {"--target", "neuron-inf1", "--no-check"});
}

TEST_CASE("target: an unknown one, and flags that contradict one, are refused before anything is loaded") {
  const std::vector<std::string> trace = {"trace", kTiny, "-o", "/nonexistent/out.pt", "--target"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), trace.begin(), trace.end());
    return more;
  };
  const std::string unknown =
      "--target inf1: no target has that name (known: cpu, cuda, mobile, neuron-inf1; or a FILE.json)";
  check_refused(with({"inf1"}), unknown);
  check_refused({"verify", "/nonexistent.pt", "--target", "inf1"}, unknown);
  check_refused({"verify", "/nonexistent.pt", "--target", "/nonexistent.json"}, "/nonexistent.json: No such file");
  check_refused(with({"neuron-inf1", "--attention", "sdpa"}),
                "--attention sdpa: --target neuron-inf1 needs --attention eager: aten::scaled_dot_product_attention ");
  check_refused(with({"neuron-inf1", "--dtype", "float64"}),
                "--dtype float64: --target neuron-inf1 computes in float32, float16, bfloat16");
  check_refused(with({"mobile", "--fuse"}), "--fuse: --target mobile does not have mkldnn::_linear_pointwise");
  check_refused({"trace", "/nonexistent.py:f", "--script", "-o", "o.pt", "--target", "neuron-inf1"},
                "--script: --target neuron-inf1 needs fixed shapes");
}

}  // namespace bertjit
