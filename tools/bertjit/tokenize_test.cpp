// `bertjit tokenize`: texts in, JSON lines out, held against what transformers recorded.
#include <fstream>

#include "cli_testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using nlohmann::json;
using testing::CliOutput;
using testing::read_bytes;
using testing::run_bertjit;

const std::string kTiny = testing::testdata("tiny-bert").string();

CliOutput tokenize(const std::vector<std::string>& arguments, const std::string& input = "") {
  std::vector<std::string> all{"tokenize", "--tokenizer", kTiny};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_bertjit(all, input);
}

std::vector<json> lines_of(const std::string& text) {
  std::vector<json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(json::parse(line));
  }
  return lines;
}

/// The ids of each line of an answer that must have come without a word on standard error.
std::vector<std::vector<int64_t>> ids_of(const CliOutput& output) {
  INFO(output);
  REQUIRE(output.exit_code == 0);
  CHECK(output.err.empty());
  std::vector<std::vector<int64_t>> ids;
  for (const json& line : lines_of(output.out)) {
    ids.push_back(line.at("input_ids").get<std::vector<int64_t>>());
  }
  return ids;
}

/// Sends recorded cases through the command and compares every line; returns how many there were.
size_t check_recorded(const std::string& tokenizer, const fs::path& cases) {
  const std::string input = read_bytes(cases);
  const CliOutput output = run_bertjit({"tokenize", "--tokenizer", tokenizer, "--jsonl"}, input);
  INFO(tokenizer << ": " << output.err);
  CHECK(output.exit_code == 0);
  CHECK(output.err.empty());
  const auto expected = lines_of(input);
  const auto actual = lines_of(output.out);
  REQUIRE(actual.size() == expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    CHECK(actual[i].size() == 4);
    for (const auto& [key, value] : actual[i].items()) {
      INFO("line " << i << ": " << key << " of " << expected[i].at("text"));
      CHECK(value == expected[i].at(key));
    }
  }
  return actual.size();
}

void check_fails(const CliOutput& output, const std::string& message) {
  INFO(output);
  CHECK(output.exit_code == 2);
  CHECK_THAT(output.err, Catch::Matchers::StartsWith("bertjit tokenize: ") && Contains(message));
}

using Ids = std::vector<std::vector<int64_t>>;

}  // namespace

// Ids are those of AutoTokenizer.from_pretrained("testdata/tiny-bert") of transformers 4.57.6, called with the same
// arguments: [PAD] 0, [CLS] 2, [SEP] 3, "a" 47, "b" 48, "c" 49.

TEST_CASE("tokenize: a text of the arguments becomes one JSON object with four members in order") {
  const CliOutput output = tokenize({"Who was Jim Henson ?"});
  INFO(output);
  CHECK(output.exit_code == 0);
  CHECK(output.err.empty());
  CHECK(output.out ==
        "{\"tokens\":[\"[CLS]\",\"who\",\"was\",\"jim\",\"henson\",\"?\",\"[SEP]\"],"
        "\"input_ids\":[2,109,110,111,112,25,3],\"token_type_ids\":[0,0,0,0,0,0,0],"
        "\"attention_mask\":[1,1,1,1,1,1,1]}\n");
}

TEST_CASE("tokenize: arguments are taken as typed, lists, command names, dashes and empty ones too") {
  CHECK(ids_of(tokenize({"a", "", "-", "a\tb", "[CLS] a [SEP]", "[a,b]"})) ==
        Ids{{2, 47, 3}, {2, 3}, {2, 17, 3}, {2, 47, 3, 48, 3}, {2, 2, 47, 3, 3}, {2, 27, 47, 16, 48, 29, 3}});
  CHECK(ids_of(tokenize({"run"})).size() == 1);
  CHECK(ids_of(tokenize({"--", "--jsonl"})).size() == 1);
}

