// The check `claims`: each claim that is not true is found and named, and nothing else is accused. What is claimed
// comes from docs/formats/claims.md; what the files hold, from how they are made here.
#include <algorithm>
#include <filesystem>
#include <functional>

#include "digest/digest.h"
#include "verify/verify_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::evidence;
using testing::one_check;
using testing::options_for;
using testing::save;
using testing::TempDir;
using testing::testdata;
using testing::traced;

namespace fs = std::filesystem;

namespace {

/// Saves the module with other claims than its own.
std::string with_claims(const std::string& path, const std::function<void(Claims&)>& change) {
  LoadedModule loaded = load_module(path);
  change(*loaded.claims);
  return save(loaded.module, path, loaded.claims);
}

CheckResult check(const std::string& path) {
  return one_check(options_for(path, "claims"));
}

/// The trace of `model` with changed claims.
CheckResult check_changed(const std::string& model, const std::function<void(Claims&)>& change) {
  const TempDir dir;
  return check(with_claims(traced(model, dir / "m.pt"), change));
}

/// A module that hands everything to `inner` and changes what it gives by `lines`; `y` is its first output.
std::string wrapped(const std::string& path, const std::string& lines) {
  const LoadedModule loaded = load_module(path);
  torch::jit::Module wrapper("Wrapper");
  wrapper.register_module("inner", loaded.module);
  wrapper.define(
      "def forward(self, input_ids, attention_mask, token_type_ids):\n"
      "    y = self.inner.forward(input_ids, attention_mask, token_type_ids)[0]\n" +
      lines);
  return save(wrapper, path, loaded.claims);
}

/// What was found of the claim, and the answer: "held: float32".
std::string row(const CheckResult& result, const std::string& claim) {
  for (const auto& fields : evidence<EvidenceRows>(result, "claims")) {
    if (std::get<std::string>(fields.at(0).value) == claim) {
      return std::get<std::string>(fields.at(4).value) + ": " + std::get<std::string>(fields.at(2).value);
    }
  }
  return "";
}

std::string traced_as(const std::string& model, const fs::path& path, AttentionKind attention, DType dtype) {
  TraceOptions options;
  options.source.path = testdata(model).string();
  options.source.model.attention = attention;
  options.source.model.dtype = dtype;
  options.output = path.string();
  options.check = false;
  REQUIRE(trace(options).passed);
  return options.output;
}

}  // namespace

TEST_CASE("claims: what bertjit traces is what it claims, for every family and dtype") {
  const TempDir dir;
  const std::vector<std::string> models = {"tiny-bert",
                                           "tiny-bert-mlm",
                                           "tiny-bert-nopool",
                                           "tiny-bert-pretraining",
                                           "tiny-bert-seqcls",
                                           "family/albert-mlm",
                                           "family/bert-nsp",
                                           "family/bert-multiplechoice",
                                           "family/bert-decoder",
                                           "family/camembert-mlm",
                                           "family/deberta-v3-qa",
                                           "family/distilbert-tokencls",
                                           "family/electra-pretraining",
                                           "family/marian",
                                           "family/mpnet-seqcls",
                                           "family/roberta-causal"};
  for (const auto& model : models) {
    const CheckResult result = check(traced_as(model, dir / "m.pt", AttentionKind::kSdpa, DType::kFloat32));
    INFO(model << ": " << result.summary);
    CHECK(result.verdict == Verdict::kPass);
  }
  for (const char* model : {"tiny-bert", "family/distilbert-qa", "family/roberta-seqcls", "family/albert-mlm"}) {
    for (const DType dtype : {DType::kFloat16, DType::kBFloat16, DType::kFloat64}) {
      const CheckResult result = check(traced_as(model, dir / "m.pt", AttentionKind::kEager, dtype));
      INFO(model << " " << dtype_name(dtype) << ": " << result.summary);
      CHECK(result.verdict == Verdict::kPass);
    }
  }
}

TEST_CASE("claims: another architecture or head than the weights make fails; one that is unknown accuses nobody") {
  const CheckResult architecture = check_changed("tiny-bert-mlm", [](Claims& c) {
    c.architecture = "distilbert";
    c.head = "DistilBertForMaskedLM";
  });
  CHECK(architecture.verdict == Verdict::kFail);
  CHECK_THAT(architecture.summary, Contains("architecture is claimed to be distilbert, found: bert"));
  const CheckResult head = check_changed("tiny-bert-seqcls", [](Claims& c) { c.head = "BertForTokenClassification"; });
  CHECK(head.verdict == Verdict::kFail);
  CHECK_THAT(head.summary,
             Contains("head is claimed to be BertForTokenClassification, found: BertForSequenceClassification"));
  const CheckResult unknown = check_changed("tiny-bert-mlm", [](Claims& c) {
    c.architecture = "squeezebert";
    c.head = "SqueezeBertForMaskedLM";
  });
  CHECK(unknown.verdict == Verdict::kPass);
  CHECK_THAT(unknown.summary, Contains("cannot be told"));
  CHECK_THAT(row(unknown, "architecture"), Contains("cannot be told: not known to bertjit"));
}

