// `constants`, and that neither it nor `source` nor `weights` accuses what is clean.
#include <algorithm>

#include "verify/baked_values.h"
#include "verify/verify_testing.h"

namespace bertjit {
namespace {

using Catch::Matchers::Contains;
using testing::check_scripted;
using testing::evidence;
using testing::one_check;
using testing::options_for;
using testing::TempDir;
using testing::traced;

Claims dynamic_claims() {
  Claims claims;
  claims.dynamic_batch = true;
  claims.dynamic_length = true;
  return claims;
}

/// Without --inputs ids are [1, 14].
constexpr const char* kBakedLength = R"(
def forward(self, input_ids):
    words = torch.embedding(self.word_embeddings.weight, input_ids)
    return words * self.scale + torch.embedding(self.word_embeddings.weight, torch.arange(14))
)";

constexpr const char* kBakedBatch = R"(
def forward(self, input_ids):
    words = torch.embedding(self.word_embeddings.weight, input_ids) * self.scale
    return words.reshape([3, -1, 4])
)";

TEST_CASE("constants: code that takes its sizes from the inputs passes") {
  const CheckResult result = check_scripted("constants", testing::kSoundForward, dynamic_claims());
  CHECK(result.verdict == Verdict::kPass);
  CHECK_THAT(result.summary, Contains("no data, size or device of the example"));
}

TEST_CASE("constants: a length of the example fails where every length is claimed, and is told where nothing is") {
  const CheckResult claimed = check_scripted("constants", kBakedLength, dynamic_claims());
  CHECK(claimed.verdict == Verdict::kFail);
  CHECK_THAT(claimed.summary, Contains("length 14") && Contains("arange to 14"));
  CHECK_FALSE(claimed.advice.empty());
  REQUIRE(evidence<EvidenceRows>(claimed, "baked").size() == 1);
  const CheckResult unclaimed = check_scripted("constants", kBakedLength);
  CHECK(unclaimed.verdict == Verdict::kPass);
  CHECK_THAT(unclaimed.summary, Contains("length 14") && Contains("nothing is claimed"));
  Claims fixed = dynamic_claims();
  fixed.dynamic_length = false;
  const CheckResult honest = check_scripted("constants", kBakedLength, fixed);
  CHECK(honest.verdict == Verdict::kPass);
  CHECK_THAT(honest.summary, Contains("no data, size or device"));
}

TEST_CASE("constants: a batch size that gives another shape without an error fails whatever is claimed") {
  const TempDir dir;
  for (const auto& claims : {std::optional<Claims>(dynamic_claims()), std::optional<Claims>()}) {
    VerifyOptions options =
        options_for(testing::save(testing::scripted(kBakedBatch), dir / "m.pt", claims), "constants");
    options.inputs.input = {"randint(0,16):3x14"};
    const CheckResult result = one_check(options);
    INFO(result.summary);
    CHECK(result.verdict == Verdict::kFail);
    CHECK_THAT(result.summary, Contains("batch size 3") && Contains("reshape to [3, _, 4]"));
  }
}

TEST_CASE("constants: a number that happens to be the example's size is no fault") {
  const CheckResult result = check_scripted("constants", R"(
def forward(self, input_ids):
    words = torch.embedding(self.word_embeddings.weight, input_ids) * self.scale
    return words + torch.arange(14).sum() * 0
)",
                                            dynamic_claims());
  CHECK(result.verdict == Verdict::kPass);
  CHECK_THAT(result.summary, Contains("tried 1x28, 1x17, 1x13"));
}

TEST_CASE("constants: a device other than the CPU fails where it is used, and warns where it is not reached") {
  const CheckResult used = check_scripted("constants", R"(
def forward(self, input_ids):
    return torch.embedding(self.word_embeddings.weight, input_ids.to(torch.device("meta"))) * self.scale
)");
  CHECK(used.verdict == Verdict::kFail);
  CHECK_THAT(used.summary, Contains("meta"));
  const CheckResult unreached = check_scripted("constants", R"(
def forward(self, input_ids):
    words = torch.embedding(self.word_embeddings.weight, input_ids) * self.scale
    if input_ids.size(0) > 1000:
        words = words.to(torch.device("cuda:0"))
    return words
)");
  CHECK(unreached.verdict == Verdict::kWarn);
  CHECK_THAT(unreached.summary, Contains("cuda:0"));
}

