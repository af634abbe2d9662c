// `run --generate` as its user sees it; which tokens are chosen is tested in lib/run/generate_test.cpp.
#include <fstream>

#include "cli_testing.h"

namespace bertjit {

namespace fs = std::filesystem;

using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using testing::run_bertjit;
using testing::TempDir;
using testing::testdata;

namespace {

/// A translator of random weights with a tokenizer.
struct Translator {
  TempDir temp;
  std::string folder = (temp / "translator").string();
  std::string config = folder + "/config.json";

  Translator() {
    fs::copy(testdata("tok-marian"), folder);
    std::ofstream(config) << R"({"architectures": ["MarianMTModel"], "model_type": "marian", "vocab_size": 453,
      "d_model": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_layers": 1,
      "decoder_attention_heads": 2, "decoder_ffn_dim": 16, "max_position_embeddings": 48, "initializer_range": 0.4,
      "tie_word_embeddings": false, "decoder_start_token_id": 452, "pad_token_id": 452, "max_length": 9,
      "bad_words_ids": [[452]]})";
  }
};

}  // namespace

TEST_CASE("run --generate: a text becomes ids and a text, the same from a checkpoint and from its trace") {
  const Translator translator;
  const std::vector<std::string> text = {"--text", "a house", "--generate", "--format", "json", "--quiet"};
  std::vector<std::string> eager = {"run", translator.config, "--init", "random", "--seed", "2"};
  eager.insert(eager.end(), text.begin(), text.end());
  const auto from_checkpoint = run_bertjit(eager);
  INFO(from_checkpoint);
  REQUIRE(from_checkpoint.exit_code == 0);
  const auto document = testing::parse_json(from_checkpoint.out);
  CHECK(document["schema"] == "bertjit.run/1");
  CHECK(document["inputs"][2]["name"] == "decoder_input_ids");
  CHECK(document["inputs"][2]["shape"] == nlohmann::json({1, 1}));
  const auto& ids = document["generated"]["ids"];
  REQUIRE(ids.size() == 1);
  CHECK(ids[0].front() == 452);
  CHECK(ids[0].back() == 0);
  CHECK(ids[0].size() == 9);
  REQUIRE(document["generated"]["text"].size() == 1);
  CHECK_FALSE(document["generated"]["text"][0].get<std::string>().empty());

  const std::string file = (translator.temp / "mt.pt").string();
  REQUIRE(run_bertjit({"trace", translator.config, "--init", "random", "--seed", "2", "-o", file}).exit_code == 0);
  std::vector<std::string> traced = {"run", file, "--tokenizer", translator.folder};
  traced.insert(traced.end(), text.begin(), text.end());
  const auto from_trace = run_bertjit(traced);
  INFO(from_trace);
  REQUIRE(from_trace.exit_code == 0);
  CHECK(testing::parse_json(from_trace.out)["generated"] == document["generated"]);
}

TEST_CASE("run --generate: the text form ends with the ids as Python prints them, and the text") {
  const Translator translator;
  const std::vector<std::string> arguments = {"run",    translator.config,  "--init",  "random",
                                              "--text", "a house",          "--quiet", "--grad",
                                              "off",    "--max-new-tokens", "1"};
  auto generating = arguments;
  generating.emplace_back("--generate");
  const auto output = run_bertjit(generating);
  INFO(output);
  CHECK(output.exit_code == 0);
  // One new token is the end that is forced at the greatest length, which is no text.
  CHECK_THAT(output.out, EndsWith(")\ntensor([[452,   0]])\n\n"));
  const auto refused = run_bertjit(arguments);
  CHECK(refused.exit_code == 2);
  CHECK(refused.out.empty());
  CHECK_THAT(refused.err, Contains("--max-new-tokens needs --generate"));
}

TEST_CASE("run --generate: without a tokenizer ids are continued and there is no text; a batch has a row each") {
  const auto output = run_bertjit({"run", testdata("family/marian-mt").string(), "--input",
                                   "input_ids=[[5, 9, 3], [7, 7, 7]]", "--generate", "--format", "json", "--quiet"});
  INFO(output);
  REQUIRE(output.exit_code == 0);
  const auto generated = testing::parse_json(output.out)["generated"];
  CHECK(generated["ids"].size() == 2);
  CHECK(generated["text"].is_null());
  const auto plain = run_bertjit({"run", testdata("family/marian-mt").string(), "--format", "json", "--quiet"});
  CHECK(testing::parse_json(plain.out)["generated"].is_null());
}

