// The checks that compare a module with something: checksum, check-inputs, source, golden; and verify as a whole.
#include <algorithm>

#include "checksum/sha512.h"
#include "verify/verify_testing.h"

namespace bertjit {

namespace fs = std::filesystem;

using Catch::Matchers::Contains;
using testing::change_weight;
using testing::error_of;
using testing::evidence;
using testing::one_check;
using testing::options_for;
using testing::save;
using testing::scripted;
using testing::TempDir;
using testing::testdata;
using testing::traced;
using testing::write_bytes;
using testing::write_tensors;

namespace {

using Names = std::vector<std::string>;

/// Splits tiny-bert's recorded set into inputs and outputs, as files of their own.
struct Recorded {
  std::string inputs;
  std::string outputs;
};

Recorded recorded(const fs::path& folder, const std::string& set, double error = 0) {
  const TensorFile io = read_npz(testdata("golden/tiny-bert.npz"));
  std::vector<std::pair<std::string, at::Tensor>> inputs, outputs;
  for (const auto& view : io.tensors) {
    if (view.name.starts_with(set + ".out.")) {
      at::Tensor tensor = tensor_from_view(view).clone();
      tensor.flatten()[3].add_(error);
      outputs.emplace_back(view.name.substr(6), tensor);
    } else if (view.name.starts_with(set + ".")) {
      inputs.emplace_back(view.name.substr(2), tensor_from_view(view));
    }
  }
  return {write_tensors(folder / (set + ".npz"), inputs), write_tensors(folder / (set + ".out.npz"), outputs)};
}

VerifyOptions with_source(const std::string& module, const std::string& check, const std::string& source) {
  VerifyOptions options = options_for(module, check);
  options.source.path = testdata(source).string();
  return options;
}

}  // namespace

TEST_CASE("checksum: the listed SHA-512 passes, another one fails with both, none listed is no answer") {
  const TempDir dir;
  const std::string path = traced("tiny-bert", dir / "m.pt");
  VerifyOptions options = options_for(path, "checksum");
  CHECK(one_check(options).verdict == Verdict::kSkip);
  CHECK(verify(options).nothing_checked);

  const std::string digest = to_hex(hash_file(path));
  options.checksums = (dir / "SHA512SUMS").string();
  write_bytes(options.checksums, std::string(128, '0') + "  other.pt\n" + digest + "  m.pt\n");
  CHECK(one_check(options).verdict == Verdict::kPass);
  CHECK(verify(options).passed);

  write_bytes(options.checksums, std::string(128, '0') + "  m.pt\n");
  const CheckResult wrong = one_check(options);
  CHECK(wrong.verdict == Verdict::kFail);
  CHECK(wrong.where == path);
  CHECK(evidence<std::string>(wrong, "expected") == std::string(128, '0'));
  CHECK(evidence<std::string>(wrong, "actual") == digest);

  write_bytes(options.checksums, digest + "  other.pt\n");
  CHECK(error_of([&] { verify(options); }).kind() == ErrorKind::kNotFound);
}

TEST_CASE("source: every tiny model's trace is its checkpoint's, weights bit for bit") {
  for (const char* name :
       {"tiny-bert", "tiny-bert-nopool", "tiny-bert-mlm", "tiny-bert-pretraining", "tiny-bert-seqcls"}) {
    INFO(name);
    const TempDir dir;
    const CheckResult result = one_check(with_source(traced(name, dir / "m.pt"), "source", name));
    CHECK(result.verdict == Verdict::kPass);
    CHECK(evidence<int64_t>(result, "weights_compared") > 30);
    CHECK(evidence<Names>(result, "different_weights").empty());
    CHECK(evidence<Names>(result, "weights_not_in_the_file").empty());
    CHECK(evidence<Names>(result, "tensors_not_in_the_source").empty());
  }
}

TEST_CASE("source: one weight changed by 1e-3 fails and names the tensor, even where no output shows it") {
  const TempDir dir;
  const std::string path = traced("tiny-bert", dir / "m.pt");
  // Of the word table it is row 0, [PAD], which no token of the example uses.
  for (const std::string name : {"encoder.layer.1.output.dense.weight", "embeddings.word_embeddings.weight"}) {
    const TempDir other;
    fs::copy_file(path, other / "m.pt");
    change_weight((other / "m.pt").string(), name, 1e-3);
    const CheckResult result = one_check(with_source((other / "m.pt").string(), "source", "tiny-bert"));
    CHECK(result.verdict == Verdict::kFail);
    CHECK(result.where == name.substr(0, name.rfind('.')));
    CHECK(evidence<Names>(result, "different_weights") == Names{name});
    CHECK_THAT(result.summary, Contains(name));
    CHECK_THAT(result.summary, Contains("0.001"));
  }
}

TEST_CASE("source: another checkpoint's file fails") {
  const TempDir dir;
  CHECK(one_check(with_source(traced("tiny-bert", dir / "m.pt"), "source", "tiny-bert-nopool")).verdict ==
        Verdict::kFail);
  CHECK(one_check(options_for((dir / "m.pt").string(), "source")).verdict == Verdict::kSkip);
}

TEST_CASE("source: a factor folded into weights is the same model, unless the outputs say otherwise") {
  const TempDir dir;
  LoadedModule loaded = load_module(traced("tiny-bert", dir / "m.pt"));
  const auto scale = [&](const std::string& name, double factor) {
    for (const auto& parameter : loaded.module.named_parameters()) {
      if (parameter.name == name) {
        const at::NoGradGuard no_grad;
        parameter.value.detach().mul_(factor);
      }
    }
  };
  // Attention sees the product of query and key: two times one, half of the other.
  for (const char* part : {"weight", "bias"}) {
    scale(std::string("encoder.layer.0.attention.self.query.") + part, 2);
    scale(std::string("encoder.layer.0.attention.self.key.") + part, 0.5);
  }
  const CheckResult folded = one_check(with_source(save(loaded.module, dir / "f.pt"), "source", "tiny-bert"));
  CHECK(folded.verdict == Verdict::kPass);
  CHECK(evidence<Names>(folded, "rescaled_weights").size() == 4);
  scale("encoder.layer.0.attention.self.key.weight", 2);
  const CheckResult wrong = one_check(with_source(save(loaded.module, dir / "f.pt"), "source", "tiny-bert"));
  CHECK(wrong.verdict == Verdict::kFail);
}

TEST_CASE("source: a lone tensor is the same answer as a tuple of one") {
  const TempDir dir;
  const LoadedModule loaded = load_module(traced("tiny-bert-seqcls", dir / "m.pt"));
  torch::jit::Module wrapper("Wrapper");
  wrapper.register_module("inner", loaded.module);
  wrapper.define(R"(
def forward(self, input_ids, attention_mask, token_type_ids):
    return self.inner.forward(input_ids, attention_mask, token_type_ids)[0]
)");
  CHECK(one_check(with_source(save(wrapper, dir / "w.pt"), "shapes", "tiny-bert-seqcls")).verdict == Verdict::kPass);
}

TEST_CASE("check-inputs: every further input is tried, and the first that differs is named") {
  const TempDir dir;
  const std::string path = traced("tiny-bert", dir / "m.pt");
  VerifyOptions options = with_source(path, "check-inputs", "tiny-bert");
  CHECK(one_check(options).verdict == Verdict::kSkip);
  options.check_inputs = {recorded(dir.path(), "a").inputs, recorded(dir.path(), "b").inputs};
  options.check_shapes = {"1x1", "4x64"};
  const CheckResult result = one_check(options);
  CHECK(result.verdict == Verdict::kPass);
  CHECK(evidence<int64_t>(result, "inputs") == 4);

  options.module = traced("tiny-bert", dir / "fixed.pt", /*fixed_shapes=*/true);
  options.inputs.input = {"input_ids=[[5, 6, 7]]"};
  const CheckResult fixed = one_check(options);
  CHECK(fixed.verdict == Verdict::kFail);
  CHECK(evidence<int64_t>(fixed, "failed") == 4);
  CHECK(fixed.where == options.check_inputs[0]);

  change_weight(path, "pooler.dense.bias", 0.1);
  options.module = path;
  const CheckResult changed = one_check(options);
  CHECK(changed.verdict == Verdict::kFail);
  CHECK_THAT(changed.summary, Contains("pooler_output"));

  options.source.path = "";
  CHECK(one_check(options).verdict == Verdict::kSkip);
}

TEST_CASE("golden: transformers' recorded outputs pass, one element off by 1e-4 fails by name") {
  // Outputs: scripts/make_testdata.py (transformers 4.57.6, torch 2.13.0).
  const TempDir dir;
  VerifyOptions options = options_for(traced("tiny-bert", dir / "m.pt"), "golden");
  CHECK(one_check(options).verdict == Verdict::kSkip);
  const Recorded a = recorded(dir.path(), "a");
  const Recorded b = recorded(dir.path(), "b");
  options.inputs.inputs = a.inputs;
  options.golden = a.outputs;
  options.check_inputs = {b.inputs};
  options.check_golden = {b.outputs};
  CHECK(one_check(options).verdict == Verdict::kPass);

  options.check_golden = {recorded(dir.path(), "b", 1e-4).outputs};
  const CheckResult wrong = one_check(options);
  CHECK(wrong.verdict == Verdict::kFail);
  CHECK(wrong.where == "last_hidden_state");
  CHECK_THAT(wrong.summary, Contains("1 of "));
  options.atol = 1e-3;
  CHECK(one_check(options).verdict == Verdict::kPass);

  options.golden = write_tensors(dir / "names.npz", {{"logits", at::ones({2, 2})}});
  CHECK_THAT(error_of([&] { verify(options); }).what(),
             Contains("holds 'logits', the module returns last_hidden_state, pooler_output"));
  options.golden = write_tensors(dir / "shape.npz", {{"pooler_output", at::ones({2, 2})}});
  CHECK(one_check(options).verdict == Verdict::kFail);
}

TEST_CASE("golden: one unnamed output is compared with the one recording, whatever that is called") {
  const TempDir dir;
  const auto module = scripted(testing::kSoundForward);
  VerifyOptions options = options_for(save(module, dir / "m.pt"), "golden");
  options.inputs.input = {"input_ids=[[1, 2, 3]]"};
  at::Tensor answer = torch::jit::Module(module).forward({at::arange(1, 4, at::kLong).unsqueeze(0)}).toTensor();
  options.golden = write_tensors(dir / "g.npz", {{"logits", answer}});
  CHECK(one_check(options).verdict == Verdict::kPass);
  options.golden = write_tensors(dir / "g.npz", {{"logits", answer.detach() + 1e-3}});
  CHECK(one_check(options).verdict == Verdict::kFail);
}

TEST_CASE("golden: NaN never passes, recorded or returned") {
  const TempDir dir;
  VerifyOptions options = options_for(
      save(scripted("def forward(self, input_ids):\n    return torch.log(self.scale * -1)\n"), dir / "m.pt"), "golden");
  options.golden = write_tensors(dir / "g.npz", {{"x", at::full({4}, std::nan(""))}});
  CHECK(one_check(options).verdict == Verdict::kFail);
}

TEST_CASE("verify: a sound trace passes every check that can run, in the order of the list") {
  const Names nothing_to_hold_to = {"checksum", "golden", "task", "target"};
  const TempDir dir;
  VerifyOptions options;
  options.module = traced("tiny-bert", dir / "m.pt");
  options.source.path = testdata("tiny-bert").string();
  options.check_shapes = {"1x7", "8x32"};
  const VerifyResult result = verify(options);
  CHECK(result.passed);
  CHECK_FALSE(result.nothing_checked);
  CHECK(result.example == "the guide's sentence pair");
  Names ids;
  for (const auto& check : result.checks) {
    ids.push_back(check.id);
    const bool is_left_out = std::ranges::count(nothing_to_hold_to, check.id) > 0;
    INFO(check.id << ": " << check.summary);
    CHECK(check.verdict == (is_left_out ? Verdict::kSkip : Verdict::kPass));
  }
  CHECK(ids == verify_check_ids());
  CHECK(ids == Names{"safety", "checksum", "grad-mode", "roundtrip", "repeat", "train-mode", "shapes", "check-inputs",
                     "metamorphic", "inputs", "constants", "source", "rebuilt", "golden", "task", "claims", "target",
                     "weights"});
}

TEST_CASE("verify: a failed check does not stop the others; --only and --skip choose") {
  const TempDir dir;
  VerifyOptions options;
  options.module = traced("tiny-bert", dir / "m.pt");
  change_weight(options.module, "pooler.dense.bias", 0.1);
  options.source.path = testdata("tiny-bert").string();
  options.skip = {"repeat", "checksum"};
  const VerifyResult result = verify(options);
  CHECK_FALSE(result.passed);
  CHECK(result.checks.size() == verify_check_ids().size() - 2);
  const auto failed = [](const CheckResult& check) { return check.verdict == Verdict::kFail; };
  CHECK(std::count_if(result.checks.begin(), result.checks.end(), failed) == 2);  // shapes, source
  options.only = {"roundtrip", "repeat"};
  CHECK(verify(options).checks.size() == 1);
  CHECK(verify(options).passed);
}

TEST_CASE("verify: what gives no answer is an Error: unknown ids, more goldens than inputs, broken files") {
  const TempDir dir;
  VerifyOptions options = options_for(traced("tiny-bert", dir / "m.pt"), "outputs");
  CHECK_THAT(error_of([&] { verify(options); }).what(),
             Contains("--only outputs: no check has that id (known: safety, checksum"));
  options.only = {};
  options.skip = {"everything"};
  CHECK_THAT(error_of([&] { verify(options); }).what(), Contains("--skip everything"));
  options.skip = {};
  options.check_golden = {"x.npz"};
  CHECK_THAT(error_of([&] { verify(options); }).what(), Contains("--check-golden is given 1 times"));
  options.check_golden = {};
  const std::string bytes = testing::read_bytes(options.module);
  write_bytes(options.module, bytes.substr(0, bytes.size() / 2));
  CHECK(error_of([&] { verify(options); }).kind() == ErrorKind::kCorrupt);
  options.module = (dir / "absent.pt").string();
  CHECK(error_of([&] { verify(options); }).kind() == ErrorKind::kNotFound);
}

TEST_CASE("verify: a module of which nothing is known and that refuses the example is an Error in libtorch's words") {
  const TempDir dir;
  VerifyOptions options;
  options.module = save(scripted("def forward(self, input_ids):\n    return self.scale.view([3])\n"), dir / "m.pt");
  options.only = {"grad-mode", "repeat"};
  CHECK_THAT(error_of([&] { verify(options); }).what(),
             Contains("does not run on input_ids [1, 14]: shape '[3]' is invalid"));
}

}  // namespace bertjit