TEST_CASE("tokenize: lines of standard input, a tab for a pair, LF or CRLF, an empty line for an empty text") {
  CHECK(ids_of(tokenize({}, "a\na\tb\r\n\n\tb\nc")) ==
        Ids{{2, 47, 3}, {2, 47, 3, 48, 3}, {2, 3}, {2, 3, 48, 3}, {2, 49, 3}});
  CHECK(ids_of(tokenize({}, "")).empty());
  // What is not UTF-8 counts as U+FFFD, which BERT's cleaning drops, as it does U+0000.
  CHECK(ids_of(tokenize({}, "a\xff\n")) == Ids{{2, 47, 3}});
  CHECK(ids_of(tokenize({}, std::string("a\0b\n", 4))) == ids_of(tokenize({"ab"})));
}

TEST_CASE("tokenize: padding, truncation and special tokens as in transformers") {
  CHECK(ids_of(tokenize({"--max-length", "5", "--padding", "max_length", "a", "a b c a b c"})) ==
        Ids{{2, 47, 3, 0, 0}, {2, 47, 48, 49, 47, 48, 49, 3}});
  CHECK(ids_of(tokenize({"--max-length", "5", "--padding", "max_length", "--truncation", "true", "a b c a b c"})) ==
        Ids{{2, 47, 48, 49, 3}});
  CHECK(ids_of(tokenize({"--max-length", "6", "--truncation", "only_second", "a b\tb c a b c"})) ==
        Ids{{2, 47, 48, 3, 48, 3}});
  CHECK(ids_of(tokenize({"--padding", "longest", "a", "a b c"})) == Ids{{2, 47, 3, 0, 0}, {2, 47, 48, 49, 3}});
  CHECK(ids_of(tokenize({"--max-length", "4", "--truncation", "do_not_truncate", "a b c"})) == Ids{{2, 47, 48, 49, 3}});
  CHECK(ids_of(tokenize({"--no-special-tokens"}, "a\tb\n")) == Ids{{47, 48}});
}

TEST_CASE("tokenize: --max-length alone truncates, and says so once") {
  for (const auto& output :
       {tokenize({"--max-length", "4", "a b c", "a b c"}), tokenize({"--max-length", "4"}, "a b c\na b c\n"),
        tokenize({"--jsonl"},
                 "{\"text\": \"a b c\", \"max_length\": 4}\n"
                 "{\"text\": \"a b c\", \"max_length\": 4}\n")}) {
    INFO(output);
    CHECK(output.exit_code == 0);
    CHECK(lines_of(output.out).size() == 2);
    CHECK(lines_of(output.out).back()["input_ids"] == std::vector<int64_t>{2, 47, 48, 3});
    CHECK(output.err ==
          "bertjit tokenize: max_length is given and truncation is not: truncating longest_first, as transformers "
          "does; choose by --truncation\n");
  }
  CHECK(ids_of(tokenize({"--max-length", "4", "--quiet", "a b c"})) == Ids{{2, 47, 48, 3}});
}

TEST_CASE("tokenize: every case recorded from transformers is answered alike, each line by its own options") {
  CHECK(check_recorded(kTiny, testing::testdata("golden/tokenization.jsonl")) == 24);
}

TEST_CASE("tokenize: every case of every shared tokenizer is answered as transformers does") {
  SKIP_WITHOUT_SHARED("fixtures/tok-bert-uncased");
  size_t tokenizers = 0;
  for (const auto& entry : fs::directory_iterator(testing::shared("fixtures"))) {
    if (entry.path().filename().string().starts_with("tok-")) {
      ++tokenizers;
      CHECK(check_recorded(entry.path().string(), entry.path() / "tokenization.jsonl") > 300);
    }
  }
  CHECK(tokenizers >= 10);
}

TEST_CASE("tokenize: a changed id in the recorded cases would be seen") {
  const auto cases = lines_of(read_bytes(testing::testdata("golden/tokenization.jsonl")));
  json changed = cases.back();
  changed["input_ids"][1] = 1;
  const CliOutput output = tokenize({"--jsonl"}, changed.dump() + "\n");
  CHECK(lines_of(output.out).at(0)["input_ids"] == cases.back()["input_ids"]);
  CHECK(lines_of(output.out).at(0)["input_ids"] != changed["input_ids"]);
}

