// What Tab gives, in the shells themselves.
#include "cli_testing.h"

namespace bertjit {

namespace fs = std::filesystem;
using testing::CommandOutput;
using testing::run_bertjit;
using testing::run_command;
using testing::split_lines;

namespace {

bool has_shell(const std::string& name) {
  const bool found = run_command("command -v " + name).exit_code == 0;
  if (!found) {
    std::cerr << "SKIPPED: " << Catch::getResultCapture().getCurrentTestName() << ": there is no " << name << "\n";
  }
  return found;
}

/// A line that is typed, and the one word with which it can go on.
struct Completion {
  std::string line;
  std::string word;
};

const std::vector<Completion> kCompletions = {
    {"bertjit ver", "verify"},                                    // a command
    {"bertjit verify --check-sh", "--check-shapes"},              // a flag
    {"bertjit trace --attention e", "eager"},                     // a word that a flag takes
    {"bertjit verify --format=j", "json"},                        // behind an equals sign
    {"bertjit verify --only roundt", "roundtrip"},                // a check
    {"bertjit verify --skip safety,roundt", "safety,roundtrip"},  // the last of a list
    {"bertjit eval --task mr", "mrpc"},
    {"bertjit trace --target neu", "neuron-inf1"},  // a word where a file may stand too
    {"bertjit trace --target prof", "profile.json"},
    {"bertjit verify mod", "model.pt"},             // a file of the kind that fits: model.txt lies beside it
    {"bertjit run m --inputs bat", "batch.npz"},    // not batch.txt
    {"bertjit run m --tokenizer fold", "folder/"},  // not folder.txt
    {"bertjit verify --list job", "jobs.jsonl"},    // of one kind alone
    {"bertjit trace fold", "folder/"},              // a checkpoint
    {"bertjit scan any.t", "any.txt"},              // any file
};

/// A folder with files to choose from, and the script of that shell beside it.
class Playground {
 public:
  explicit Playground(const std::string& shell) {
    fs::create_directories(files() / "folder");
    for (const char* name : {"model.pt", "model.txt", "batch.npz", "batch.txt", "folder.txt", "any.txt", "profile.json",
                             "jobs.jsonl", "jobs.txt"}) {
      testing::write_bytes(files() / name, "");
    }
    const auto output = run_bertjit({"completions", shell});
    REQUIRE(output.exit_code == 0);
    testing::write_bytes(script(), output.out);
  }
  fs::path files() const {
    return folder_ / "files";
  }
  fs::path script() const {
    return folder_ / "_bertjit";
  }
  /// Writes a script for that shell and runs it among the files.
  CommandOutput run(const std::string& shell, const std::string& text) const {
    testing::write_bytes(folder_ / "test", text);
    return run_command("cd '" + files().string() + "' && TERM=dumb timeout 60 " + shell + " '" +
                       (folder_ / "test").string() + "' 2>&1 </dev/null");
  }

 private:
  testing::TempDir folder_;
};

/// bash calls a completion with the line in words, "=" being one of its own.
std::string bash_call(const std::string& line) {
  std::string words;
  for (const char c : line) {
    words += c == '=' ? std::string(" = ") : std::string(1, c);
  }
  return "try " + words + "\n";
}

void check_bash(const std::string& head) {
  const Playground playground("bash");
  std::string text =
      head + "source '" + playground.script().string() +
      "'\ncompopt() { :; }\n"
      "try() { COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)); _bertjit; (IFS=' '; echo \"${COMPREPLY[*]}\"); }\n";
  for (const Completion& completion : kCompletions) {
    text += bash_call(completion.line);
  }
  const CommandOutput output = playground.run("bash --norc", text);
  const std::vector<std::string> answers = split_lines(output.out);
  INFO(output.out);
  REQUIRE(answers.size() == kCompletions.size());
  for (size_t i = 0; i < answers.size(); ++i) {
    INFO(kCompletions[i].line);
    const std::string& word = kCompletions[i].word;
    // Readline adds the slash of a folder.
    CHECK(answers[i] == (word.ends_with('/') ? word.substr(0, word.size() - 1) : word));
  }
}

}  // namespace

TEST_CASE("completions: bash completes commands, flags, words and files, alone") {
  check_bash("");
}

TEST_CASE("completions: bash completes with bash-completion too") {
  if (!fs::exists("/usr/share/bash-completion/bash_completion")) {
    std::cerr << "SKIPPED: completions: there is no bash-completion\n";
    return;
  }
  check_bash("source /usr/share/bash-completion/bash_completion\n");
}

TEST_CASE("completions: zsh completes commands, flags, words and files when Tab is pressed") {
  if (!has_shell("zsh")) {
    return;
  }
  const Playground playground("zsh");
  std::string text =
      "zmodload zsh/zpty\n"
      "zpty shell zsh -f -i\n"
      "zpty -w shell \"PROMPT=; PS2=; fpath=('" +
      playground.script().parent_path().string() +
      "' \\$fpath); autoload -Uz compinit; compinit -u -D; "
      "tell() { print -r -- \\\"<\\$BUFFER>\\\" >>'" +
      (playground.script().string() + ".out") +
      "'; BUFFER=; zle redisplay }; zle -N tell; bindkey '^X' tell; bindkey '^I' complete-word; cd '" +
      playground.files().string() + "'\"\n";
  for (const Completion& completion : kCompletions) {
    text += "zpty -w -n shell $'" + completion.line + "\\t\\x18'\n";
  }
  // Wait until the last line was answered.
  text += "for i in {1..300}; do [[ $(wc -l 2>/dev/null <'" + playground.script().string() + ".out') -ge " +
          std::to_string(kCompletions.size()) +
          " ]] && break; zpty -rt shell >/dev/null; sleep 0.1; done\nzpty -d shell\n";
  const CommandOutput output = playground.run("zsh -f", text);
  INFO(output.out);
  REQUIRE(fs::exists(playground.script().string() + ".out"));
  const std::vector<std::string> answers = split_lines(testing::read_bytes(playground.script().string() + ".out"));
  REQUIRE(answers.size() == kCompletions.size());
  for (size_t i = 0; i < answers.size(); ++i) {
    const Completion& completion = kCompletions[i];
    const size_t begin = completion.line.find_last_of(" =") + 1;
    INFO(completion.line << " became " << answers[i]);
    CHECK_THAT(answers[i], Catch::Matchers::StartsWith("<" + completion.line.substr(0, begin) + completion.word));
    CHECK(answers[i].size() <= begin + completion.word.size() + 3);
  }
}

TEST_CASE("completions: fish completes commands, flags, words and files") {
  if (!has_shell("fish")) {
    return;
  }
  const Playground playground("fish");
  std::string text = "source '" + playground.script().string() + "'\n";
  for (const Completion& completion : kCompletions) {
    text += "echo (complete -C '" + completion.line + "')[1]\n";
  }
  const CommandOutput output = playground.run("fish --no-config", text);
  INFO(output.out);
  const std::vector<std::string> answers = split_lines(output.out);
  REQUIRE(answers.size() == kCompletions.size());
  for (size_t i = 0; i < answers.size(); ++i) {
    INFO(kCompletions[i].line);
    const std::string word = answers[i].substr(0, answers[i].find('\t'));
    CHECK((word == kCompletions[i].word || word == "--format=" + kCompletions[i].word));
  }
}

TEST_CASE("completions: the scripts are for the shells they name, and no other is known") {
  CHECK(run_bertjit({"completions", "csh"}).exit_code == 2);
  CHECK(run_bertjit({"--help"}).out.find("completions") == std::string::npos);
}

}  // namespace bertjit