TEST_CASE("claims: the guide's trap, segments claimed where the code takes a mask, fails and names the argument") {
  const CheckResult result = check_changed("tiny-bert", [](Claims& c) {
    c.inputs = {"input_ids", "token_type_ids", "attention_mask"};
  });
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "token_type_ids");
  CHECK_THAT(result.summary, Contains("used as attention_mask"));
}

TEST_CASE("claims: arguments that are missing or that nobody claims fail, and are named") {
  const CheckResult missing = check_changed("family/distilbert", [](Claims& c) { c.inputs.push_back("position_ids"); });
  CHECK(missing.verdict == Verdict::kFail);
  CHECK(missing.where == "position_ids");
  const CheckResult extra = check_changed("tiny-bert", [](Claims& c) { c.inputs.resize(2); });
  CHECK(extra.verdict == Verdict::kFail);
  CHECK(extra.where == "token_type_ids");
}

TEST_CASE("claims: outputs that are missing, too many or in another order fail, and are named") {
  const CheckResult missing =
      check_changed("tiny-bert-nopool", [](Claims& c) { c.outputs.push_back("pooler_output"); });
  CHECK(missing.verdict == Verdict::kFail);
  CHECK(missing.where == "pooler_output");
  CHECK_THAT(missing.summary, Contains("claimed to be 2 outputs, found: 1 output"));
  CHECK(check_changed("tiny-bert", [](Claims& c) { c.outputs.pop_back(); }).verdict == Verdict::kFail);
  const CheckResult swapped = check_changed("family/distilbert-qa", [](Claims& c) { std::ranges::reverse(c.outputs); });
  CHECK(swapped.verdict == Verdict::kFail);
  CHECK(swapped.where == "end_logits");
  CHECK_THAT(swapped.summary, Contains("output 1 is start_logits"));
}

TEST_CASE("claims: a claimed argument that forward has not is answered, though a file gives something for it") {
  const TempDir dir;
  const LoadedModule loaded = load_module(traced("family/distilbert", dir / "m.pt"));
  torch::jit::Module wrapper("Wrapper");
  wrapper.register_module("inner", loaded.module);
  wrapper.define(
      "def forward(self, input_ids):\n    return self.inner.forward(input_ids, torch.ones_like(input_ids))\n");
  VerifyOptions options = options_for(save(wrapper, dir / "w.pt", loaded.claims), "claims");
  const at::Tensor ids = at::ones({2, 5}, at::kLong);
  options.inputs.inputs =
      testing::write_tensors(dir / "inputs.npz", {{"input_ids", ids}, {"attention_mask", at::ones_like(ids)}});
  options.check_inputs = {options.inputs.inputs};
  const CheckResult result = one_check(options);
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "attention_mask");
}

TEST_CASE("claims: keys of a dict that are not the claimed names fail") {
  const TempDir dir;
  const std::string path = traced("tiny-bert-mlm", dir / "m.pt");
  CHECK(check(wrapped(path, "    return {\"logits\": y}\n")).verdict == Verdict::kPass);
  const CheckResult result = check(wrapped(traced("tiny-bert-mlm", dir / "m.pt"), "    return {\"scores\": y}\n"));
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "logits");
  CHECK_THAT(result.summary, Contains("called scores"));
}

TEST_CASE("claims: an output of another shape than its name says fails") {
  const TempDir dir;
  const CheckResult result = check(wrapped(traced("tiny-bert-mlm", dir / "m.pt"), "    return y.transpose(1, 2)\n"));
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "logits");
  CHECK_THAT(result.summary, Contains("[batch, length, vocabulary]"));
}

TEST_CASE("claims: logits that went through softmax fail, seen in the code and, frozen into a branch, by a run") {
  const TempDir dir;
  const CheckResult by_code =
      check(wrapped(traced("tiny-bert-mlm", dir / "m.pt"), "    return torch.softmax(y, -1)\n"));
  CHECK(by_code.verdict == Verdict::kFail);
  CHECK(by_code.where == "logits");
  CHECK_THAT(by_code.summary, Contains("softmax"));
  const CheckResult by_run = check(
      wrapped(traced("tiny-bert-mlm", dir / "m.pt"), "    return torch.exp(y) / torch.exp(y).sum(-1, keepdim=True)\n"));
  CHECK(by_run.verdict == Verdict::kFail);
  CHECK_THAT(by_run.summary, Contains("every row sums to 1"));
}

