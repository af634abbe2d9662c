// Every ```console block of README.md and docs/ is run, and what it prints must be what the page says.
//
// The blocks of a page run in order, in one shell, in a fresh folder in which `bertjit` is on the PATH and `testdata`
// is a link to the checkout's. In a block, "$ " starts a command and "> " continues it; what follows is its output,
// stdout and stderr together. A command that exits with something else than 0 must be followed by `$ echo $?`.
// `<!-- needs: COMMAND -->` on the line before a block: where COMMAND fails, the block is left out, visibly.
//
// How output is compared (tokens, not bytes, because pages are read on other CPUs and with other libtorchs):
//   ...                       any text; alone on a line: one line or more
//   a number with a point     within 2e-4 + 1e-4 of it (relative)
//   a whole number >= 1000    within 2 %: each libtorch writes slightly different archives
//   16 or more hex digits     any as many, but the same expected digest is the same digest throughout the page
// BERTJIT_UPDATE_DOCS=1 rewrites the output of commands where it is another one; scripts/update_docs.sh sets it.
#include <algorithm>
#include <atomic>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <future>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

#include "cli_testing.h"

namespace bertjit {

namespace fs = std::filesystem;
using testing::read_bytes;
using testing::split_lines;

namespace {

constexpr char kEndMark = '\036';

struct Token {
  enum class Kind { kText, kSpace, kNumber, kDigest, kAny };
  Kind kind;
  std::string text;
};

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// End of the number at `begin`, 22,713,986 and 1.2e-05 included; `begin` if there is none.
size_t number_end(const std::string& text, size_t begin) {
  const auto digit = [&](size_t i) { return i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])); };
  size_t end = begin + (text[begin] == '-' ? 1 : 0);
  if (!digit(end)) {
    return begin;
  }
  while (digit(end) ||
         (end + 3 < text.size() && text[end] == ',' && digit(end + 1) && digit(end + 2) && digit(end + 3))) {
    ++end;
  }
  if (end < text.size() && text[end] == '.' && digit(end + 1)) {
    for (++end; digit(end);) {
      ++end;
    }
  }
  if (end < text.size() && text[end] == 'e') {
    const size_t exponent = end + 1 + (end + 1 < text.size() && (text[end + 1] == '-' || text[end + 1] == '+') ? 1 : 0);
    if (digit(exponent)) {
      for (end = exponent; digit(end);) {
        ++end;
      }
    }
  }
  return end < text.size() && is_word(text[end]) ? begin : end;
}

std::vector<Token> tokenize(const std::string& text) {
  std::vector<Token> tokens;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    Token::Kind kind = Token::Kind::kText;
    if (text.compare(i, 3, "...") == 0) {
      kind = Token::Kind::kAny;
      end = i + 3;
    } else if (text[i] == ' ') {
      kind = Token::Kind::kSpace;
      end = std::min(text.find_first_not_of(' ', i), text.size());
    } else if ((end = number_end(text, i)) > i && (i == 0 || !is_word(text[i - 1]))) {
      kind = Token::Kind::kNumber;
    } else if (is_word(text[i])) {
      for (end = i; end < text.size() && is_word(text[end]);) {
        ++end;
      }
      const bool hex = text.find_first_not_of("0123456789abcdef", i) >= end;
      kind = hex && end - i >= 16 ? Token::Kind::kDigest : Token::Kind::kText;
    } else {
      end = i + 1;
    }
    tokens.push_back({kind, text.substr(i, end - i)});
    i = end;
  }
  return tokens;
}

double value_of(std::string number) {
  number.erase(std::remove(number.begin(), number.end(), ','), number.end());
  return std::strtod(number.c_str(), nullptr);
}

bool same_number(const std::string& expected, const std::string& actual) {
  const double want = value_of(expected);
  const double difference = std::abs(want - value_of(actual));
  const bool real = (expected + actual).find_first_of(".e") != std::string::npos;
  return difference <= (real ? 2e-4 + 1e-4 * std::abs(want) : std::abs(want) >= 1000 ? 0.02 * std::abs(want) : 0);
}

