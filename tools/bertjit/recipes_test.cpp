// The files of docs/recipes, run as their readers would: in a case that passes, and in cases that fail.
#include <cstring>
#include <regex>

#include "cli_testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using testing::CommandOutput;
using testing::read_bytes;
using testing::TempDir;
using testing::testdata;
using testing::trace_model;
using testing::write_bytes;

fs::path recipe(const std::string& name) {
  return testdata("../docs/recipes").lexically_normal() / name;
}

/// Runs a command in `folder` with bertjit first on the PATH, standard error included. One thread each: models are
/// tiny, and threads that wait for one another cost most where other tests run beside.
CommandOutput run_in(const fs::path& folder, const std::string& command) {
  const fs::path bin = fs::read_symlink("/proc/self/exe").parent_path();
  return testing::run_command("cd '" + folder.string() + "' && export LC_ALL=C.UTF-8 OMP_NUM_THREADS=1 PATH='" +
                              bin.string() +
                              "':\"$PATH\" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null && unset BERTJIT" +
                              " GIT_DIR MAKEFLAGS && { " + command + "\n} 2>&1");
}

#define INFO_OF(output) INFO("exit " << (output).exit_code << "\n" << (output).out)

/// A tiny-bert and its trace, made once for all cases; none changes them.
fs::path clean_trace() {
  static const TempDir folder;
  static const fs::path path = [] {
    trace_model("tiny-bert", folder / "bert.pt", {"--checksum"});
    return folder / "bert.pt";
  }();
  return path;
}

/// A folder `models` with a copy of tiny-bert under each of `names`.
void copy_models(const fs::path& folder, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    fs::create_directories(folder / "models" / name);
    for (const auto& entry : fs::directory_iterator(testdata("tiny-bert"))) {
      fs::copy_file(entry.path(), folder / "models" / name / entry.path().filename());
    }
  }
}

/// An unsafe file as a model of that name.
void put_unsafe(const fs::path& path) {
  fs::copy_file(testdata("broken/unsafe_pickle/pytorch_model.bin"), path, fs::copy_options::overwrite_existing);
}

/// One bit of a weight is another: the record's CRC no longer fits.
void flip_a_bit(const fs::path& path) {
  std::string bytes = read_bytes(path);
  bytes[bytes.size() / 2] ^= 1;
  write_bytes(path, bytes);
}

/// The text of every `run: |` block of a workflow, in order.
std::vector<std::string> run_steps(const std::string& workflow) {
  std::vector<std::string> steps;
  std::istringstream lines(workflow);
  std::string line;
  size_t indent = 0;
  bool inside = false;
  while (std::getline(lines, line)) {
    const size_t begin = line.find_first_not_of(' ');
    if (inside && (begin == std::string::npos || begin >= indent)) {
      steps.back() += (begin == std::string::npos ? "" : line.substr(indent)) + "\n";
      continue;
    }
    inside = line.ends_with("run: |");
    if (inside) {
      indent = begin + 2;
      steps.emplace_back();
    }
  }
  return steps;
}

}  // namespace

TEST_CASE("recipes: the release gate lets a right file through, with its digest and reports") {
  const TempDir folder;
  const std::string gate = "'" + recipe("release_gate.sh").string() + "' ";
  const CommandOutput passed =
      run_in(folder.path(), "TARGET=mobile " + gate + clean_trace().string() + " " + testdata("tiny-bert").string());
  INFO_OF(passed);
  CHECK(passed.exit_code == 0);
  CHECK_THAT(passed.out, Contains("bert.pt: safe") && Contains("bert.pt: OK") && Contains("pass  target ") &&
                             Contains("may be shipped; its digest is in reports/bert.sha512"));
  CHECK(testing::list_folder(folder / "reports") == std::vector<std::string>{"bert.html", "bert.sha512", "bert.xml"});
  CHECK(run_in(clean_trace().parent_path(), "sha512sum -c '" + (folder / "reports/bert.sha512").string() + "'").out ==
        "bert.pt: OK\n");

  // The reports of an earlier release do not outlive a file that fails.
  const CommandOutput failed = run_in(
      folder.path(), gate + clean_trace().string() + " " + testdata("tiny-bert-pretraining").string() + " reports");
  INFO_OF(failed);
  CHECK(failed.exit_code == 1);
  CHECK_THAT(failed.out, Contains("fail  source") && !Contains("may be shipped"));
  CHECK(!fs::exists(folder / "reports/bert.sha512"));
}

TEST_CASE("recipes: the release gate stops at what is unsafe, changed or not there, with the step's exit code") {
  const TempDir folder;
  const std::string gate = "'" + recipe("release_gate.sh").string() + "' ";
  const std::string source = " " + testdata("tiny-bert").string();
  put_unsafe(folder / "unsafe.pt");
  CHECK(run_in(folder.path(), gate + "unsafe.pt" + source).exit_code == 3);
  CHECK(run_in(folder.path(), gate + "absent.pt" + source).exit_code == 2);
  CHECK(run_in(folder.path(), gate + "unsafe.pt").exit_code == 2);

  trace_model("tiny-bert", folder / "bert.pt", {"--checksum"});
  trace_model("tiny-bert", folder / "bert.pt", {"--attention", "eager"});
  const CommandOutput other = run_in(folder.path(), gate + "bert.pt" + source);
  INFO_OF(other);
  CHECK(other.exit_code == 1);
  CHECK_THAT(other.out, Contains("bert.pt: FAILED") && !Contains("pass  source"));
}

