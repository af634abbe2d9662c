// What the command tests share: the program run in-process, and the pieces its stories are made of.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli.h"
#include "container/npz.h"
#include "testing/testing.h"

namespace bertjit::testing {

/// What a user sees of one run.
struct CliOutput {
  int exit_code = 0;
  std::string out;
  std::string err;
};

inline std::ostream& operator<<(std::ostream& stream, const CliOutput& output) {
  return stream << "exit " << output.exit_code << "\nout: " << output.out << "\nerr: " << output.err;
}

/// `bertjit ARGUMENTS...` through run_cli; shown by Catch2 when a later assertion of the test fails.
inline CliOutput run_bertjit(const std::vector<std::string>& arguments, const std::string& input = "") {
  std::vector<const char*> argv{"bertjit"};
  for (const auto& argument : arguments) {
    argv.push_back(argument.c_str());
  }
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  const int exit_code = run_cli(static_cast<int>(argv.size()), argv.data(), in, out, err);
  return {exit_code, out.str(), err.str()};
}

/// What a question without an answer leaves: exit 2, nothing on stdout, `message` within stderr.
inline void check_refused(const CliOutput& output, const std::string& message) {
  INFO(output);
  CHECK(output.exit_code == 2);
  CHECK(output.out.empty());
  CHECK_THAT(output.err, Catch::Matchers::Contains(message));
}

inline void check_refused(const std::vector<std::string>& arguments, const std::string& message) {
  check_refused(run_bertjit(arguments), message);
}

/// The program beside this test program, for what only a process of its own can show.
inline std::string program() {
  return "'" + (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "bertjit").string() + "'";
}

inline nlohmann::json parse_json(const std::string& text) {
  return nlohmann::json::parse(text);
}

/// The check of that id in a document's "checks".
inline nlohmann::json find_check(const nlohmann::json& document, const std::string& id) {
  for (const auto& check : document.at("checks")) {
    if (check.at("id") == id) {
      return check;
    }
  }
  throw std::runtime_error("no check " + id);
}

inline std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

/// Names in a folder, hidden ones included, sorted.
inline std::vector<std::string> list_folder(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Set `set` ("a", "b", "c") of testdata/golden/MODEL.npz as files: the inputs by their argument names, and what
/// transformers answers (Python reference, testdata/README.md) by its output names.
struct GoldenSet {
  TensorFile file;
  std::vector<TensorView> inputs;
  std::vector<TensorView> outputs;

  GoldenSet(const std::string& model, const std::string& set) : file(read_npz(testdata("golden/" + model + ".npz"))) {
    for (const auto& tensor : file.tensors) {
      TensorView view = tensor;
      if (view.name.starts_with(set + ".out.")) {
        view.name = view.name.substr(set.size() + 5);
        outputs.push_back(view);
      } else if (view.name.starts_with(set + ".")) {
        view.name = view.name.substr(set.size() + 1);
        inputs.push_back(view);
      }
    }
  }
};

/// The interpreter with torch and numpy that scripts/setup.sh puts into the checkout; $BERTJIT_PYTHON names another.
inline std::string python() {
  const char* named = std::getenv("BERTJIT_PYTHON");
  return named != nullptr ? named : testdata("../.deps/venv/bin/python").lexically_normal().string();
}

inline bool has_python() {
  static const bool found = run_command("'" + python() + "' -c 'import torch, numpy' 2>&1").exit_code == 0;
  if (!found) {
    std::cerr << "SKIPPED: " << Catch::getResultCapture().getCurrentTestName() << ": no Python with torch and numpy at "
              << python() << "\n";
  }
  return found;
}

/// Runs a script with arguments; its stdout, which the test fails without.
inline std::string run_python(const std::string& script, const std::vector<std::string>& arguments) {
  const TempDir folder;
  write_bytes(folder / "script.py", script);
  std::string command = "'" + python() + "' '" + (folder / "script.py").string() + "'";
  for (const auto& argument : arguments) {
    command += " '" + argument + "'";
  }
  const CommandOutput output = run_command(command + " 2>'" + (folder / "err").string() + "'");
  INFO(read_bytes(folder / "err"));
  REQUIRE(output.exit_code == 0);
  return output.out;
}

/// `bertjit trace testdata/MODEL -o OUTPUT ...`, which must succeed.
inline void trace_model(const std::string& model, const std::filesystem::path& output,
                        const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{"trace", testdata(model).string(), "-o", output.string(), "--quiet"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const CliOutput traced = run_bertjit(arguments);
  INFO(traced);
  REQUIRE(traced.exit_code == 0);
}

}  // namespace bertjit::testing

/// Ends the test case, visibly, where there is no Python with torch and numpy.
#define SKIP_WITHOUT_PYTHON()                   \
  do {                                          \
    if (!::bertjit::testing::has_python()) {    \
      SUCCEED("skipped: no Python with torch"); \
      return;                                   \
    }                                           \
  } while (false)
