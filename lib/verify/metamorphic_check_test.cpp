// metamorphic: relations between a module's own answers.
//
// Faults are put around a sound trace: a wrapper that hands over another mask, or mixes rows, as the exports do that
// the shared corpus describes.
#include "verify/int8_testing.h"
#include "verify/verify_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::check_scripted;
using testing::evidence;
using testing::one_check;
using testing::options_for;
using testing::quantize_linear_layers;
using testing::save;
using testing::TempDir;
using testing::testdata;
using testing::traced;

namespace {

template <class T>
T field(const EvidenceFields& fields, const std::string& key) {
  for (const auto& item : fields) {
    if (item.key == key) {
      return std::get<T>(item.value);
    }
  }
  FAIL("no field " << key);
  return T();
}

/// Names of the relations that had that outcome, each once.
std::vector<std::string> relations(const CheckResult& result, const std::string& outcome) {
  std::vector<std::string> names;
  for (const auto& row : evidence<EvidenceRows>(result, "relations")) {
    const auto name = field<std::string>(row, "relation");
    if (field<std::string>(row, "outcome") == outcome && (names.empty() || names.back() != name)) {
      names.push_back(name);
    }
  }
  return names;
}

using Names = std::vector<std::string>;
const Names kAll = {"hidden words",   "hidden words of one row",
                    "padding",        "padding to the longest length",
                    "row alone",      "order of rows",
                    "rows twice",     "ids of 32 bits",
                    "mask of floats", "mask of bools"};

/// The check's answer to a trace of `name` within a module whose forward is `body`, with the trace's claims.
CheckResult check_wrapped(const std::string& name, const std::string& body, bool as_int8 = false) {
  const TempDir dir;
  LoadedModule loaded = load_module(traced(name, dir / "m.pt"));
  if (as_int8) {
    REQUIRE(quantize_linear_layers(loaded.module) > 4);
  }
  torch::jit::Module wrapper("Wrapper");
  wrapper.register_module("inner", loaded.module);
  wrapper.define("def forward(self, input_ids, attention_mask, token_type_ids):\n" + body);
  VerifyOptions options = options_for(save(wrapper, dir / "w.pt", loaded.claims), "metamorphic");
  options.inputs.input = {"input_ids=randint(5,100):2x9", "attention_mask=ones:2x9:int64",
                          "token_type_ids=zeros:2x9:int64"};
  return one_check(options);
}

const std::string kSound = "    return self.inner.forward(input_ids, attention_mask, token_type_ids)\n";
const std::string kIgnored =
    "    return self.inner.forward(input_ids, torch.ones_like(attention_mask), token_type_ids)\n";

}  // namespace

TEST_CASE("metamorphic: a sound trace keeps every relation, whatever the architecture, head and attention") {
  const TempDir dir;
  for (const char* name :
       {"tiny-bert", "tiny-bert-mlm", "tiny-bert-pretraining", "family/albert-seqcls", "family/bert-relative-key",
        "family/bert-multiplechoice", "family/camembert-mlm", "family/deberta-v2", "family/deberta-v3-seqcls",
        "family/distilbert-qa", "family/distilbert-sinusoidal", "family/electra-causal",
        "family/electra-multiplechoice", "family/electra-seqcls", "family/marian-mt", "family/mpnet",
        "family/roberta-causal", "family/roberta-seqcls", "family/xlm-roberta"}) {
    const CheckResult result = one_check(options_for(traced(name, dir / "m.pt"), "metamorphic"));
    INFO(name << ": " << result.summary);
    CHECK(result.verdict == Verdict::kPass);
    CHECK(relations(result, "violated").empty());
    CHECK(relations(result, "holds").size() >= 7);
  }
}

