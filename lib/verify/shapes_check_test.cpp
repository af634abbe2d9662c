// The check `shapes`: batch sizes and lengths that fail or answer wrongly are found, the smallest is named, and no file
// is accused of what it does not claim. Expected: what the modules made here do by their own code.
#include <algorithm>

#include "verify/int8_testing.h"
#include "verify/verify_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::check_scripted;
using testing::embedding_forward;
using testing::evidence;
using testing::field;
using testing::one_check;
using testing::options_for;
using testing::save;
using testing::TempDir;
using testing::testdata;
using testing::traced;

namespace {

Claims dynamic_claims() {
  Claims claims;
  claims.dynamic_batch = true;
  claims.dynamic_length = true;
  return claims;
}

/// A trace of tiny-bert-nopool with `lines` behind it, where y is its output; its claims stay.
std::string wrapped(const std::filesystem::path& path, const std::string& lines) {
  const LoadedModule loaded = load_module(traced("tiny-bert-nopool", path));
  torch::jit::Module wrapper("Wrapper");
  wrapper.register_module("inner", loaded.module);
  wrapper.define(
      "def forward(self, input_ids, attention_mask, token_type_ids):\n"
      "    y = self.inner.forward(input_ids, attention_mask, token_type_ids)[0]\n" +
      lines);
  return save(wrapper, path, loaded.claims);
}

}  // namespace

TEST_CASE("shapes: a dynamic trace works on the whole grid, up to the longest length, with the source's numbers") {
  const TempDir dir;
  VerifyOptions options = options_for(traced("tiny-bert", dir / "m.pt"), "shapes");
  options.source.path = testdata("tiny-bert").string();
  const CheckResult result = one_check(options);
  CHECK(result.verdict == Verdict::kPass);
  CHECK(evidence<int64_t>(result, "works") == evidence<int64_t>(result, "cells"));
  const auto grid = evidence<EvidenceRows>(result, "grid");
  CHECK(std::any_of(grid.begin(), grid.end(), [](const auto& cell) { return field<int64_t>(cell, "length") == 64; }));
}

TEST_CASE("shapes: where positions begin after padding, the longest length is shorter than their table") {
  const TempDir dir;
  for (const char* name : {"family/roberta", "family/mpnet"}) {
    const CheckResult result = one_check(options_for(traced(name, dir / "m.pt"), "shapes"));
    INFO(name << ": " << result.summary);
    CHECK(result.verdict == Verdict::kPass);
    // 34 rows, of which padding has 1, and the first token 2.
    int64_t longest = 0;
    for (const auto& cell : evidence<EvidenceRows>(result, "grid")) {
      longest = std::max(longest, field<int64_t>(cell, "length"));
    }
    CHECK(longest == 32);
  }
}

TEST_CASE("shapes: one length only is a finding without a claim, and a fault where every length is claimed") {
  const std::string code = embedding_forward("    return x + torch.ones([14, 1])\n");
  const CheckResult plain = check_scripted("shapes", code);
  CHECK(plain.verdict == Verdict::kPass);
  CHECK(evidence<int64_t>(plain, "works") < evidence<int64_t>(plain, "cells"));
  CHECK_THAT(plain.summary, Contains("the smallest that fails is 1x2"));
  const CheckResult claimed = check_scripted("shapes", code, dynamic_claims());
  CHECK(claimed.verdict == Verdict::kFail);
  CHECK(claimed.where == "1x2");

  const TempDir dir;
  const CheckResult fixed = one_check(options_for(traced("tiny-bert", dir / "m.pt", /*fixed_shapes=*/true), "shapes"));
  CHECK(fixed.verdict == Verdict::kPass);
  CHECK(evidence<int64_t>(fixed, "works") == 1);  // the example's own
}

