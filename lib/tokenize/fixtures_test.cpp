// Every tok-* folder of testdata/ and of the shared fixtures, however many there are: transformers 4.57.6 (tokenizers
// 0.22.2 and 0.22.1; README.md beside each) on the cases of its tokenization.jsonl. Nothing here names a folder, so
// that others of the kind are tested by being there.
#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "testing/testing.h"
#include "tokenize/load.h"

using namespace bertjit;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

using Names = std::set<std::string>;

/// What the class has besides tokenizer.json, and the model type a config.json would name.
struct ClassFiles {
  const char* class_name;
  const char* model_type;
  Names own_files;
};
const ClassFiles kClassFiles[] = {
    {"BertTokenizer", "bert", {"vocab.txt"}},
    {"DistilBertTokenizer", "distilbert", {"vocab.txt"}},
    {"MPNetTokenizer", "mpnet", {"vocab.txt"}},
    {"RobertaTokenizer", "roberta", {"vocab.json", "merges.txt"}},
    {"XLMRobertaTokenizer", "xlm-roberta", {"sentencepiece.bpe.model"}},
    {"CamembertTokenizer", "camembert", {"sentencepiece.bpe.model"}},
    {"AlbertTokenizer", "albert", {"spiece.model"}},
    {"DebertaV2Tokenizer", "deberta-v2", {"spm.model"}},
};

const ClassFiles* files_of(const fs::path& directory) {
  const json config = json::parse(testing::read_bytes(directory / "tokenizer_config.json"));
  for (const ClassFiles& files : kClassFiles) {
    if (config["tokenizer_class"] == files.class_name) {
      return &files;
    }
  }
  return nullptr;  // another class, or one without tokenizer.json
}

/// The folders in `root` whose name begins so and that hold `file`, sorted.
std::vector<fs::path> find_folders(const fs::path& root, const std::string& begin, const std::string& file) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.path().filename().string().starts_with(begin) && fs::exists(entry.path() / file)) {
      folders.push_back(entry.path());
    }
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

/// The fixtures of testdata/, and the shared ones where they are.
std::vector<fs::path> find_fixtures() {
  std::vector<fs::path> folders = find_folders(testing::testdata(""), "tok-", "tokenization.jsonl");
  CHECK(folders.size() >= 3);
  if (testing::has_shared("fixtures")) {
    const auto shared = find_folders(testing::shared("fixtures"), "tok-", "tokenization.jsonl");
    CHECK(shared.size() >= 10);
    folders.insert(folders.end(), shared.begin(), shared.end());
  }
  return folders;
}

EncodeOptions options_of(const json& given) {
  EncodeOptions options;
  if (!given["max_length"].is_null()) {
    options.max_length = given["max_length"].get<int64_t>();
  }
  if (given["padding"] == "max_length") {
    options.padding = Padding::kMaxLength;
  }
  const std::map<json, Truncation> truncations = {{false, Truncation::kNone},
                                                  {"longest_first", Truncation::kLongestFirst},
                                                  {"only_first", Truncation::kOnlyFirst},
                                                  {"only_second", Truncation::kOnlySecond}};
  options.truncation = truncations.at(given["truncation"]);
  return options;
}

json answer(const Tokenizer& tokenizer, const json& given) {
  const auto text = given["text"].get<std::string>();
  std::optional<std::string> pair;
  if (!given["text_pair"].is_null()) {
    pair = given["text_pair"].get<std::string>();
  }
  const Encoding encoding = tokenizer.encode(text, pair, options_of(given));
  return {{"input_ids", encoding.input_ids},
          {"token_type_ids", encoding.has_token_type_ids ? json(encoding.token_type_ids) : json()},
          {"attention_mask", encoding.attention_mask},
          {"tokens", encoding.tokens}};
}

std::vector<json> read_cases(const fs::path& fixture) {
  std::ifstream lines(fixture / "tokenization.jsonl");
  std::vector<json> cases;
  for (std::string line; std::getline(lines, line);) {
    cases.push_back(json::parse(line));
  }
  return cases;
}

/// Without tokenizer_config.json nothing tells the length that padding and truncation go to.
bool needs_model_max_length(const json& given) {
  return given["max_length"].is_null() && (given["padding"] != false || given["truncation"] != false);
}

enum class Compare { kAll, kAllButLengths, kAllButLengthsAndTypes };

