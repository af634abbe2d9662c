// Greedy generation against transformers.
//
// Expected ids: scripts/testdata_generation.py (transformers 4.57.6, generate(num_beams=1, do_sample=False)), in
// testdata/family/<model>/generated.json.
#include "run/generate.h"

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "checkpoint/weights.h"
#include "container/npz.h"
#include "run/run.h"
#include "support/json.h"
#include "testing/error_of.h"
#include "trace/trace.h"

namespace bertjit {

namespace fs = std::filesystem;

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using testing::error_of;
using testing::TempDir;
using testing::testdata;

namespace {

void write_json(const fs::path& path, const nlohmann::json& json) {
  std::ofstream(path) << json.dump();
}

/// A copy of a model with a case's settings.
fs::path case_folder(const TempDir& temp, const fs::path& model, const nlohmann::json& test_case) {
  fs::copy(model, temp.path(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  nlohmann::json config = read_json_file(model / "config.json");
  config.update(test_case.value("config", nlohmann::json::object()));
  write_json(temp / "config.json", config);
  if (test_case.contains("generation_config")) {
    write_json(temp / "generation_config.json", test_case["generation_config"]);
  }
  return temp.path();
}

/// input_ids and attention_mask of a set of io.npz, as a file.
std::string source_inputs(const fs::path& folder, const std::string& set) {
  const TensorFile io = read_npz(folder / "io.npz");
  std::vector<TensorView> views;
  for (const std::string name : {"input_ids", "attention_mask"}) {
    if (const TensorView* view = io.find(set + "." + name)) {
      views.push_back({name, view->dtype, view->shape, view->bytes});
    }
  }
  write_npz(folder / "inputs.npz", views);
  return (folder / "inputs.npz").string();
}

RunOptions options_for(const fs::path& model) {
  RunOptions options;
  options.source.path = model.string();
  options.generate = true;
  options.grad = GradMode::kOff;
  return options;
}

std::string trace_file(const fs::path& model, const fs::path& output) {
  TraceOptions options;
  options.source.path = model.string();
  options.output = output.string();
  options.check = false;
  trace(options);
  return options.output;
}

nlohmann::json rows(RunResult result) {
  REQUIRE(result.generated.has_value());
  Array& ids = result.generated->ids;
  const at::Tensor tensor = tensor_from_view({ids.name, ids.dtype, ids.shape, ids.bytes}).contiguous();
  nlohmann::json lists = nlohmann::json::array();
  for (int64_t row = 0; row < tensor.size(0); ++row) {
    const auto* begin = tensor[row].const_data_ptr<int64_t>();
    lists.push_back(std::vector<int64_t>(begin, begin + tensor.size(1)));
  }
  return lists;
}

GenerationRules rules_of(const nlohmann::json& config, const nlohmann::json& generation_config = nullptr) {
  const TempDir temp;
  write_json(temp / "config.json", config);
  if (!generation_config.is_null()) {
    write_json(temp / "generation_config.json", generation_config);
  }
  return read_generation_rules(temp.path());
}

std::string refusal(const RunOptions& options, ErrorKind kind) {
  const Error error = error_of([&] { run(options); });
  CHECK(error.kind() == kind);
  return error.what();
}

}  // namespace

TEST_CASE("generate: a checkpoint and its trace choose the tokens that transformers chooses") {
  for (const char* name : {"marian-mt", "marian-mt-two-vocabularies"}) {
    const fs::path model = testdata("family") / name;
    const TempDir traced;
    const std::string file = trace_file(model, traced / "mt.pt");
    const nlohmann::json cases = read_json_file(model / "generated.json");
    REQUIRE(cases.size() == 16);
    for (const auto& test_case : cases) {
      INFO(name << " " << test_case);
      const TempDir temp;
      const fs::path folder = case_folder(temp, model, test_case);
      RunOptions options = options_for(folder);
      options.inputs.inputs = source_inputs(folder, test_case["set"]);
      if (test_case.contains("max_new_tokens")) {
        options.max_new_tokens = test_case["max_new_tokens"];
      }
      CHECK(rows(run(options)) == test_case["ids"]);
      options.source.path = file;
      options.inputs.tokenizer = folder.string();
      CHECK(rows(run(options)) == test_case["ids"]);
    }
  }
}

TEST_CASE("generate: ids that are given are continued") {
  const nlohmann::json cases = read_json_file(testdata("family/marian-mt/generated.json"));
  const auto& test_case = cases[8];  // no token twice in a row: each choice depends on all before it
  REQUIRE(test_case["generation_config"].contains("bad_words_ids"));
  const TempDir temp;
  const fs::path folder = case_folder(temp, testdata("family/marian-mt"), test_case);
  RunOptions options = options_for(folder);
  options.inputs.inputs = source_inputs(folder, test_case["set"]);
  nlohmann::json prompt = nlohmann::json::array();
  for (const auto& row : test_case["ids"]) {
    prompt.push_back(std::vector<int64_t>{row[0], row[1], row[2], row[3]});
  }
  options.inputs.input = {"decoder_input_ids=" + prompt.dump()};
  options.max_new_tokens = 17;
  CHECK(rows(run(options)) == test_case["ids"]);
}

TEST_CASE("generate: texts become the ids and texts of transformers, from a checkpoint and from its trace") {
  SKIP_WITHOUT_SHARED("fixtures/marian-mt");
  // transformers 4.57.6: MarianMTModel.from_pretrained(folder).generate(**MarianTokenizer.from_pretrained(folder)([s],
  // return_tensors="pt"), num_beams=1, do_sample=False) with the settings below; decode(skip_special_tokens=True).
  nlohmann::json bans = {{540}};
  for (int64_t i = 0; i < 541; ++i) {
    bans.push_back({i, i});
  }
  const nlohmann::json settings = {{"decoder_start_token_id", 540}, {"pad_token_id", 540}, {"eos_token_id", 0},
                                   {"forced_eos_token_id", 0},      {"max_length", 16},    {"bad_words_ids", bans}};
  struct Case {
    std::string text;
    std::vector<int64_t> ids;
    std::string answer;
  };
  const std::vector<Case> cases = {{"Hello world, how are you?",
                                    {540, 399, 293, 399, 293, 399, 293, 399, 293, 399, 293, 399, 293, 399, 293, 0},
                                    "่ Bush่ Bush่ Bush่ Bush่ Bush่ Bush่ Bush"},
                                   {"Who was Jim Henson ?",
                                    {540, 79, 399, 445, 399, 445, 399, 481, 399, 445, 399, 445, 399, 481, 399, 0},
                                    "\"่؟่؟่明่؟่؟่明่"},
                                   {"1234567890",
                                    {540, 207, 499, 207, 499, 207, 499, 207, 499, 207, 499, 207, 499, 207, 499, 0},
                                    "ber cber cber cber cber cber cber c"},
                                   {"Ünïcödé — 你好",
                                    {540, 489, 38, 236, 445, 38, 236, 445, 236, 445, 38, 236, 445, 38, 236, 0},
                                    "ÆonN؟onN؟N؟onN؟onN"}};
  const TempDir temp;
  const fs::path folder = temp / "model";
  fs::create_directory(folder);
  for (const auto& entry : fs::directory_iterator(testing::shared("fixtures/marian-mt"))) {
    if (entry.path().filename() != "generation_config.json") {
      fs::copy_file(entry.path(), folder / entry.path().filename());
    }
  }
  write_json(folder / "generation_config.json", settings);
  const std::string traced = trace_file(folder, temp / "mt.pt");
  for (const auto& test_case : cases) {
    INFO(test_case.text);
    RunOptions options = options_for(folder);
    options.inputs.text = test_case.text;
    for (const bool from_trace : {false, true}) {
      if (from_trace) {
        options.source.path = traced;
        options.inputs.tokenizer = folder.string();
      }
      const RunResult result = run(options);
      CHECK(rows(result) == nlohmann::json({test_case.ids}));
      CHECK(result.generated->texts == std::vector<std::string>{test_case.answer});
    }
  }
}

TEST_CASE("generate: a model without decoder or without scores is refused by name") {
  CHECK_THAT(refusal(options_for(testdata("tiny-bert")), ErrorKind::kInvalidArgument),
             Contains("--generate is for encoder-decoders") &&
                 Contains("takes no decoder_input_ids (it takes input_ids, attention_mask, token_type_ids)"));
  CHECK_THAT(refusal(options_for(testdata("family/marian")), ErrorKind::kUnsupported),
             Contains("--generate needs logits, the first output is last_hidden_state"));
}

TEST_CASE("generate: a trace needs the folder that says what to start with") {
  const TempDir temp;
  CHECK_THAT(
      refusal(options_for(trace_file(testdata("family/marian-mt"), temp / "mt.pt")), ErrorKind::kInvalidArgument),
      Contains("does not say what a translation starts and ends with") && Contains("--tokenizer"));
}

TEST_CASE("generate: --max-new-tokens needs --generate and as many positions") {
  RunOptions options = options_for(testdata("family/marian-mt"));
  options.max_new_tokens = 33;  // 32 positions: the last token is never an input
  CHECK_THAT(refusal(options, ErrorKind::kInvalidArgument),
             Equals("--max-new-tokens 33: the model has positions for 32 more tokens"));
  options.max_new_tokens = 32;
  CHECK(rows(run(options)).at(0).size() == 33);
  options.generate = false;
  CHECK_THAT(refusal(options, ErrorKind::kInvalidArgument), Equals("--max-new-tokens needs --generate"));
}

TEST_CASE("generate: the longest result is what was asked for, else what the files say, within the positions") {
  GenerationRules rules;
  rules.max_length = 100;
  CHECK(longest_result(rules, std::nullopt, 1, 512) == 100);
  CHECK(longest_result(rules, std::nullopt, 1, 50) == 51);
  CHECK(longest_result(rules, std::nullopt, 1, 0) == 100);
  CHECK(longest_result(rules, 7, 3, 512) == 10);
  rules.max_new_tokens = 5;
  CHECK(longest_result(rules, std::nullopt, 3, 512) == 8);
  // transformers' default of 20 counts new tokens (_prepare_generated_length).
  CHECK(longest_result({.max_length = 20, .is_default_length = true}, std::nullopt, 1, 512) == 21);
  CHECK(longest_result({.max_length = 20, .is_default_length = true}, std::nullopt, 1, 16) == 16);
}

TEST_CASE("generation rules: fields and defaults of config.json, where there is no other file") {
  const GenerationRules rules = rules_of({{"model_type", "marian"}, {"max_length", 512}, {"bad_words_ids", {{58100}}}});
  // MarianConfig's defaults.
  CHECK(rules.decoder_start_token_id == 58100);
  CHECK(rules.pad_token_id == 58100);
  CHECK(rules.eos_token_ids == std::vector<int64_t>{0});
  CHECK(rules.forced_eos_token_ids == std::vector<int64_t>{0});
  CHECK(rules.max_length == 512);
  CHECK(rules.bad_words_ids == std::vector<std::vector<int64_t>>{{58100}});
  CHECK(rules_of({{"model_type", "marian"}, {"forced_eos_token_id", nullptr}}).forced_eos_token_ids.empty());
  // The beginning of a text stands in for what a decoder starts with.
  CHECK(rules_of({{"bos_token_id", 3}}).decoder_start_token_id == 3);
}

TEST_CASE("generation rules: what would change the choice and is not known is refused by name") {
  const auto message = [](const nlohmann::json& settings, ErrorKind kind) {
    nlohmann::json generation = {{"decoder_start_token_id", 1}};
    generation.update(settings);
    const Error error = error_of([&] { rules_of(nlohmann::json::object(), generation); });
    CHECK(error.kind() == kind);
    return std::string(error.what());
  };
  CHECK_THAT(message({{"repetition_penalty", 1.2}}, ErrorKind::kUnsupported),
             Contains("generation_config.json: repetition_penalty 1.2 is not supported in generation"));
  CHECK_THAT(message({{"no_repeat_ngram_size", 3}}, ErrorKind::kUnsupported), Contains("no_repeat_ngram_size 3"));
  CHECK_THAT(message({{"begin_suppress_tokens", {1}}}, ErrorKind::kUnsupported), Contains("begin_suppress_tokens [1]"));
  CHECK_THAT(message({{"decoder_start_token_id", nullptr}}, ErrorKind::kUnsupported),
             Contains("has no decoder_start_token_id"));
  CHECK_THAT(message({{"bad_words_ids", {1, 2}}}, ErrorKind::kCorrupt),
             Contains("bad_words_ids is [1,2], expected a list of lists of ids"));
  CHECK_THAT(message({{"eos_token_id", "x"}}, ErrorKind::kCorrupt), Contains("eos_token_id is \"x\", expected"));
  CHECK_THAT(message({{"max_length", -1}}, ErrorKind::kCorrupt), Contains("max_length is -1, expected"));
  // Beam search and sampling are not greedy search's business; their defaults are no settings at all.
  CHECK_NOTHROW(rules_of(nlohmann::json::object(), {{"decoder_start_token_id", 1},
                                                    {"num_beams", 6},
                                                    {"do_sample", true},
                                                    {"temperature", 0.7},
                                                    {"repetition_penalty", 1.0},
                                                    {"guidance_scale", nullptr}}));
}

}  // namespace bertjit