TEST_CASE("tokenize: 20,000 lines come back in order, the same on any number of threads") {
  std::string input;
  for (int i = 0; i < 20000; ++i) {
    input += "who was " + std::to_string(i) + (i % 3 == 0 ? "\tthe model and the text\n" : "\n");
  }
  const CliOutput one = tokenize({"--threads", "1"}, input);
  const auto lines = lines_of(one.out);
  REQUIRE(lines.size() == 20000);
  for (int i = 0; i < 20000; ++i) {
    std::string digits;
    for (size_t t = 3; lines[i]["tokens"][t] != "[SEP]"; ++t) {
      const auto token = lines[i]["tokens"][t].get<std::string>();
      digits += token.substr(token.starts_with("##") ? 2 : 0);
    }
    REQUIRE(digits == std::to_string(i));
  }
  for (const char* threads : {"0", "2", "16"}) {
    CHECK(tokenize({"--threads", threads}, input).out == one.out);
  }
}

TEST_CASE("tokenize: a table for people with --format text, and -o writes a file") {
  const testing::TempDir folder;
  const std::string path = (folder / "ids").string();
  const CliOutput output = tokenize({"--format", "text", "-o", path, "a b", "c"});
  INFO(output);
  CHECK(output.exit_code == 0);
  CHECK(output.out.empty());
  CHECK(read_bytes(path) == tokenize({"--format", "text", "a b", "c"}).out);
  CHECK_THAT(read_bytes(path), Contains("input_ids  token_type_ids  attention_mask  tokens\n"
                                        "        2               0               1  \"[CLS]\"\n"
                                        "       47               0               1  \"a\"\n"));
  testing::write_bytes(path, "old bytes");
  check_fails(tokenize({"-o", path}, "a\nb\tb\tb\n"), "line 2: has 2 tabs");
  CHECK(read_bytes(path) == "old bytes");
  CHECK(testing::list_folder(folder.path()) == std::vector<std::string>{"ids"});
}

TEST_CASE("tokenize: a line that cannot be read or encoded is named, and the lines before it stand") {
  const CliOutput json_output = tokenize({"--jsonl"}, "{\"text\": \"a\"}\n{\"text\": \"b\"\n{\"text\": \"c\"}\n");
  check_fails(json_output, "line 2: is not valid JSON at column 13\n");
  CHECK(lines_of(json_output.out).size() == 1);
  check_fails(tokenize({"--jsonl"}, "{\"text\": 5}\n"), "line 1: text is 5, expected a string\n");
  check_fails(tokenize({"--jsonl"}, "{\"text\": \"a\"}\n\n"), "line 2: is not valid JSON at column 1\n");
  check_fails(tokenize({"--jsonl"}, "{\"text\": \"a\", \"padding\": \"left\"}"),
              "line 1: padding is \"left\", expected");
  const CliOutput text_output = tokenize({}, "a\nb\ta\tb\n");
  check_fails(text_output, "line 2: has 2 tabs, and one splits a pair; give texts that hold tabs by --jsonl\n");
  CHECK(lines_of(text_output.out).size() == 1);
  check_fails(tokenize({"--max-length", "1", "--truncation", "true", "a"}),
              "text 1: max_length is 1, expected at least");
  check_fails(tokenize({"--max-length", "-1", "--truncation", "true"}, "a\n"), "line 1: max_length is -1");
}

TEST_CASE("tokenize: wrong usage is refused with a word on what to do") {
  check_fails(run_bertjit({"tokenize", "a"}), "--tokenizer is required\n");
  check_fails(tokenize({"--jsonl", "a"}), "--jsonl reads standard input, and 1 texts are given as arguments\n");
  check_fails(tokenize({"--padding", "longest"}, "a\n"), "--padding longest needs all texts at once");
  check_fails(tokenize({"--padding", "left", "a"}), "--padding: 'left' is not one of max_length|longest|do_not_pad");
  check_fails(tokenize({"--truncation", "", "a"}), "--truncation: '' is not one of longest_first|only_first");
  check_fails(tokenize({"--max-length", "x", "a"}), "--max-length");
  check_fails(tokenize({"--threads", "-1"}, "a\n"), "--threads: Value -1 not in range 0 to 1024");
  check_fails(tokenize({"--seed", "1", "a"}), "--seed");
}