/// Compares each case of `fixture` with what the tokenizer of `directory` says; names those that differ. Returns how
/// many there were.
size_t check_cases(const fs::path& directory, const fs::path& fixture, Compare compare) {
  const auto tokenizer = load_tokenizer(directory);
  const std::vector<json> cases = read_cases(fixture);
  size_t checked = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    const json& given = cases[i];
    if (compare != Compare::kAll && needs_model_max_length(given)) {
      continue;
    }
    json actual = answer(*tokenizer, given);
    if (compare == Compare::kAllButLengthsAndTypes) {
      actual.erase("token_type_ids");
    }
    for (const auto& [key, value] : actual.items()) {
      INFO(fixture.filename().string() << ", line " << i << ": " << key << " of " << given["text"].dump());
      CHECK(value == given[key]);
    }
    ++checked;
  }
  return checked;
}

/// A folder with some files of another.
class PartialCopy {
 public:
  PartialCopy(const fs::path& source, const Names& names) {
    for (const std::string& name : names) {
      if (fs::exists(source / name)) {
        fs::copy_file(source / name, copy_ / name);
      }
    }
  }
  const fs::path& path() const {
    return copy_.path();
  }
  bool has(const std::string& name) const {
    return fs::exists(copy_ / name);
  }

 private:
  testing::TempDir copy_;
};

Names with(Names names, const Names& more) {
  names.insert(more.begin(), more.end());
  return names;
}

}  // namespace

TEST_CASE("tokenize: every case of every fixture is as in transformers") {
  for (const fs::path& fixture : find_fixtures()) {
    INFO(fixture);
    CHECK(check_cases(fixture, fixture, Compare::kAll) >= 40);
  }
}

TEST_CASE("tokenize: the comparison with the fixtures notices another vocabulary") {
  const fs::path fixture = testing::testdata("tok-roberta");
  const auto tokenizer = load_tokenizer(testing::testdata("tok-bpe-parts"));
  const json given = read_cases(fixture).at(0);
  CHECK(answer(*tokenizer, given)["input_ids"] != given["input_ids"]);
}

TEST_CASE("tokenize: tokenizer.json alone, or with the model type of config.json, gives what all files give") {
  size_t fixtures = 0;
  for (const fs::path& fixture : find_fixtures()) {
    const ClassFiles* files = files_of(fixture);
    const PartialCopy copy(fixture, {"tokenizer.json"});
    if (files == nullptr || !copy.has("tokenizer.json")) {
      continue;
    }
    ++fixtures;
    INFO(fixture);
    // DistilBERT's tokenizer.json is BERT's: that there are no segments is for another file to say.
    CHECK(check_cases(copy.path(), fixture, Compare::kAllButLengthsAndTypes) >= 40);
    testing::write_bytes(copy.path() / "config.json", json{{"model_type", files->model_type}}.dump());
    // What is not in tokenizer.json but in tokenizer_config.json: the one cased BERT says so there alone.
    const json config = json::parse(testing::read_bytes(fixture / "tokenizer_config.json"));
    if (config.value("do_lower_case", true)) {
      CHECK(check_cases(copy.path(), fixture, Compare::kAllButLengths) >= 40);
    }
  }
  CHECK(fixtures >= 1);
}

TEST_CASE("tokenize: a class's own files and tokenizer_config.json give what tokenizer.json gives") {
  size_t fixtures = 0;
  for (const fs::path& fixture : find_fixtures()) {
    if (const ClassFiles* files = files_of(fixture)) {
      const PartialCopy copy(fixture, with(files->own_files, {"tokenizer_config.json", "special_tokens_map.json"}));
      ++fixtures;
      INFO(fixture);
      CHECK(check_cases(copy.path(), fixture, Compare::kAll) >= 40);
    }
  }
  CHECK(fixtures >= 1);
}

TEST_CASE("tokenize: each model fixture's tokenizer says the same with tokenizer.json and without it") {
  SKIP_WITHOUT_SHARED("fixtures");
  const std::vector<json> cases = read_cases(testing::testdata("tok-roberta"));
  size_t loaded = 0;
  size_t compared = 0;
  for (const fs::path& fixture : find_folders(testing::shared("fixtures"), "", "config.json")) {
    if (!fs::exists(fixture / "tokenizer_config.json")) {
      continue;
    }
    INFO(fixture);
    const auto tokenizer = load_tokenizer(fixture);
    ++loaded;
    const ClassFiles* files = files_of(fixture);
    const PartialCopy copy(fixture, with(files == nullptr ? Names{} : files->own_files,
                                         {"config.json", "tokenizer_config.json", "special_tokens_map.json"}));
    if (files == nullptr || !fs::exists(fixture / "tokenizer.json") || !copy.has(*files->own_files.begin())) {
      continue;
    }
    ++compared;
    const auto from_own_files = load_tokenizer(copy.path());
    for (const json& given : cases) {
      INFO(given["text"].dump());
      CHECK(answer(*from_own_files, given) == answer(*tokenizer, given));
    }
  }
  CHECK(loaded >= 37);
  CHECK(compared >= 30);
}
