#include "trace/trace.h"

#include <algorithm>
#include <filesystem>

#include "checksum/sha512.h"
#include "module/load.h"
#include "testing/error_of.h"

namespace bertjit {

namespace fs = std::filesystem;

using Catch::Matchers::Contains;
using testing::error_of;
using testing::read_bytes;
using testing::TempDir;
using testing::testdata;

namespace {

TraceOptions options_for(const std::string& model, const fs::path& output) {
  TraceOptions options;
  options.source.path = testdata(model).string();
  options.output = output.string();
  return options;
}

std::string code_of(const torch::jit::Module& module) {
  std::string code;
  for (const auto& part : module.modules()) {
    for (const auto& method : part.get_methods()) {
      code += method.graph()->toString();
    }
  }
  return code;
}

}  // namespace

TEST_CASE("trace: writes a checked file with its claims, and says what was bound how") {
  const TempDir dir;
  TraceOptions options = options_for("tiny-bert-mlm", dir / "mlm.pt");
  options.check_shapes = {"1x7", "8x32"};
  const TraceResult result = trace(options);
  CHECK(result.passed);
  CHECK(result.output == options.output);
  CHECK(result.checkpoint->choice.head == "BertForMaskedLM");
  CHECK(result.checkpoint->attention == "sdpa");
  CHECK(result.checkpoint->tie == "clone");
  CHECK(result.archive_name == "mlm");
  CHECK(result.example == "the guide's sentence pair");
  CHECK(result.size_bytes == fs::file_size(dir / "mlm.pt"));
  CHECK(result.sha512.empty());
  REQUIRE(result.inputs.size() == 3);
  CHECK(result.inputs[0].name == "input_ids");
  CHECK(result.inputs[0].dtype == "int64");
  REQUIRE(result.outputs.size() == 1);
  CHECK(result.outputs[0].name == "logits");
  CHECK(result.outputs[0].shape.back() == 163);
  REQUIRE(result.checks.size() == 3);
  for (const auto& check : result.checks) {
    INFO(check.id << ": " << check.summary);
    CHECK(check.verdict == Verdict::kPass);
  }
  const LoadedModule loaded = load_module(dir / "mlm.pt");
  REQUIRE(loaded.claims);
  CHECK(loaded.claims->architecture == "bert");
  CHECK(loaded.claims->head == "BertForMaskedLM");
  CHECK(loaded.claims->inputs == std::vector<std::string>{"input_ids", "attention_mask", "token_type_ids"});
  CHECK(loaded.claims->outputs == std::vector<std::string>{"logits"});
  CHECK(loaded.claims->dtype == "float32");
  CHECK(loaded.claims->dynamic_batch == true);
  CHECK(loaded.claims->dynamic_length == true);
}

TEST_CASE("trace: the same call gives the same bytes; grad mode and thread count do not matter") {
  const TempDir one, two, three;
  TraceOptions options = options_for("tiny-bert", one / "m.pt");
  trace(options);
  options.output = (two / "m.pt").string();
  options.grad = GradMode::kOff;
  options.threads = 1;
  trace(options);
  CHECK(read_bytes(one / "m.pt") == read_bytes(two / "m.pt"));
  options.output = (three / "m.pt").string();
  options.archive_name = "other";
  CHECK(trace(options).archive_name == "other");
  CHECK(read_bytes(one / "m.pt") != read_bytes(three / "m.pt"));
}

TEST_CASE("trace: --checksum writes the line that sha512sum would print in that folder") {
  const TempDir dir;
  TraceOptions options = options_for("tiny-bert", dir / "m.pt");
  options.checksum = true;
  const TraceResult result = trace(options);
  CHECK(result.sha512 == to_hex(hash_file(dir / "m.pt")));
  CHECK(result.checksum_file == options.output + ".sha512");
  CHECK(read_bytes(dir / "m.pt.sha512") == result.sha512 + "  m.pt\n");
}

TEST_CASE("trace: a shared tied decoder makes a smaller file than a copied one") {
  const TempDir dir;
  TraceOptions options = options_for("tiny-bert-mlm", dir / "clone.pt");
  const uint64_t cloned = trace(options).size_bytes;
  options.output = (dir / "share.pt").string();
  options.source.model.tie = Tie::kShare;
  const TraceResult shared = trace(options);
  CHECK(shared.checkpoint->tie == "share");
  CHECK(cloned - shared.size_bytes >= 163 * 32 * 4);
}

TEST_CASE("trace: fixed shapes are claimed, and a further shape then fails the check and writes nothing") {
  const TempDir dir;
  TraceOptions options = options_for("tiny-bert", dir / "m.pt");
  options.fixed_shapes = true;
  CHECK(trace(options).passed);
  CHECK(load_module(dir / "m.pt").claims->dynamic_length == false);
  const std::string before = read_bytes(dir / "m.pt");
  options.check_shapes = {"3x5"};
  options.checksum = true;
  const TraceResult result = trace(options);
  CHECK_FALSE(result.passed);
  CHECK(result.output.empty());
  const auto failed = std::find_if(result.checks.begin(), result.checks.end(),
                                   [](const CheckResult& check) { return check.verdict == Verdict::kFail; });
  REQUIRE(failed != result.checks.end());
  CHECK(failed->id == "check-inputs");
  CHECK(failed->where == "shape 3x5");
  CHECK(read_bytes(dir / "m.pt") == before);
  CHECK_FALSE(fs::exists(dir / "m.pt.sha512"));
}

TEST_CASE("trace: every unreadable checkpoint is an Error that names it, and leaves no file") {
  const TempDir dir;
  for (const auto& [name, kind, words] : std::vector<std::tuple<std::string, ErrorKind, std::string>>{
           {"no_config", ErrorKind::kNotFound, "has no config.json"},
           {"no_weights", ErrorKind::kNotFound, "has no weights"},
           {"bad_json_config", ErrorKind::kCorrupt, "is not valid JSON"},
           {"unknown_model_type", ErrorKind::kUnsupported, "is not supported"},
           {"unknown_activation", ErrorKind::kUnsupported, "is not supported"},
           {"heads_do_not_divide_hidden_size", ErrorKind::kCorrupt, "the number of attention heads 3"},
           {"missing_tensor", ErrorKind::kCorrupt, "missing (1)"},
           {"wrong_shape", ErrorKind::kCorrupt, "config.json says"},
           {"config_vocab_size_disagrees", ErrorKind::kCorrupt, "config.json says"},
           {"truncated_header", ErrorKind::kCorrupt, "model.safetensors"},
           {"tensor_past_end", ErrorKind::kCorrupt, "model.safetensors"}}) {
    INFO(name);
    const Error error = error_of([&, &model = name] { trace(options_for("broken/" + model, dir / "m.pt")); });
    CHECK(error.kind() == kind);
    CHECK_THAT(error.what(), Contains(words));
    CHECK(fs::is_empty(dir.path()));
  }
  CHECK(trace(options_for("broken/intact", dir / "m.pt")).passed);
}

TEST_CASE("trace: ids and lengths beyond the model are refused before anything is recorded") {
  const TempDir dir;
  TraceOptions options = options_for("tiny-bert", dir / "m.pt");
  options.inputs.input = {"input_ids=[[5, 163]]"};
  CHECK_THAT(error_of([&] { trace(options); }).what(), Contains("input_ids holds 163 at [0, 1]"));
  options.inputs.input = {"input_ids=ones:1x65"};
  CHECK_THAT(error_of([&] { trace(options); }).what(), Contains("longer than max_position_embeddings 64"));
  CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("trace: NaN in a weight fails the example check, since NaN equals nothing") {
  const TempDir dir;
  const TraceResult result = trace(options_for("broken/nan_weight", dir / "m.pt"));
  CHECK_FALSE(result.passed);
  CHECK(result.checks.at(0).verdict == Verdict::kFail);
  CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("trace: a fused file passes its checks at every shape, keeps its names, and holds no plain linear layer") {
  const TempDir dir;
  for (const char* model : {"tiny-bert", "tiny-bert-mlm", "family/distilbert"}) {
    for (const bool freeze : {false, true}) {
      INFO(model << (freeze ? ", frozen" : ""));
      TraceOptions options;
      options.source.path = testdata(model).string();
      options.output = (dir / "plain.pt").string();
      REQUIRE(trace(options).passed);
      options.output = (dir / "fused.pt").string();
      options.fuse = true;
      options.freeze = freeze;
      options.check_shapes = {"1x7", "8x32"};
      const TraceResult result = trace(options);
      REQUIRE(result.passed);
      const torch::jit::Module plain = load_module(dir / "plain.pt").module;
      const torch::jit::Module fused = load_module(dir / "fused.pt").module;
      CHECK_THAT(code_of(fused), Contains("\"gelu\"") && !Contains("aten::linear(") && !Contains("aten::gelu("));
      if (!freeze) {
        std::vector<std::string> expected, names;
        for (const auto& parameter : plain.named_parameters()) {
          expected.push_back(parameter.name);
        }
        for (const auto& parameter : fused.named_parameters()) {
          names.push_back(parameter.name);
        }
        CHECK(names == expected);
      }
    }
  }
}

}  // namespace bertjit