TEST_CASE("run --generate: what cannot be generated from ends with 2 and says why") {
  const auto bert = run_bertjit({"run", testdata("tiny-bert").string(), "--generate"});
  CHECK(bert.exit_code == 2);
  CHECK_THAT(bert.err, Contains("--generate is for encoder-decoders"));
  const auto none = run_bertjit({"run", testdata("family/marian-mt").string(), "--generate", "--max-new-tokens", "0"});
  CHECK(none.exit_code == 2);
  CHECK_THAT(none.err, Contains("--max-new-tokens"));
}

TEST_CASE("verify: an encoder-decoder's trace passes every check, and a changed bias of its logits is named") {
  const TempDir temp;
  const std::string model = testdata("family/marian-mt").string();
  const std::string other = testdata("family/marian-mt").parent_path().string() + "/marian-mt-two-vocabularies";
  const std::string file = (temp / "mt.pt").string();
  REQUIRE(run_bertjit({"trace", model, "-o", file, "--check-shapes", "2x9"}).exit_code == 0);
  const auto passed = run_bertjit({"verify", file, "--source", model, "--check-shapes", "2x9,1x1", "--format", "json"});
  INFO(passed);
  CHECK(passed.exit_code == 0);
  const auto shapes = testing::find_check(testing::parse_json(passed.out), "shapes");
  CHECK(shapes["verdict"] == "pass");
  CHECK_THAT(shapes["summary"].get<std::string>(), Contains("equal the source"));
  CHECK(run_bertjit({"verify", file, "--source", other, "--only", "source"}).exit_code != 0);

  // The buffer alone is another.
  fs::copy(model, temp / "changed");
  fs::permissions(temp / "changed/model.safetensors", fs::perms::owner_write, fs::perm_options::add);
  std::string bytes = testing::read_bytes(temp / "changed/model.safetensors");
  const auto header = testing::parse_json(
      bytes.substr(8, static_cast<unsigned char>(bytes[0]) + 256 * static_cast<unsigned char>(bytes[1])));
  const size_t data = 8 + static_cast<unsigned char>(bytes[0]) + 256 * static_cast<unsigned char>(bytes[1]);
  bytes[data + header["final_logits_bias"]["data_offsets"][0].get<size_t>() + 2] ^= 0x40;
  testing::write_bytes(temp / "changed/model.safetensors", bytes);
  const auto failed =
      run_bertjit({"verify", file, "--source", (temp / "changed").string(), "--only", "source", "--format", "json"});
  CHECK(failed.exit_code == 1);
  const auto source = testing::find_check(testing::parse_json(failed.out), "source");
  CHECK(source["verdict"] == "fail");
  CHECK(source["where"] == "final_logits_bias");
  CHECK(source["evidence"]["different_weights"] == nlohmann::json({"final_logits_bias"}));
}

TEST_CASE("verify: a trace of a model for choices passes, its shapes included") {
  const TempDir temp;
  const std::string model = testdata("family/bert-multiplechoice").string();
  const std::string file = (temp / "choice.pt").string();
  const auto traced = run_bertjit({"trace", model, "-o", file, "--check-shapes", "2x3x11"});
  INFO(traced);
  REQUIRE(traced.exit_code == 0);
  const auto passed = run_bertjit({"verify", file, "--source", model, "--format", "json"});
  INFO(passed);
  CHECK(passed.exit_code == 0);
  const auto shapes = testing::find_check(testing::parse_json(passed.out), "shapes");
  CHECK(shapes["verdict"] == "pass");
  CHECK_THAT(shapes["summary"].get<std::string>(), Contains("equal the source"));
  // By its claims alone it is known to take choices.
  const auto alone = run_bertjit({"run", file, "--input", "input_ids=[[5, 9, 3]]"});
  CHECK(alone.exit_code == 2);
  CHECK_THAT(alone.err, Contains("expected [batch, choices, length]"));
  CHECK(run_bertjit({"trace", model, "-o", file, "--check-shapes", "2x9"}).exit_code == 2);
}

}  // namespace bertjit