TEST_CASE("tokenize: a folder without a tokenizer, or with a broken one, is refused by name") {
  const testing::TempDir folder;
  check_fails(run_bertjit({"tokenize", "--tokenizer", folder.path().string(), "a"}), folder.path().string());
  check_fails(run_bertjit({"tokenize", "--tokenizer", "/nonexistent", "a"}), "/nonexistent");
  check_fails(run_bertjit({"tokenize", "--tokenizer", testing::testdata("broken/bad_utf8_vocab").string(), "a"}),
              "/vocab.txt:9: is not valid UTF-8");
}

TEST_CASE("tokenize: each line of a pipe is answered before the next one comes") {
  // Each echo waits for the answer to the one before; a program that fills a buffer first would never give it.
  const std::string script = "coproc T { " + testing::program() + " tokenize --tokenizer '" + kTiny +
                             "'; }\n"
                             "for word in a b c; do echo $word >&${T[1]}; read -t 20 -u ${T[0]} line || exit 9; "
                             "echo \"$line\"; done\n";
  const testing::TempDir folder;
  testing::write_bytes(folder / "script.sh", script);
  const auto output = testing::run_command("bash '" + (folder / "script.sh").string() + "' 2>&1");
  INFO(output.out);
  CHECK(output.exit_code == 0);
  CHECK(lines_of(output.out).size() == 3);
}

TEST_CASE("tokenize: an error ends the program though its input goes on") {
  const std::string script = "coproc T { " + testing::program() + " tokenize --jsonl --tokenizer '" + kTiny +
                             "' 2>&1; }\n"
                             "echo '{' >&${T[1]}; read -t 20 -u ${T[0]} line || exit 9; echo \"$line\"; wait $T_PID\n";
  const testing::TempDir folder;
  testing::write_bytes(folder / "script.sh", script);
  const auto output = testing::run_command("bash '" + (folder / "script.sh").string() + "' 2>/dev/null");
  CHECK(output.exit_code == 2);
  CHECK(output.out == "bertjit tokenize: line 1: is not valid JSON at column 2\n");
}

TEST_CASE("tokenize: a reader that goes away ends the program quietly, a full disk with a message") {
  const std::string command = testing::program() + " tokenize --tokenizer '" + kTiny + "' --threads 3";
  const auto output = testing::run_command("bash -c \"yes | " + command + " 2>&1 >&3 3>&- | cat\" 3>&1 | head -1");
  CHECK(lines_of(output.out).size() == 1);
  const auto status = testing::run_command("bash -c \"yes 2>/dev/null | " + command +
                                           " | head -1 >/dev/null; echo \\${PIPESTATUS[1]}\"");
  CHECK(status.out == "141\n");  // a shell's word for death by SIGPIPE
  const auto full = testing::run_command("yes 2>/dev/null | " + command + " 2>&1 >/dev/full");
  INFO(full.out);
  CHECK(full.out == "bertjit tokenize: cannot write to standard output\n");
}

TEST_CASE("tokenize: a folder or a closed descriptor as standard input is an error") {
  const std::string command = testing::program() + " tokenize --tokenizer '" + kTiny + "' 2>&1";
  for (const std::string& redirection : {" <'" + kTiny + "'", std::string(" <&-")}) {
    const auto output = testing::run_command(command + redirection);
    CHECK(output.exit_code == 2);
    CHECK(output.out == "bertjit tokenize: cannot read standard input\n");
  }
}

TEST_CASE("tokenize: without its library the program says what is missing") {
  const testing::TempDir folder;
  fs::create_directory(folder / "bin");
  fs::copy_file(fs::read_symlink("/proc/self/exe").parent_path() / "bertjit", folder / "bin/bertjit");
  const auto output =
      testing::run_command("'" + (folder / "bin/bertjit").string() + "' tokenize --tokenizer '" + kTiny + "' a 2>&1");
  INFO(output.out);
  CHECK(output.exit_code == 2);
  CHECK_THAT(output.out, Contains("cannot load the part that needs ICU: ") &&
                             Contains("lib/bertjit/libbertjit_text.so: cannot open shared object file") &&
                             Contains("scripts/setup.sh"));
}

}  // namespace bertjit
