// What `verify` says of files that `quantize` wrote, honest and broken ones.
#include <algorithm>
#include <filesystem>

#include <ATen/core/dispatch/Dispatcher.h>

#include "module/load.h"
#include "module/module_testing.h"
#include "quantize/packing.h"
#include "quantize/quantize.h"
#include "testing/testing.h"
#include "trace/trace.h"
#include "verify/verify.h"

namespace bertjit {

namespace fs = std::filesystem;
namespace jit = torch::jit;
using Catch::Matchers::Contains;
using testing::TempDir;
using testing::testdata;

namespace {

constexpr const char* kQuery = "bert.encoder.layer.0.attention.self.query";
constexpr const char* kKey = "bert.encoder.layer.0.attention.self.key";
constexpr const char* kDecoder = "cls.predictions.decoder";

/// An int8 file of `source`, and how it was asked for.
std::string quantized(const std::string& source, const fs::path& output,
                      QuantizeScheme scheme = QuantizeScheme::kPerToken,
                      EmbeddingScheme embeddings = EmbeddingScheme::kFloat32) {
  QuantizeOptions options;
  options.source.path = source;
  options.output = output.string();
  options.scheme = scheme;
  options.embeddings = embeddings;
  options.threads = 1;
  const QuantizeResult result = quantize(options);
  INFO(source);
  REQUIRE(result.passed);
  return options.output;
}

VerifyResult verified(const std::string& module, const std::string& source, std::vector<std::string> only = {}) {
  VerifyOptions options;
  options.module = module;
  options.source.path = source;
  options.only = std::move(only);
  options.threads = 1;
  return verify(options);
}

const CheckResult& check_of(const VerifyResult& result, const std::string& id) {
  return *std::ranges::find(result.checks, id, &CheckResult::id);
}

/// What failed, for the message of a test.
std::string complaints(const VerifyResult& result) {
  std::string text;
  for (const CheckResult& check : result.checks) {
    text += check.verdict == Verdict::kFail ? check.id + ": " + check.summary + "\n" : "";
  }
  return text;
}

jit::Module part(const jit::Module& root, const std::string& path) {
  for (const auto& item : root.named_modules()) {
    if (item.name == path) {
      return item.value;
    }
  }
  throw std::runtime_error("no module " + path);
}

/// The int8 weight that is packed in `layer`.
at::Tensor unpacked(const jit::Module& layer) {
  jit::Stack stack{layer.attr("_packed_params")};
  c10::Dispatcher::singleton().findSchemaOrThrow("quantized::linear_unpack", "").callBoxed(stack);
  return stack.at(0).toTensor();
}

at::Tensor packed_bias(const jit::Module& layer) {
  jit::Stack stack{layer.attr("_packed_params")};
  c10::Dispatcher::singleton().findSchemaOrThrow("quantized::linear_unpack", "").callBoxed(stack);
  return stack.at(1).isTensor() ? stack.at(1).toTensor() : at::Tensor();
}

/// The file with the weight of `layer` changed.
template <typename Change>
std::string with_weight(const std::string& path, const std::string& layer, const fs::path& output, Change change) {
  LoadedModule loaded = load_module(path);
  jit::Module changed = part(loaded.module, layer);
  changed.setattr("_packed_params", pack_linear(change(loaded.module, unpacked(changed)), packed_bias(changed)));
  return testing::save(loaded.module, output, loaded.claims);
}

std::vector<std::string> all_heads() {
  std::vector<std::string> folders;
  for (const char* parent : {"", "family"}) {
    for (const auto& entry : fs::directory_iterator(testdata(parent))) {
      const bool has_weights =
          fs::exists(entry.path() / "model.safetensors") || fs::exists(entry.path() / "pytorch_model.bin");
      if (has_weights && fs::exists(entry.path() / "config.json")) {
        folders.push_back(entry.path().string());
      }
    }
  }
  std::ranges::sort(folders);
  return folders;
}

}  // namespace

TEST_CASE("quantize: int8 of every head in testdata is its checkpoint to verify") {
  const TempDir folder;
  size_t count = 0;
  for (const std::string& source : all_heads()) {
    const std::string file = quantized(source, folder / "int8.pt", QuantizeScheme::kPerToken, EmbeddingScheme::kInt8);
    const VerifyResult result = verified(file, source, {"source", "claims", "weights", "rebuilt", "roundtrip"});
    INFO(source << "\n" << complaints(result));
    CHECK(result.passed);
    ++count;
  }
  CHECK(count > 60);
}

TEST_CASE("quantize: another layer's packed weight in an int8 file is found, and the layer is named") {
  const TempDir folder;
  const std::string source = testdata("tiny-bert-seqcls").string();
  for (const auto scheme : {QuantizeScheme::kPerTensor, QuantizeScheme::kPerChannel, QuantizeScheme::kPerToken}) {
    const std::string file = quantized(source, folder / "int8.pt", scheme);
    const std::string broken = with_weight(file, kQuery, folder / "broken.pt", [](const auto& module, const auto&) {
      return unpacked(part(module, kKey));
    });
    const VerifyResult result = verified(broken, source, {"source"});
    CHECK_FALSE(result.passed);
    CHECK(result.where == kQuery);
  }
}

TEST_CASE("quantize: a scale that was halved in an int8 file is found, and the layer is named") {
  const TempDir folder;
  const std::string source = testdata("tiny-bert-seqcls").string();
  const std::string file = quantized(source, folder / "int8.pt", QuantizeScheme::kPerTensor);
  const std::string broken = with_weight(file, kQuery, folder / "broken.pt", [](const auto&, const at::Tensor& weight) {
    return at::_make_per_tensor_quantized_tensor(weight.int_repr(), weight.q_scale() / 2, weight.q_zero_point());
  });
  const VerifyResult result = verified(broken, source, {"source"});
  CHECK_FALSE(result.passed);
  CHECK(result.where == kQuery);
}

TEST_CASE("quantize: a decoder that drifts from its word table after it was quantized is found with the source") {
  const TempDir folder;
  const std::string source = testdata("tiny-bert-mlm").string();
  const std::string file = quantized(source, folder / "int8.pt", QuantizeScheme::kPerChannel);
  CHECK(verified(file, source, {"source", "weights"}).passed);
  const std::string broken =
      with_weight(file, kDecoder, folder / "broken.pt", [](const auto&, const at::Tensor& weight) {
        const at::Tensor values = weight.dequantize();
        const at::Tensor noise = (at::arange(values.numel(), at::kFloat) * 2.3).sin().reshape(values.sizes());
        return quantize_weight(values + 0.05 * values.abs().mean() * noise, QuantizeScheme::kPerChannel);
      });
  const VerifyResult result = verified(broken, source, {"source", "weights"});
  INFO(complaints(result));
  CHECK_FALSE(result.passed);
  CHECK(check_of(result, "source").verdict == Verdict::kFail);
  CHECK(check_of(result, "source").where == kDecoder);
}

TEST_CASE("quantize: a decoder that the source has trained apart from its word table is no fault of its int8 file") {
  const TempDir folder;
  TraceOptions options;
  options.source.path = testdata("tiny-bert-mlm").string();
  options.output = (folder / "traced.pt").string();
  REQUIRE(trace(options).passed);
  LoadedModule loaded = load_module(options.output);
  {
    const at::NoGradGuard no_grad;
    at::Tensor weight = part(loaded.module, kDecoder).attr("weight").toTensor().detach();
    weight.add_(0.01 * weight.abs().mean() * (at::arange(weight.numel(), at::kFloat) * 2.3).sin().view_as(weight));
  }
  const std::string source = testing::save(loaded.module, folder / "apart.pt", loaded.claims);
  // Alone it looks like an accident; with the source it is what was trained.
  CHECK_THAT(check_of(verified(source, "", {"weights"}), "weights").summary, Contains("is nearly"));
  for (const auto embeddings : {EmbeddingScheme::kFloat32, EmbeddingScheme::kInt8}) {
    const std::string file = quantized(source, folder / "int8.pt", QuantizeScheme::kPerChannel, embeddings);
    const VerifyResult result = verified(file, source, {"source", "weights"});
    INFO(complaints(result));
    CHECK(result.passed);
  }
}

}  // namespace bertjit