TEST_CASE("constants: the module is named whose code holds the value") {
  const TempDir dir;
  const std::string path = traced("tiny-bert", dir / "m.pt", /*fixed_shapes=*/true);
  CHECK(one_check(options_for(path, "constants")).verdict == Verdict::kPass);
  LoadedModule loaded = load_module(path);
  REQUIRE(loaded.claims);
  loaded.claims->dynamic_length = true;
  loaded.claims->dynamic_batch = true;
  const CheckResult result =
      one_check(options_for(testing::save(loaded.module, dir / "c.pt", loaded.claims), "constants"));
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "embeddings");
}

TEST_CASE("find_baked_values: tensors of ids, sizes and devices, with the module and in order") {
  torch::jit::Module inner("Inner");
  inner.register_buffer("ids", at::arange(12).unsqueeze(0));
  inner.register_buffer("table", at::ones({12, 4}).mul(0.5));
  inner.define(R"(
def forward(self, x):
    return torch.embedding(x, self.ids) + self.table.sum()
)");
  torch::jit::Module module("Outer");
  module.register_module("inner", inner);
  module.define(R"(
def forward(self, x):
    y = self.inner.forward(x)
    return y.view([3, -1, 12]).to(torch.device("cuda:1"))
)");
  const BakedValues found = find_baked_values(module);
  CHECK(found.why_not.empty());
  REQUIRE(found.values.size() == 3);
  CHECK(found.values[0].kind == BakedValue::Kind::kData);
  CHECK(found.values[0].module == "inner");
  CHECK(found.values[0].lengths == std::vector<int64_t>{12});
  const auto of_kind = [&](BakedValue::Kind kind) { return *std::ranges::find(found.values, kind, &BakedValue::kind); };
  CHECK(of_kind(BakedValue::Kind::kSize).batches == std::vector<int64_t>{3});
  CHECK(of_kind(BakedValue::Kind::kSize).module.empty());
  CHECK_THAT(of_kind(BakedValue::Kind::kDevice).text, Contains("cuda:1"));
}

struct Variant {
  AttentionKind attention;
  DType dtype;
  bool freeze;
};

/// Constants, source and weights of a trace of `folder`; none may fail.
void check_clean(const std::string& folder, const Variant& variant) {
  INFO(folder << " " << attention_name(variant.attention) << " " << dtype_name(variant.dtype)
              << (variant.freeze ? " frozen" : ""));
  const TempDir dir;
  TraceOptions options;
  options.source.path = testing::testdata(folder).string();
  options.source.model.attention = variant.attention;
  options.source.model.dtype = variant.dtype;
  options.source.dtype = dtype_name(variant.dtype);
  options.output = (dir / "m.pt").string();
  options.check = false;
  options.freeze = variant.freeze;
  trace(options);
  VerifyOptions asked = options_for(options.output, "source");
  asked.only = {"constants", "source", "weights"};
  asked.source.path = options.source.path;
  const VerifyResult result = verify(asked);
  for (const auto& check : result.checks) {
    INFO(check.id << " " << check.where << ": " << check.summary);
    // A clone of a tied decoder is waste, and said to be.
    const bool is_clone = check.id == "weights" && check.verdict == Verdict::kWarn;
    CHECK((check.verdict == Verdict::kPass || is_clone));
  }
}

// Other attentions and dtypes: clean_fixtures_test.cpp.
TEST_CASE("constants, source and weights: no clean trace in float64 is accused, nor a frozen one") {
  for (const char* folder :
       {"tiny-bert", "tiny-bert-nopool", "tiny-bert-mlm", "tiny-bert-pretraining", "tiny-bert-seqcls"}) {
    check_clean(folder, {AttentionKind::kEager, DType::kFloat64, false});
    check_clean(folder, {AttentionKind::kSdpa, DType::kFloat32, true});
  }
}

}  // namespace
}  // namespace bertjit