TEST_CASE("claims: float32 claimed of half weights, one half layer, half outputs or half arithmetic fails") {
  const TempDir dir;
  const auto claims_float32 = [](Claims& c) { c.dtype = "float32"; };
  const std::string half = traced_as("tiny-bert", dir / "h.pt", AttentionKind::kEager, DType::kFloat16);
  const CheckResult all = check(with_claims(half, claims_float32));
  CHECK(all.verdict == Verdict::kFail);
  CHECK(all.where.empty());
  CHECK_THAT(all.summary, Contains("dtype is claimed to be float32, found: weights are float16"));

  // 15, 5 and 6 are bfloat16, float16 and float32 (c10/core/ScalarType.h).
  const CheckResult output = check(wrapped(traced("tiny-bert-mlm", dir / "m.pt"), "    return y.to(15)\n"));
  CHECK(output.verdict == Verdict::kFail);
  CHECK(output.where == "logits");
  CHECK_THAT(output.summary, Contains("logits is bfloat16"));

  const CheckResult through = check(wrapped(traced("tiny-bert-mlm", dir / "m.pt"), "    return y.to(5).to(6)\n"));
  CHECK(through.verdict == Verdict::kFail);
  CHECK(through.where == "cls.predictions.decoder");
  CHECK_THAT(through.summary, Contains("computed through float16"));

  const CheckResult converse = check_changed("tiny-bert", [](Claims& c) { c.dtype = "bfloat16"; });
  CHECK(converse.verdict == Verdict::kFail);
}

TEST_CASE("claims: int8 claimed of a float32 file fails") {
  const CheckResult result = check_changed("tiny-bert", [](Claims& c) { c.dtype = "int8"; });
  CHECK(result.verdict == Verdict::kFail);
  CHECK_THAT(result.summary, Contains("no operator on int8 weights"));
}

TEST_CASE("claims: a fixed trace that claims every length and batch fails; one that claims to be fixed passes") {
  const TempDir dir;
  const std::string path = traced("tiny-bert", dir / "m.pt", /*fixed_shapes=*/true);
  CHECK(check(path).verdict == Verdict::kPass);
  const CheckResult result = check(with_claims(path, [](Claims& c) {
    c.dynamic_batch = true;
    c.dynamic_length = true;
  }));
  CHECK(result.verdict == Verdict::kFail);
  CHECK_THAT(row(result, "dynamic_length"), Contains("broken: "));
}

TEST_CASE("claims: another kind of attention, and claims that disagree with the file's own, are warnings") {
  const CheckResult attention = check_changed("tiny-bert", [](Claims& c) { c.attn_implementation = "eager"; });
  CHECK(attention.verdict == Verdict::kWarn);
  CHECK_THAT(attention.summary, Contains("attn_implementation is claimed to be eager, found: sdpa"));

  const TempDir dir;
  VerifyOptions options = options_for(traced("tiny-bert", dir / "m.pt"), "claims");
  options.claims = (dir / "claims.json").string();
  testing::write_bytes(options.claims, R"({"dtype": "float32", "dynamic_length": false})");
  const CheckResult given = one_check(options);
  CHECK(given.verdict == Verdict::kWarn);
  CHECK_THAT(given.summary, Contains("dynamic_length is claimed to be false, by ") && Contains("found: true"));
}

TEST_CASE("claims: without any, nothing is judged, and what is assumed is said") {
  const TempDir dir;
  const LoadedModule loaded = load_module(traced("tiny-bert-mlm", dir / "m.pt", /*fixed_shapes=*/true));
  const CheckResult result = check(save(loaded.module, dir / "m.pt"));
  CHECK(result.verdict == Verdict::kSkip);
  CHECK_THAT(result.summary, Contains("nothing is claimed") && Contains("architecture bert") &&
                                 Contains("head BertForMaskedLM") && Contains("dtype float32"));
  CHECK_THAT(row(result, "dynamic_length"), Contains("assumed: "));
}

TEST_CASE("claims: a trace holds the digests of its source and tokenizer, and another source is a warning") {
  const TempDir dir;
  const std::string path = traced("tiny-bert", dir / "m.pt");
  const Claims claims = *load_module(path).claims;
  // What `checksum --weights` prints of the folder, and `sha512sum tokenizer_config.json vocab.txt | sha512sum` in it.
  CHECK(claims.source_sha512 == to_hex(digest_meaning(testdata("tiny-bert"), DigestKind::kWeights).digest));
  const auto by_sha512sum = testing::run_command("cd '" + testdata("tiny-bert").string() +
                                                 "' && sha512sum tokenizer_config.json vocab.txt | sha512sum");
  REQUIRE(by_sha512sum.exit_code == 0);
  CHECK(claims.tokenizer_sha512 == by_sha512sum.out.substr(0, 128));

  VerifyOptions options = options_for(path, "claims");
  options.source.path = testdata("tiny-bert").string();
  const CheckResult same = one_check(options);
  CHECK(same.verdict == Verdict::kPass);
  CHECK_THAT(row(same, "source_sha512"), Contains("held: "));
  CHECK_THAT(row(same, "tokenizer_sha512"), Contains("held: "));
  options.source.path = testdata("tiny-bert-pretraining").string();
  const CheckResult other = one_check(options);
  CHECK(other.verdict == Verdict::kWarn);
  CHECK_THAT(other.summary, Contains("source_sha512"));
}

}  // namespace bertjit