/// Compares what a page says with what came, and remembers which digest stands for which.
class PageMatcher {
 public:
  bool matches(const std::string& expected, const std::string& actual) {
    const auto want = tokenize(expected);
    const auto have = tokenize(actual);
    pairs_.clear();
    // As a shell matches "*": where a comparison fails, only the last "..." takes one token more.
    std::optional<size_t> any;
    size_t any_taken = 0;
    size_t any_pairs = 0;
    size_t i = 0;
    for (size_t j = 0; j < have.size() || i < want.size();) {
      if (i < want.size() && want[i].kind == Token::Kind::kAny) {
        any = ++i;
        any_taken = j;
        any_pairs = pairs_.size();
      } else if (i < want.size() && j < have.size() && same(want[i], have[j])) {
        ++i;
        ++j;
      } else if (any && any_taken < have.size()) {
        i = *any;
        j = ++any_taken;
        pairs_.resize(any_pairs);
      } else {
        return false;
      }
    }
    digests_.insert(pairs_.begin(), pairs_.end());
    return true;
  }

 private:
  bool same(const Token& want, const Token& have) {
    if (want.kind == Token::Kind::kDigest && have.kind == want.kind && want.text.size() == have.text.size()) {
      const auto known = digests_.find(want.text);
      const auto pair = std::find_if(pairs_.begin(), pairs_.end(), [&](const auto& p) { return p.first == want.text; });
      const std::string& stands_for = known != digests_.end() ? known->second
                                      : pair != pairs_.end()  ? pair->second
                                                              : have.text;
      pairs_.emplace_back(want.text, have.text);
      return stands_for == have.text;
    }
    if (want.kind == Token::Kind::kNumber && have.kind == want.kind) {
      return same_number(want.text, have.text);
    }
    // A column of numbers moves when one loses its sign.
    return (want.kind == Token::Kind::kSpace && have.kind == want.kind) || want.text == have.text;
  }

  std::map<std::string, std::string> digests_;
  std::vector<std::pair<std::string, std::string>> pairs_;  ///< of the comparison that is going on
};

struct Command {
  std::string text;
  std::vector<std::string> expected;  ///< lines
  size_t line;                        ///< of the "$ ", from 0
  size_t output_line;                 ///< where the output begins
};

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) {
    text += line + "\n";
  }
  return text;
}

bool can_run(const std::string& needed, const std::string& environment) {
  return testing::run_command(environment + "( " + needed + " ) >/dev/null 2>&1").exit_code == 0;
}

std::vector<Command> find_commands(const std::vector<std::string>& page, const std::string& environment,
                                   std::vector<std::string>& complaints) {
  const std::string needs = "<!-- needs: ";
  std::vector<Command> commands;
  bool inside = false;
  for (size_t i = 0; i < page.size(); ++i) {
    const std::string& line = page[i];
    if (!inside) {
      inside = line == "```console";
      if (inside && i > 0 && page[i - 1].starts_with(needs)) {
        const std::string needed = page[i - 1].substr(needs.size(), page[i - 1].rfind(" -->") - needs.size());
        if (!can_run(needed, environment)) {
          std::cerr << "SKIPPED: docs: a block that needs `" << needed << "`\n";
          inside = false;
          for (++i; page.at(i) != "```";) {
            ++i;
          }
        }
      }
    } else if (line == "```") {
      inside = false;
    } else if (line.starts_with("$ ")) {
      commands.push_back({line.substr(2), {}, i, i + 1});
    } else if (commands.empty()) {
      complaints.push_back("line " + std::to_string(i + 1) + ": a console block begins with a command");
      return {};
    } else if (line.starts_with("> ") && commands.back().expected.empty()) {
      commands.back().text += "\n" + line.substr(2);
      commands.back().output_line = i + 1;
    } else {
      commands.back().expected.push_back(line);
    }
  }
  return commands;
}

/// Runs the commands in one bash; a mark and the exit code end each one's output.
std::vector<std::pair<std::string, int>> run_commands(const std::vector<Command>& commands, const fs::path& folder,
                                                      const fs::path& script_folder, const std::string& environment) {
  std::string script = "exec 2>&1 </dev/null\ncd '" + folder.string() + "'\n";
  for (const auto& command : commands) {
    script += command.text + "\nstatus=$?; printf '" + "\\036%d\\036' $status; (exit $status)\n";
  }
  testing::write_bytes(script_folder / "page.sh", script);
  const std::string output =
      testing::run_command(environment + "bash '" + (script_folder / "page.sh").string() + "'").out;
  std::vector<std::pair<std::string, int>> results;
  for (size_t begin = 0; results.size() < commands.size();) {
    const size_t mark = output.find(kEndMark, begin);
    const size_t end = output.find(kEndMark, mark + 1);
    if (mark == std::string::npos || end == std::string::npos) {
      break;  // the shell ended early; the caller sees that results are missing
    }
    results.emplace_back(output.substr(begin, mark - begin), std::stoi(output.substr(mark + 1, end - mark - 1)));
    begin = end + 1;
  }
  return results;
}