TEST_CASE("recipes: the Makefile traces and verifies what changed, and goes on past what fails") {
  const TempDir folder;
  copy_models(folder.path(), {"one", "two"});
  const std::string make = "make -f '" + recipe("Makefile").string() + "' OUT=out VERIFY_FLAGS='--only source,claims' ";
  const CommandOutput made = run_in(folder.path(), make + "-j2");
  INFO_OF(made);
  CHECK(made.exit_code == 0);
  CHECK(testing::list_folder(folder / "out") == std::vector<std::string>{"SHA512SUMS", "one.pt", "one.pt.sha512",
                                                                         "one.verified.json", "two.pt", "two.pt.sha512",
                                                                         "two.verified.json"});
  CHECK(testing::parse_json(read_bytes(folder / "out/one.verified.json")).at("verdict") == "pass");
  CHECK_THAT(run_in(folder.path(), make).out, Contains("Nothing to be done for 'all'"));
  CHECK(run_in(folder.path(), make + "check").out.find("one.pt: OK\ntwo.pt: OK\n") != std::string::npos);

  flip_a_bit(folder / "out/one.pt");
  const CommandOutput changed = run_in(folder.path(), make + "check");
  INFO_OF(changed);
  CHECK(changed.exit_code == 2);  // make's own
  CHECK_THAT(changed.out, Contains("one.pt: FAILED"));

  // The other one is another model now, and is made anew; one.pt is damaged, is not verified and gets no report.
  fs::remove(folder / "out/one.verified.json");
  fs::last_write_time(folder / "models/two/config.json", fs::file_time_type::clock::now() + std::chrono::seconds(2));
  const CommandOutput again = run_in(folder.path(), make + "-k");
  INFO_OF(again);
  CHECK(again.exit_code == 2);
  CHECK_THAT(again.out, Contains("bertjit trace models/two") && !Contains("bertjit trace models/one"));
  CHECK(!fs::exists(folder / "out/one.verified.json"));
  CHECK(fs::exists(folder / "out/two.verified.json"));
}

TEST_CASE("recipes: the workflow's steps pass for sound checkpoints, and the first that cannot fails its step") {
  const TempDir folder;
  copy_models(folder.path(), {"one"});
  const std::vector<std::string> steps = run_steps(read_bytes(recipe("github-actions.yml")));
  REQUIRE(steps.size() == 4);
  const auto run_step = [&](size_t i) {
    write_bytes(folder / "step.sh", steps[i]);
    // As GitHub runs `shell: bash`.
    return run_in(folder.path(), "GITHUB_STEP_SUMMARY=summary.md bash --noprofile --norc -eo pipefail step.sh");
  };
  for (size_t i = 0; i < steps.size(); ++i) {
    const CommandOutput output = run_step(i);
    INFO(steps[i]);
    INFO_OF(output);
    CHECK(output.exit_code == 0);
  }
  CHECK(testing::list_folder(folder / "reports") == std::vector<std::string>{"one.html", "one.xml"});
  CHECK_THAT(read_bytes(folder / "summary.md"), Contains("  one.pt\n"));

  trace_model("tiny-bert", folder / "traced/one.pt", {"--init", "random", "--seed", "3"});
  const CommandOutput other = run_step(2);
  INFO_OF(other);
  CHECK(other.exit_code == 1);
  put_unsafe(folder / "models/one/pytorch_model.bin");
  CHECK(run_step(0).exit_code != 0);
}

TEST_CASE("recipes: the pre-commit hook keeps unsafe and badly exported files out of a repository") {
  const TempDir folder;
  const std::string hook = recipe("pre_commit_hook.sh").string();
  const CommandOutput begun = run_in(
      folder.path(), "git init -q && git config user.name Test && git config user.email test@example.com && ln -s '" +
                         hook + "' .git/hooks/pre-commit");
  INFO_OF(begun);
  REQUIRE(begun.exit_code == 0);
  const auto commit = [&](const std::string& file) {
    return run_in(folder.path(), "git add -A && git commit -q -m '" + file + "'");
  };
  fs::copy_file(clean_trace(), folder / "a good model.pt");
  write_bytes(folder / "README", "models\n");
  const CommandOutput good = commit("good");
  INFO_OF(good);
  CHECK(good.exit_code == 0);
  CHECK_THAT(good.out, Contains("a good model.pt: safe") && Contains("pass  claims"));

  put_unsafe(folder / "pytorch_model.bin");
  const CommandOutput unsafe = commit("unsafe");
  INFO_OF(unsafe);
  CHECK(unsafe.exit_code != 0);
  CHECK_THAT(unsafe.out, Contains("pytorch_model.bin: unsafe") && !Contains("a good model.pt"));
  fs::remove(folder / "pytorch_model.bin");

  fs::copy_file(clean_trace(), folder / "damaged.pt");
  flip_a_bit(folder / "damaged.pt");
  CHECK(commit("damaged").exit_code != 0);
  fs::remove(folder / "damaged.pt");

  // What is no model is none of its business.
  write_bytes(folder / "notes.txt", "more\n");
  const CommandOutput notes = commit("notes");
  INFO_OF(notes);
  CHECK(notes.exit_code == 0);
  CHECK(run_in(folder.path(), "git log --format=%s").out == "notes\ngood\n");
}

