// inputs: what each argument does, against what it is called. Faults are put around a sound trace.
#include <limits>

#include "verify/int8_testing.h"
#include "verify/verify_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
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

/// What the check says of one argument.
EvidenceFields argument(const CheckResult& result, const std::string& name) {
  for (const auto& row : evidence<EvidenceRows>(result, "arguments")) {
    if (field<std::string>(row, "argument") == name) {
      return row;
    }
  }
  FAIL("no argument " << name);
  return {};
}

struct Wrapped {
  std::string arguments = "input_ids, attention_mask, token_type_ids";
  std::vector<std::string> names = {"input_ids", "attention_mask", "token_type_ids"};
  std::string call = "input_ids, attention_mask, token_type_ids";  ///< what the trace is given
  bool as_int8 = false;
};

/// The check's answer to a trace of tiny-bert within a module that hands it other arguments, and claims `names`.
CheckResult check_wrapped(const Wrapped& wrapped) {
  const TempDir dir;
  LoadedModule loaded = load_module(traced("tiny-bert", dir / "m.pt"));
  if (wrapped.as_int8) {
    REQUIRE(quantize_linear_layers(loaded.module) > 4);
  }
  torch::jit::Module wrapper("Wrapper");
  wrapper.register_module("inner", loaded.module);
  wrapper.define("def forward(self, " + wrapped.arguments + "):\n    return self.inner.forward(" + wrapped.call +
                 ")\n");
  Claims claims = *loaded.claims;
  claims.inputs = wrapped.names;
  VerifyOptions options = options_for(save(wrapper, dir / "w.pt", claims), "inputs");
  for (const auto& name : wrapped.names) {
    options.inputs.input.push_back(name == "input_ids"        ? name + "=randint(5,100):2x9"
                                   : name == "attention_mask" ? name + "=ones:2x9:int64"
                                                              : name + "=randint(0,2):2x9");
  }
  return one_check(options);
}

/// Sets one row of a traced file's parameter to NaN.
void lose_row(const std::string& path, const std::string& name, int64_t row) {
  LoadedModule loaded = load_module(path);
  for (const auto& parameter : loaded.module.named_parameters()) {
    if (parameter.name == name) {
      const at::NoGradGuard no_grad;
      parameter.value.detach()[row].fill_(std::numeric_limits<double>::quiet_NaN());
    }
  }
  save(loaded.module, path, loaded.claims);
}

}  // namespace

TEST_CASE("inputs: every argument of a sound trace matters, masks hide, segments do not, all words give numbers") {
  const TempDir dir;
  for (const char* name : {"tiny-bert", "family/albert-seqcls", "family/bert-multiplechoice",
                           "family/deberta-v3-seqcls", "family/distilbert-qa", "family/electra-seqcls", "family/mpnet",
                           "family/roberta-seqcls", "family/roberta-two-segments", "family/marian-mt"}) {
    const CheckResult result = one_check(options_for(traced(name, dir / "m.pt"), "inputs"));
    INFO(name << ": " << result.summary);
    CHECK(result.verdict == Verdict::kPass);
    CHECK(field<std::string>(argument(result, "input_ids"), "matters") == "yes");
    CHECK(field<std::string>(argument(result, "attention_mask"), "hides_tokens") == "yes");
    CHECK(evidence<int64_t>(result, "vocabulary") > 20);
    CHECK(evidence<int64_t>(result, "words_asked") == evidence<int64_t>(result, "vocabulary"));
    CHECK(evidence<int64_t>(result, "longest_row") > 0);
  }
  const CheckResult segments = one_check(options_for(traced("tiny-bert", dir / "m.pt"), "inputs"));
  CHECK(field<std::string>(argument(segments, "token_type_ids"), "matters") == "yes");
  CHECK(field<std::string>(argument(segments, "token_type_ids"), "hides_tokens") == "no");
}

TEST_CASE("inputs: a causal model's mask hides what comes before, and its segments are not taken for a mask") {
  const TempDir dir;
  for (const char* name : {"family/electra-causal", "family/roberta-causal", "family/bert-lmhead"}) {
    const CheckResult result = one_check(options_for(traced(name, dir / "m.pt"), "inputs"));
    INFO(name << ": " << result.summary);
    CHECK(result.verdict == Verdict::kPass);
    CHECK(field<std::string>(argument(result, "attention_mask"), "hides_tokens") == "yes");
  }
}