fs::path root() {
  return testing::testdata("").parent_path().parent_path();
}

/// Puts the program that was built with this test first on the PATH, then the Python of scripts/setup.sh.
std::string environment() {
  const fs::path bin = fs::read_symlink("/proc/self/exe").parent_path();
  return "export LC_ALL=C.UTF-8; unset NO_COLOR; export PATH='" + bin.string() + "':'" +
         (root() / ".deps/venv/bin").string() + "':\"$PATH\"; ";
}

/// Runs a page; returns its lines with the output that came, where that is another one, and the complaints.
std::vector<std::string> check_page(const std::vector<std::string>& page, std::vector<std::string>& complaints) {
  const testing::TempDir folder;
  const testing::TempDir script_folder;
  fs::create_directory_symlink(root() / "testdata", folder / "testdata");
  const auto commands = find_commands(page, environment(), complaints);
  const auto results = run_commands(commands, folder.path(), script_folder.path(), environment());
  if (results.size() != commands.size()) {
    complaints.push_back("the shell ended after " + std::to_string(results.size()) + " of " +
                         std::to_string(commands.size()) + " commands");
    return page;
  }
  std::vector<std::string> updated;
  PageMatcher matcher;
  size_t next = 0;
  for (size_t i = 0; i < commands.size(); ++i) {
    const Command& command = commands[i];
    const auto& [output, exit_code] = results[i];
    const std::string where = "line " + std::to_string(command.line + 1) + ": $ " + command.text + "\n";
    const bool shown = i + 1 < commands.size() && commands[i + 1].text == "echo $?";
    if (exit_code != 0 && !shown) {
      complaints.push_back(where + "exits with " + std::to_string(exit_code) + ", and the page does not show it\n" +
                           output);
    }
    updated.insert(updated.end(), page.begin() + static_cast<long>(next),
                   page.begin() + static_cast<long>(command.output_line));
    next = command.output_line + command.expected.size();
    const auto actual = split_lines(output);
    if (matcher.matches(join(command.expected), join(actual))) {
      updated.insert(updated.end(), command.expected.begin(), command.expected.end());
    } else {
      complaints.push_back(where + "the page says:\n" + join(command.expected) + "the program says:\n" + join(actual));
      updated.insert(updated.end(), actual.begin(), actual.end());
    }
  }
  updated.insert(updated.end(), page.begin() + static_cast<long>(next), page.end());
  return updated;
}

