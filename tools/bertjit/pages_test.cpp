// Man pages hold what --help holds, and say it in man's language.
#include <regex>
#include <set>

#include "cli_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::CliOutput;
using testing::run_bertjit;

namespace {

bool has_program(const std::string& name) {
  const bool found = testing::run_command("command -v " + name).exit_code == 0;
  if (!found) {
    std::cerr << "SKIPPED: " << Catch::getResultCapture().getCurrentTestName() << ": there is no " << name << "\n";
  }
  return found;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

/// "bertjit-report-merge" -> "report", "merge".
std::vector<std::string> command_of(const std::string& page) {
  std::vector<std::string> words;
  std::istringstream stream(page);
  for (std::string word; std::getline(stream, word, '-');) {
    words.push_back(word);
  }
  return {words.begin() + 1, words.end()};
}

std::string rendered(const std::string& page, const std::string& options) {
  const testing::TempDir folder;
  testing::write_bytes(folder / "page.1", page);
  return testing::run_command("groff -K utf8 -man -Tutf8 -P-cbou " + options + " '" + (folder / "page.1").string() +
                              "' 2>&1")
      .out;
}

}  // namespace

TEST_CASE("man: each command of the help has a page, with every flag of its own help") {
  const std::vector<std::string> pages = lines_of(run_bertjit({"man", "--list"}).out);
  std::set<std::string> listed(pages.begin(), pages.end());
  bool in_commands = false;
  for (const std::string& line : lines_of(run_bertjit({"--help"}).out)) {
    in_commands = (in_commands && !line.empty()) || line == "Subcommands:";
    if (in_commands && line.starts_with("  ")) {
      const std::string name = line.substr(2, line.find(' ', 2) - 2);
      INFO(name);
      CHECK(listed.contains("bertjit-" + name));
    }
  }
  CHECK(pages.size() > 12);
  CHECK(pages.front() == "bertjit");
  size_t flags = 0;
  const std::regex flag("^  (?:-[a-zA-Z],)?(--[a-z0-9-]+)");
  for (const std::string& page : pages) {
    std::vector<std::string> help = command_of(page);
    help.emplace_back("--help");
    const CliOutput output = run_bertjit({"man", page});
    CHECK(output.exit_code == 0);
    for (const std::string& line : lines_of(run_bertjit(help).out)) {
      std::smatch match;
      if (std::regex_search(line, match, flag)) {
        ++flags;
        INFO(page << " " << match[1]);
        CHECK_THAT(output.out, Contains("\\fB" + std::regex_replace(match[1].str(), std::regex("-"), "\\-") + "\\fR"));
      }
    }
  }
  CHECK(flags > 150);
}

TEST_CASE("man: the pages are what man expects, without a warning") {
  if (!has_program("groff")) {
    return;
  }
  for (const std::string& page : lines_of(run_bertjit({"man", "--list"}).out)) {
    INFO(page);
    CHECK(rendered(run_bertjit({"man", page}).out, "-ww -z").empty());
  }
  const std::string verify = rendered(run_bertjit({"man", "bertjit-verify"}).out, "");
  for (const char* part : {"bertjit-verify - Judge a TorchScript file", "--check-shapes BxL,...", "EXAMPLES",
                           "bertjit verify traced_bert.pt --source ./bert-base-uncased", "EXIT STATUS",
                           "3 refused as unsafe", "bertjit-trace(1)"}) {
    CHECK_THAT(verify, Contains(part));
  }
}

TEST_CASE("man: an unknown page is refused with the names of those there are") {
  const CliOutput output = run_bertjit({"man", "bertjit-nothing"});
  CHECK(output.exit_code == 2);
  CHECK_THAT(output.err, Contains("there is no page 'bertjit-nothing'; there are: bertjit bertjit-trace"));
}

}  // namespace bertjit