TEST_CASE("inputs: segments that act as the mask, as the guide's positional call makes them, fail by their name") {
  for (const bool as_int8 : {false, true}) {
    Wrapped trap{"input_ids, segments",
                 {"input_ids", "token_type_ids"},
                 "input_ids, segments, torch.zeros_like(segments)",
                 as_int8};
    const CheckResult result = check_wrapped(trap);
    CHECK(result.verdict == Verdict::kFail);
    CHECK_THAT(result.summary, Contains("token_type_ids acts as attention_mask: its 0 hides a token"));
    CHECK(result.where == "");
  }
}

TEST_CASE("inputs: a mask that acts as segments, hides by its ones, or does nothing, fails by its name") {
  Wrapped wrapped;
  wrapped.call = "input_ids, torch.ones_like(attention_mask), attention_mask";
  CHECK_THAT(check_wrapped(wrapped).summary, Contains("attention_mask changes the outputs and hides nothing"));
  wrapped.call = "input_ids, 1 - attention_mask, token_type_ids";
  CHECK_THAT(check_wrapped(wrapped).summary, Contains("attention_mask is the wrong way round"));
  wrapped.call = "input_ids, torch.ones_like(input_ids), token_type_ids";
  const CheckResult ignored = check_wrapped(wrapped);
  CHECK(ignored.verdict == Verdict::kFail);
  CHECK(ignored.where == "");
  CHECK_THAT(ignored.summary, Contains("attention_mask has no effect"));
}

TEST_CASE("inputs: mask and segments that were exchanged both fail") {
  Wrapped wrapped;
  wrapped.call = "input_ids, token_type_ids, attention_mask";
  const CheckResult result = check_wrapped(wrapped);
  CHECK(result.verdict == Verdict::kFail);
  CHECK_THAT(result.summary, Contains("attention_mask changes the outputs and hides nothing"));
  CHECK_THAT(result.summary, Contains("token_type_ids acts as attention_mask"));
}

TEST_CASE("inputs: segments that the code of a network with a table of them does not use fail at the embeddings") {
  Wrapped wrapped;
  wrapped.call = "input_ids, attention_mask, torch.zeros_like(input_ids)";
  const CheckResult result = check_wrapped(wrapped);
  INFO(result.summary);
  CHECK_THAT(result.summary, Contains("token_type_ids has no effect"));
  CHECK(result.verdict == Verdict::kFail);
  CHECK_THAT(result.where, Contains("embeddings"));
}

TEST_CASE("inputs: an input that is changed in place fails, and one that is returned is noted") {
  Wrapped wrapped;
  wrapped.call = "input_ids.clamp_(6, 60), attention_mask, token_type_ids";
  CHECK_THAT(check_wrapped(wrapped).summary, Contains("input_ids is changed in place"));

  const TempDir dir;
  VerifyOptions options =
      options_for(save(testing::scripted("def forward(self, x):\n    return x.view(-1)\n"), dir / "p.pt"), "inputs");
  options.inputs.input = {"x=randn:3x5"};
  const CheckResult returned = one_check(options);
  CHECK(returned.verdict == Verdict::kPass);
  CHECK(field<bool>(argument(returned, "x"), "shared_with_an_output"));
}

TEST_CASE("inputs: a word or a position whose row is no number is named, with its table") {
  const TempDir dir;
  const std::string path = traced("tiny-bert", dir / "m.pt");
  lose_row(path, "embeddings.word_embeddings.weight", 77);
  const CheckResult word = one_check(options_for(path, "inputs"));
  CHECK(word.verdict == Verdict::kFail);
  CHECK(word.where == "embeddings.word_embeddings");
  CHECK(evidence<std::vector<int64_t>>(word, "words_without_numbers") == std::vector<int64_t>{77});
  CHECK_THAT(word.summary, Contains("input_ids 77 give NaN"));

  const std::string far = traced("tiny-bert", dir / "p.pt");
  lose_row(far, "embeddings.position_embeddings.weight", 63);
  const CheckResult position = one_check(options_for(far, "inputs"));
  CHECK(position.verdict == Verdict::kFail);
  CHECK(position.where == "embeddings.position_embeddings");
  CHECK_THAT(position.summary, Contains("a row of the longest length, 64, gives NaN"));
}

TEST_CASE("inputs: an argument of another program that does nothing is a warning") {
  const TempDir dir;
  VerifyOptions options =
      options_for(save(testing::scripted("def forward(self, x, unused):\n    return x * 2\n"), dir / "p.pt"), "inputs");
  options.inputs.input = {"x=randn:3x5", "unused=randn:3x5"};
  const CheckResult result = one_check(options);
  CHECK(result.verdict == Verdict::kWarn);
  CHECK_THAT(result.summary, Contains("unused has no effect"));
}

}  // namespace bertjit