TEST_CASE("metamorphic: what rounds in float16 and bfloat16 is allowed, and still every relation is asked") {
  const TempDir dir;
  for (const char* dtype : {"float16", "bfloat16"}) {
    for (const char* name : {"tiny-bert", "tiny-bert-mlm", "family/roberta-seqcls"}) {
      TraceOptions trace_options;
      trace_options.source.path = testdata(name).string();
      trace_options.source.dtype = dtype;
      trace_options.output = dir / "m.pt";
      REQUIRE(trace(trace_options).passed);
      const CheckResult result = one_check(options_for(trace_options.output, "metamorphic"));
      INFO(dtype << " " << name << ": " << result.summary);
      CHECK(result.verdict == Verdict::kPass);
      CHECK(relations(result, "holds") == kAll);
    }
  }
}

TEST_CASE("metamorphic: a mask that is ignored, inverted, shifted or one for all rows fails, with the fewest tokens") {
  CHECK(check_wrapped("tiny-bert", kSound).verdict == Verdict::kPass);
  for (const std::string& mask :
       {std::string("torch.ones_like(attention_mask)"), std::string("1 - attention_mask"),
        std::string("torch.roll(attention_mask, 1, 1)"),
        std::string("torch.max(attention_mask, 0)[0].unsqueeze(0).expand_as(attention_mask)")}) {
    const CheckResult result =
        check_wrapped("tiny-bert", "    return self.inner.forward(input_ids, " + mask + ", token_type_ids)\n");
    INFO(mask << ": " << result.summary);
    CHECK(result.verdict == Verdict::kFail);
    CHECK(result.where == "");
    CHECK_THAT(result.summary, Contains("under the mask change the answer"));
    CHECK(evidence<int64_t>(result, "smallest_rows") <= 2);
    CHECK(evidence<int64_t>(result, "smallest_tokens") <= 3);
    CHECK_FALSE(evidence<EvidenceRows>(result, "smallest_inputs").empty());
    CHECK_FALSE(evidence<EvidenceRows>(result, "error_histogram").empty());
  }
}

TEST_CASE("metamorphic: a file in int8 keeps all relations, and one that ignores its mask is found none the less") {
  const CheckResult honest = check_wrapped("tiny-bert", kSound, /*as_int8=*/true);
  INFO(honest.summary);
  CHECK(honest.verdict == Verdict::kPass);
  Names all = kAll;
  all.insert(all.end(), {"order of words", "order of far words"});
  CHECK(relations(honest, "holds") == all);
  const CheckResult faulty = check_wrapped("tiny-bert", kIgnored, /*as_int8=*/true);
  CHECK(faulty.verdict == Verdict::kFail);
  CHECK_THAT(faulty.summary, Contains("hidden words"));
}

TEST_CASE("metamorphic: rows that know of one another, and a batch size in the code, fail") {
  const CheckResult mixed = check_wrapped(
      "tiny-bert-nopool",
      "    y = self.inner.forward(input_ids, attention_mask, token_type_ids)[0]\n    return (y - torch.mean(y, [0], "
      "True) * 0.01,)\n");
  CHECK(mixed.verdict == Verdict::kFail);
  CHECK_THAT(mixed.summary, Contains("row alone, 2x1"));
  const CheckResult baked = check_wrapped("tiny-bert-nopool",
                                          "    y = self.inner.forward(input_ids, attention_mask, token_type_ids)[0]\n  "
                                          "  return (y.reshape([2, -1, 32]),)\n");
  CHECK(baked.verdict == Verdict::kFail);
  CHECK_THAT(relations(baked, "holds"), Catch::VectorContains(std::string("hidden words")));
  CHECK_FALSE(relations(baked, "violated").empty());
}

TEST_CASE("metamorphic: an output that is cut to the example's length fails as soon as it is longer") {
  const CheckResult cut = check_wrapped(
      "tiny-bert-nopool", "    return (self.inner.forward(input_ids, attention_mask, token_type_ids)[0][:, :9],)\n");
  CHECK(cut.verdict == Verdict::kFail);
  CHECK_FALSE(relations(cut, "violated").empty());
}