TEST_CASE("recipes: the configuration of pre-commit calls the hook for models and for nothing else") {
  const std::string config = read_bytes(recipe("pre-commit-config.yaml"));
  CHECK_THAT(config, Contains("entry: tools/pre_commit_hook.sh\n") && Contains("language: script\n"));
  std::smatch match;
  REQUIRE(std::regex_search(config, match, std::regex("files: (.*)\n")));
  const std::regex files(match[1].str());
  CHECK(std::regex_search("models/bert.pt", files));
  CHECK(std::regex_search("pytorch_model.bin", files));
  CHECK(!std::regex_search("notes.pt.txt", files));
  // pre-commit itself needs no network for a script of the repository.
  if (testing::run_command("command -v pre-commit > /dev/null").exit_code != 0) {
    std::cerr << "SKIPPED: " << Catch::getResultCapture().getCurrentTestName() << ": no pre-commit on the PATH\n";
    return;
  }
  const TempDir folder;
  fs::create_directory(folder / "tools");
  fs::copy_file(recipe("pre_commit_hook.sh"), folder / "tools/pre_commit_hook.sh");
  write_bytes(folder / ".pre-commit-config.yaml", config);
  fs::copy_file(clean_trace(), folder / "good.pt");
  const std::string run = "git init -q; git add -A; HOME='" + folder.path().string() + "' pre-commit run --all-files";
  const CommandOutput good = run_in(folder.path(), run);
  INFO_OF(good);
  CHECK(good.exit_code == 0);
  put_unsafe(folder / "pytorch_model.bin");
  const CommandOutput unsafe = run_in(folder.path(), run);
  INFO_OF(unsafe);
  CHECK(unsafe.exit_code == 1);
  CHECK_THAT(unsafe.out, Contains("pytorch_model.bin: unsafe"));
}

TEST_CASE("recipes: the nightly check looks at every model, also after one that fails, and ends with the worst code") {
  const TempDir folder;
  fs::create_directory(folder / "models");
  copy_models(folder.path(), {"bert"});
  fs::copy_file(clean_trace(), folder / "models/bert.pt");
  fs::copy_file(clean_trace(), folder / "models/other.pt");
  REQUIRE(run_in(folder / "models", "sha512sum *.pt > SHA512SUMS").exit_code == 0);
  // The body of the Jenkinsfile's `sh` step, with its script where it is here.
  const std::string jenkinsfile = read_bytes(recipe("Jenkinsfile"));
  std::smatch match;
  REQUIRE(std::regex_search(jenkinsfile, match, std::regex("sh '''\n([^']*)'''")));
  std::string body = std::regex_replace(match[1].str(), std::regex("docs/recipes/nightly.sh"),
                                        "'" + recipe("nightly.sh").string() + "'");
  write_bytes(folder / "body.sh", "#!/bin/sh -xe\n" + body);
  const auto nightly = [&] { return run_in(folder.path(), "MODELS=models sh -e body.sh"); };

  const CommandOutput good = nightly();
  INFO_OF(good);
  CHECK(good.exit_code == 0);
  CHECK(testing::list_folder(folder / "reports") ==
        std::vector<std::string>{"bert.txt", "bert.xml", "other.txt", "other.xml", "summary.txt"});
  CHECK_THAT(read_bytes(folder / "reports/bert.txt"), Contains("pass  checksum") && Contains("pass  source"));

  trace_model("tiny-bert", folder / "models/bert.pt", {"--init", "random", "--seed", "3"});
  const CommandOutput changed = nightly();
  INFO_OF(changed);
  CHECK(changed.exit_code == 1);
  CHECK_THAT(changed.out, Contains("models/bert.pt: FAIL") && Contains("models/other.pt: pass"));

  put_unsafe(folder / "models/other.pt");
  const CommandOutput unsafe = nightly();
  INFO_OF(unsafe);
  CHECK(unsafe.exit_code == 3);
  CHECK_THAT(unsafe.out, Contains("models/bert.pt: FAIL") && Contains("models/other.pt: REFUSED as unsafe"));

  fs::create_directory(folder / "empty");
  CHECK(run_in(folder.path(), "sh '" + recipe("nightly.sh").string() + "' empty reports").exit_code == 2);
}

}  // namespace bertjit