TEST_CASE("shapes: wrong numbers at another length fail, at the smallest shape, whatever is claimed") {
  // The source's answer, plus what is zero on the example alone: a constant that was baked in.
  const TempDir dir;
  const std::string path = traced("tiny-bert-nopool", dir / "m.pt");
  LoadedModule loaded = load_module(path);
  torch::jit::Module wrapper("Wrapper");
  wrapper.register_module("inner", loaded.module);
  wrapper.define(R"(
def forward(self, input_ids, attention_mask, token_type_ids):
    y = self.inner.forward(input_ids, attention_mask, token_type_ids)
    return (y[0] + float(input_ids.size(1) - 20) * 1e-3,)
)");
  VerifyOptions options = options_for(save(wrapper, dir / "baked.pt"), "shapes");
  options.source.path = testdata("tiny-bert-nopool").string();
  options.inputs.input = {"input_ids=randint(0,163):1x20"};
  const CheckResult result = one_check(options);
  CHECK(result.verdict == Verdict::kFail);
  CHECK_FALSE(result.where.empty());
  CHECK_THAT(result.summary, Contains("wrong numbers at 1x1"));
}

TEST_CASE("shapes: where no shape works at all it fails") {
  const CheckResult result = check_scripted("shapes", embedding_forward("    return self.scale.view([3])\n"));
  CHECK(result.verdict == Verdict::kFail);
  CHECK(evidence<int64_t>(result, "works") == 0);
}

TEST_CASE("shapes: ids of unknown range cannot be made up, so the check is skipped, and skipping is no pass") {
  const TempDir dir;
  torch::jit::Module module("M");
  module.define("def forward(self, tokens):\n    return tokens * 2\n");
  VerifyOptions options = options_for(save(module, dir / "m.pt"), "shapes");
  options.inputs.input = {"tokens=ones:2x3"};
  const VerifyResult result = verify(options);
  CHECK(result.checks.at(0).verdict == Verdict::kSkip);
  CHECK(result.nothing_checked);
  CHECK_FALSE(result.passed);
}

TEST_CASE("shapes: without a source, numbers are compared with the network rebuilt from the file") {
  const TempDir dir;
  const CheckResult fine = one_check(options_for(traced("tiny-bert-nopool", dir / "fine.pt"), "shapes"));
  CHECK(fine.verdict == Verdict::kPass);
  CHECK_THAT(evidence<std::string>(fine, "compared_with"), Contains("rebuilt"));
  const CheckResult wrong = one_check(
      options_for(wrapped(dir / "m.pt", "    return (y + float(input_ids.size(1) - 14) * 1e-3,)\n"), "shapes"));
  CHECK(wrong.verdict == Verdict::kFail);
  CHECK_THAT(wrong.summary, Contains("wrong numbers at 1x1"));
}

TEST_CASE("shapes: the smallest counterexample is searched for between the cells of the grid") {
  const TempDir dir;
  const CheckResult result = one_check(options_for(
      wrapped(dir / "m.pt", "    if input_ids.size(1) > 20:\n        y = y + 1\n    return (y,)\n"), "shapes"));
  CHECK(result.verdict == Verdict::kFail);
  CHECK_THAT(result.summary, Contains("wrong numbers at 1x21"));
  CHECK(evidence<int64_t>(result, "shapes_searched") == 4);  // between 14 and 33: 23, 18, 20, 21
}

TEST_CASE("shapes: a batch size that is baked into a reshape gives an output of another shape, which is wrong") {
  const TempDir dir;
  const CheckResult result =
      one_check(options_for(wrapped(dir / "m.pt", "    return (y.reshape([1, -1, 32]),)\n"), "shapes"));
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "2x1");
  CHECK_THAT(result.summary, Contains("wrong numbers at 2x1") && Contains("shape"));
}