TEST_CASE("metamorphic: a mask of floats that means something else is a warning") {
  const CheckResult result = check_wrapped(
      "tiny-bert",
      "    if attention_mask.is_floating_point():\n        attention_mask = torch.ones_like(attention_mask)\n" +
          kSound);
  CHECK(result.verdict == Verdict::kWarn);
  CHECK_THAT(result.summary, Contains("mask of floats"));
}

TEST_CASE("metamorphic: positions that end at the example's length, or that all words share, fail at the embeddings") {
  const TempDir dir;
  const std::string path = traced("tiny-bert-nopool", dir / "m.pt");
  for (const auto& [from, name] : {std::pair(9, "order of far words"), std::pair(0, "order of words")}) {
    LoadedModule loaded = load_module(path);
    // The table's rows from there on are what a clamped index looks up.
    torch::jit::Module table = loaded.module.attr("embeddings").toModule().attr("position_embeddings").toModule();
    const auto graph = table.get_method("forward").graph();
    for (torch::jit::Node* node : graph->nodes()) {
      if (node->kind() == c10::aten::slice) {
        const torch::jit::WithInsertPoint after(node->next());
        torch::jit::Value* device = graph->insertConstant(c10::Device(c10::kCPU));
        torch::jit::Value* length = graph->insert(c10::aten::size, {node->output(), 0});
        torch::jit::Value* places = graph->insert(c10::aten::arange, {length}, {{"device", device}});
        places = graph->insert(c10::aten::clamp, {places, 0, from});
        torch::jit::Value* rows = graph->insert(c10::aten::index_select, {node->output(), 0, places});
        node->output()->replaceAllUsesAfterNodeWith(rows->node(), rows);
        break;
      }
    }
    VerifyOptions options = options_for(save(loaded.module, dir / "c.pt", loaded.claims), "metamorphic");
    options.inputs.input = {"input_ids=randint(5,100):2x9"};
    const CheckResult result = one_check(options);
    INFO(result.summary);
    CHECK(result.verdict == Verdict::kFail);
    CHECK(result.where == "embeddings");
    CHECK_THAT(relations(result, "violated"), Catch::VectorContains(std::string(name)));
  }
}

TEST_CASE("metamorphic: where shapes are fixed, only what they allow is asked") {
  const TempDir dir;
  const CheckResult result =
      one_check(options_for(traced("tiny-bert", dir / "m.pt", /*fixed_shapes=*/true), "metamorphic"));
  CHECK(result.verdict == Verdict::kPass);
  CHECK(relations(result, "holds") ==
        Names{"hidden words", "ids of 32 bits", "mask of floats", "mask of bools", "order of words"});
  CHECK(relations(result, "refused").empty());
}

TEST_CASE("metamorphic: a program that is no network may mix rows: that is a finding, and passes") {
  const std::string row_wise = "def forward(self, x):\n    return torch.softmax(x, 1)\n";
  const std::string mixing = "def forward(self, x):\n    return torch.softmax(x, 0)\n";
  const TempDir dir;
  for (const auto& [code, violated] : {std::pair(row_wise, false), std::pair(mixing, true)}) {
    VerifyOptions options = options_for(save(testing::scripted(code), dir / "p.pt"), "metamorphic");
    options.inputs.input = {"x=randn:3x5"};
    const CheckResult result = one_check(options);
    INFO(result.summary);
    CHECK(result.verdict == Verdict::kPass);
    CHECK(relations(result, "violated").empty() == !violated);
    CHECK((result.summary.find("a row alone has another answer") != std::string::npos) == violated);
  }
}

TEST_CASE("metamorphic: a module that answers otherwise each time is left to repeat") {
  const CheckResult result = check_scripted(
      "metamorphic",
      "def forward(self, input_ids):\n    x = torch.embedding(self.word_embeddings.weight, input_ids)\n    return x + "
      "torch.rand_like(x)\n");
  CHECK(result.verdict == Verdict::kSkip);
  CHECK_THAT(result.summary, Contains("repeat"));
}

}  // namespace bertjit