std::vector<fs::path> pages() {
  std::vector<fs::path> paths{root() / "README.md"};
  for (const auto& entry : fs::recursive_directory_iterator(root() / "docs")) {
    if (entry.path().extension() == ".md") {
      paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

struct Page {
  fs::path path;
  std::vector<std::string> lines;
  std::vector<std::string> updated;
  std::vector<std::string> complaints;
};

/// Runs every page. They know nothing of each other and are mostly start-up, so some run at a time, the longest first.
std::vector<Page> check_pages() {
  std::vector<Page> checked;
  for (const auto& path : pages()) {
    checked.push_back({path, split_lines(read_bytes(path)), {}, {}});
  }
  std::vector<Page*> queue;
  for (Page& page : checked) {
    queue.push_back(&page);
  }
  std::ranges::sort(queue, std::ranges::greater(), [](const Page* page) { return page->lines.size(); });
  std::atomic<size_t> next = 0;
  std::vector<std::future<void>> workers;
  for (unsigned i = 0; i < std::clamp(std::thread::hardware_concurrency(), 2U, 8U); ++i) {
    workers.push_back(std::async(std::launch::async, [&] {
      for (size_t at = next++; at < queue.size(); at = next++) {
        queue[at]->updated = check_page(queue[at]->lines, queue[at]->complaints);
      }
    }));
  }
  for (auto& worker : workers) {
    worker.get();
  }
  return checked;
}

/// The page without its code blocks: a lambda in one looks like a link.
std::string without_blocks(const std::vector<std::string>& page) {
  std::vector<std::string> prose;
  bool inside = false;
  for (const auto& line : page) {
    inside = inside != line.starts_with("```");
    if (!inside) {
      prose.push_back(line);
    }
  }
  return join(prose);
}

std::vector<std::string> complaints_about(const std::string& page) {
  std::vector<std::string> complaints;
  check_page(split_lines(page), complaints);
  return complaints;
}

}  // namespace

TEST_CASE("docs: every console block prints what its page says", "[docs]") {
  const bool update = std::getenv("BERTJIT_UPDATE_DOCS") != nullptr;
  for (const Page& page : check_pages()) {
    const std::string name = fs::relative(page.path, root()).string();
    if (update && page.updated != page.lines) {
      testing::write_bytes(page.path, join(page.updated));
      std::cerr << "updated " << name << "; run the test again\n";
      continue;
    }
    for (const auto& complaint : page.complaints) {
      FAIL_CHECK(name << ", " << complaint);
    }
  }
}

TEST_CASE("docs: links to files and the scripts that pages name lead somewhere", "[docs]") {
  for (const auto& path : pages()) {
    const std::string text = read_bytes(path);
    const std::string prose = without_blocks(split_lines(text));
    for (size_t at = prose.find("]("); at != std::string::npos; at = prose.find("](", at + 1)) {
      const std::string target = prose.substr(at + 2, prose.find_first_of(")#", at + 2) - at - 2);
      if (!target.empty() && target.find("://") == std::string::npos) {
        CAPTURE(path.string(), target);
        CHECK(fs::exists(path.parent_path() / target));
      }
    }
    for (size_t at = text.find("scripts/"); at != std::string::npos; at = text.find("scripts/", at + 1)) {
      const std::string script = text.substr(at, text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_./", at) - at);
      const std::string name = script.substr(0, script.find_last_not_of('.') + 1);
      CAPTURE(path.string(), name);
      CHECK(fs::exists(root() / name));
    }
  }
}

TEST_CASE("docs: a block with other output, another number or another exit code is found", "[docs]") {
  const auto block = [](const std::string& text) { return "```console\n" + text + "```\n"; };
  CHECK(complaints_about(block("$ echo one two\none two\n")).empty());
  CHECK(complaints_about(block("$ echo one two\none three\n")).size() == 1);
  CHECK(complaints_about(block("$ echo one\n$ echo two\none\ntwo\n")).size() == 2);
  CHECK(complaints_about(block("$ echo one two three\none ... three\n")).empty());
  CHECK(complaints_about(block("$ printf '1\\n2\\n3\\n'\n1\n...\n3\n")).empty());
  CHECK(complaints_about(block("$ printf '1\\n2\\n3\\n'\n1\n...\n4\n")).size() == 1);
  // The last digits of floats may differ, others not; small whole numbers never.
  CHECK(complaints_about(block("$ echo '[-0.1235, 2.5e-01]'\n[-0.1234, 2.5001e-01]\n")).empty());
  CHECK(complaints_about(block("$ echo '[-0.1334]'\n[-0.1234]\n")).size() == 1);
  CHECK(complaints_about(block("$ echo 39 weights, 143,400 bytes\n39 weights, 143,376 bytes\n")).empty());
  CHECK(complaints_about(block("$ echo 38 weights\n39 weights\n")).size() == 1);
  CHECK(complaints_about(block("$ echo 165,044 bytes\n143,376 bytes\n")).size() == 1);
  // One digest of the page is one digest of the program.
  const std::string a(16, 'a');
  const std::string b(16, 'b');
  CHECK(complaints_about(block("$ echo " + b + " " + b + "\n" + a + " " + a + "\n")).empty());
  CHECK(complaints_about(block("$ echo " + b + " " + a + "\n" + a + " " + a + "\n")).size() == 1);
  // What "..." passed over is not held against the page.
  CHECK(complaints_about(block("$ echo " + b + " x " + a + " y\n... " + a + " y\n$ echo " + a + "\n" + a + "\n"))
            .empty());
  CHECK(complaints_about(block("$ (exit 2)\n")).size() == 1);
  CHECK(complaints_about(block("$ (exit 2)\n$ echo $?\n2\n")).empty());
  CHECK(complaints_about(block("$ (exit 2)\n$ echo $?\n1\n")).size() == 1);
  CHECK(complaints_about(block("$ exit 3\n")).size() == 1);
  CHECK(complaints_about(block("no command\n")).size() == 1);
  // Commands of a page share a folder and a shell; a block that needs what is absent is left out.
  CHECK(complaints_about(block("$ word=here\n$ echo $word > file\n") + "text\n" + block("$ cat file\nhere\n")).empty());
  CHECK(complaints_about(block("$ ls testdata/tiny-bert/config.json\ntestdata/tiny-bert/config.json\n")).empty());
  CHECK(complaints_about("<!-- needs: false -->\n" + block("$ echo one\ntwo\n")).empty());
  CHECK(complaints_about("<!-- needs: true -->\n" + block("$ echo one\ntwo\n")).size() == 1);
}

}  // namespace bertjit