TEST_CASE(
    "shapes: a network that is not known is compared with its own rows; a program may carry values between rows") {
  const std::string code = embedding_forward("    return x + float(input_ids.size(0) - 1)\n");
  Claims claims = dynamic_claims();
  claims.architecture = "squeezebert";
  claims.head = "SqueezeBertModel";
  const CheckResult claimed = check_scripted("shapes", code, claims);
  CHECK(claimed.verdict == Verdict::kFail);
  CHECK(claimed.where == "2x1");
  CHECK_THAT(evidence<std::string>(claimed, "compared_with"), Contains("rows"));
  CHECK(check_scripted("shapes", code, dynamic_claims()).verdict == Verdict::kPass);
  CHECK(check_scripted("shapes", code).verdict == Verdict::kPass);
}

TEST_CASE("shapes: what fails is located in the submodule whose code raises the error") {
  const TempDir dir;
  torch::jit::Module part("Part");
  part.define("def forward(self, x):\n    return x + torch.ones([14, 1])\n");
  torch::jit::Module module = testing::scripted("def other(self, x):\n    return x\n");
  module.register_module("part", part);
  module.define(embedding_forward("    return self.part.forward(x)\n"));
  const CheckResult result = one_check(options_for(save(module, dir / "m.pt", dynamic_claims()), "shapes"));
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "part");
  CHECK_THAT(result.summary, Contains("claims to take every shape, fails at 1x2 in part"));
}

TEST_CASE("shapes: a text longer than there are positions must be refused") {
  const TempDir dir;
  const LoadedModule loaded = load_module(traced("tiny-bert-nopool", dir / "m.pt"));
  torch::jit::Module wrapper("Wrapper");
  wrapper.register_module("inner", loaded.module);
  wrapper.define(R"(
def forward(self, input_ids, attention_mask, token_type_ids):
    return self.inner.forward(input_ids[:, :64], attention_mask[:, :64], token_type_ids[:, :64])
)");
  const CheckResult result = one_check(options_for(save(wrapper, dir / "w.pt", loaded.claims), "shapes"));
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "1x65");
  CHECK_THAT(result.summary, Contains("positions for 64 tokens"));
}

TEST_CASE("shapes: what a file claims not to take may fail or be wrong there") {
  const TempDir dir;
  const std::string path = wrapped(dir / "m.pt", "    return (y + float(input_ids.size(1) - 14),)\n");
  LoadedModule loaded = load_module(path);
  loaded.claims->dynamic_length = false;
  const CheckResult result = one_check(options_for(save(loaded.module, path, loaded.claims), "shapes"));
  CHECK(result.verdict == Verdict::kPass);
  CHECK_THAT(result.summary, Contains("the smallest that gives other numbers is 1x1"));
}

TEST_CASE("shapes: honest int8 is not accused of its noise, and a size that is baked in is found in it") {
  const TempDir dir;
  for (const char* name : {"tiny-bert", "tiny-bert-seqcls", "family/distilbert-seqcls", "family/roberta-tokencls",
                           "family/electra-qa", "family/bert-regression"}) {
    LoadedModule loaded = load_module(traced(name, dir / "m.pt"));
    REQUIRE(testing::quantize_linear_layers(loaded.module) > 0);
    loaded.claims->dtype = "int8";
    VerifyOptions options = options_for(save(loaded.module, dir / "q.pt", loaded.claims), "shapes");
    options.source.path = testdata(name).string();
    const CheckResult result = one_check(options);
    INFO(name << ": " << result.summary << ", noisiest " << evidence<double>(result, "noisiest_to_median_error"));
    CHECK(result.verdict == Verdict::kPass);
  }
  LoadedModule loaded =
      load_module(wrapped(dir / "w.pt", "    if input_ids.size(1) > 20:\n        y = y + 3\n    return (y,)\n"));
  REQUIRE(testing::quantize_linear_layers(loaded.module) > 0);
  loaded.claims->dtype = "int8";
  const CheckResult wrong = one_check(options_for(save(loaded.module, dir / "q.pt", loaded.claims), "shapes"));
  CHECK(wrong.verdict == Verdict::kFail);
  CHECK_THAT(wrong.summary, Contains("wrong numbers at 1x33"));
}

}  // namespace bertjit
