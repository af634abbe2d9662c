// The reference is Python's own difflib (3.8 to 3.12), run at test time; without that Python the fixed cases stay.
#include "compare/text_diff.h"

#include <random>

#include "testing/testing.h"

namespace bertjit {

using testing::run_command;
using testing::TempDir;
using testing::write_bytes;

namespace {

using Lines = std::vector<std::string>;

/// Applies a diff: the lines of the side that `tag` belongs to.
Lines side(const TextDiff& diff, char tag) {
  Lines lines;
  for (const auto& line : diff.lines) {
    if (line[0] == ' ' || line[0] == tag) {
      lines.push_back(line.substr(2));
    }
  }
  return lines;
}

/// The Python whose ndiff is the reference; empty, and said so, if there is none.
std::string reference_python() {
  const std::string python = (testing::testdata("").parent_path().parent_path() / ".deps/venv/bin/python").string();
  const std::string question = "import sys; sys.exit(0 if (3, 8) <= sys.version_info < (3, 13) else 1)";
  if (run_command(python + " -c '" + question + "' 2>/dev/null").exit_code == 0) {
    return python;
  }
  WARN("SKIPPED: no Python 3.8 to 3.12 to compare with");
  return "";
}

std::string terminated(const Lines& lines) {
  std::string text;
  for (const auto& line : lines) {
    text += line + "\n";
  }
  return text;
}

/// What Python's difflib makes of each pair of texts, as lines.
std::vector<Lines> python_diffs(const std::string& python, const std::vector<std::pair<Lines, Lines>>& pairs) {
  const TempDir dir;
  std::string input;
  for (const auto& [first, second] : pairs) {
    input += terminated(first) + "\x1e" + terminated(second) + "\x1f";
  }
  write_bytes(dir / "pairs", input);
  write_bytes(dir / "ndiff.py", R"(import difflib, sys
data = open(sys.argv[1], newline='', encoding='utf-8').read()
lines = lambda text: [line + '\n' for line in text.split('\n')[:-1]]
for pair in data.split('\x1f')[:-1]:
    first, second = map(lines, pair.split('\x1e'))
    sys.stdout.buffer.write((''.join(difflib.ndiff(first, second)) + '\x1f').encode())
)");
  const auto output = run_command(python + " " + (dir / "ndiff.py").string() + " " + (dir / "pairs").string());
  REQUIRE(output.exit_code == 0);
  std::vector<Lines> diffs;
  size_t begin = 0;
  for (size_t end = output.out.find('\x1f'); end != std::string::npos; end = output.out.find('\x1f', begin)) {
    diffs.push_back(lines_of(output.out.substr(begin, end - begin)));
    begin = end + 1;
  }
  return diffs;
}

/// Lines like those of a graph, some of them changed, moved, left out and added.
std::pair<Lines, Lines> random_pair(std::mt19937& random) {
  const auto below = [&random](uint32_t limit) { return random() % limit; };
  const Lines words{"aten::mul", "aten::add",    "%x",     "%result.1",
                    "\t",        "  ",           "größer", "prim::Constant[value=0]()",
                    "#",         "loop.py:4:17", "Tensor", ""};
  const auto line = [&] {
    std::string text;
    for (uint32_t i = below(8); i > 0; --i) {
      text += words[below(static_cast<uint32_t>(words.size()))] + (below(3) ? " " : "") + std::to_string(below(4));
    }
    return below(9) == 0 ? text + std::string(220, 'x') + std::to_string(below(9)) : text;
  };
  Lines first, second;
  for (uint32_t i = below(24); i > 0; --i) {
    first.push_back(line());
  }
  for (const auto& text : first) {
    const uint32_t what = below(8);
    if (what == 1) {
      second.push_back(line());
    }
    if (what != 0) {
      std::string changed = text;
      if (what < 4 && !text.empty()) {
        changed.insert(0, 1, static_cast<char>('a' + below(3)));
        changed += std::to_string(below(30));
      }
      second.push_back(changed);
    }
  }
  if (below(4) == 0) {
    std::shuffle(second.begin(), second.end(), random);
  }
  return {first, second};
}

}  // namespace

TEST_CASE("text_diff: the example of Python's difflib documentation") {
  // https://docs.python.org/3/library/difflib.html#difflib.ndiff
  CHECK(diff_lines({"one", "two", "three"}, {"ore", "tree", "emu"}).lines ==
        Lines{"- one", "?  ^", "+ ore", "?  ^", "- two", "- three", "?  -", "+ tree", "+ emu"});
}

TEST_CASE("text_diff: equal texts have no change, empty ones no lines, and what is only on one side is marked") {
  CHECK(diff_lines({"a", "b"}, {"a", "b"}).lines == Lines{"  a", "  b"});
  CHECK(diff_lines({}, {}).lines.empty());
  CHECK(diff_lines({"a"}, {}).lines == Lines{"- a"});
  CHECK(diff_lines({}, {"a"}).lines == Lines{"+ a"});
  CHECK(diff_lines({"a"}, {"zzzz"}).lines == Lines{"- a", "+ zzzz"});
  CHECK_FALSE(diff_lines({"a"}, {"b"}).narrowed);
}

TEST_CASE("text_diff: marks stand under characters, not under bytes, and tabs stay tabs") {
  CHECK(diff_lines({"\tgrößer als 1"}, {"\tgrößer als 2"}).lines ==
        Lines{"- \tgrößer als 1", "? \t           ^", "+ \tgrößer als 2", "? \t           ^"});
}

TEST_CASE("text_diff: two thousand random texts give the lines that Python's difflib gives") {
  const std::string python = reference_python();
  if (python.empty()) {
    return;
  }
  std::mt19937 random(5);
  std::vector<std::pair<Lines, Lines>> pairs;
  for (int i = 0; i < 2000; ++i) {
    pairs.push_back(random_pair(random));
  }
  // Above 200 lines difflib leaves out lines that are frequent.
  Lines many, more;
  for (int i = 0; i < 230; ++i) {
    many.push_back(i % 3 == 0 ? "return" : "line " + std::to_string(i));
    more.push_back(i % 3 == 0 ? "return" : "line " + std::to_string(i + i / 40));
  }
  pairs.emplace_back(many, more);
  const auto expected = python_diffs(python, pairs);
  REQUIRE(expected.size() == pairs.size());
  size_t equal = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const TextDiff actual = diff_lines(pairs[i].first, pairs[i].second);
    if (actual.lines == expected[i] && !actual.narrowed) {
      ++equal;
    } else {
      INFO("pair " << i);
      CHECK(joined_lines(actual.lines) == joined_lines(expected[i]));
    }
  }
  CHECK(equal == pairs.size());
}

TEST_CASE("text_diff: long texts that differ everywhere are searched narrowly, and the diff still makes both of them") {
  Lines first, second;
  for (int i = 0; i < 6000; ++i) {
    const auto line = [](int number) { return std::to_string(number) + " : Tensor = aten::mul(%x, %y) # loop.py:4"; };
    first.push_back(line(i));
    second.push_back(line(i + 7000));
  }
  const TextDiff diff = diff_lines(first, second);
  CHECK(diff.narrowed);
  CHECK(side(diff, '-') == first);
  CHECK(side(diff, '+') == second);
}

TEST_CASE("text_diff: lines_of and joined_lines are each other's inverse, but for the last line's end") {
  CHECK(lines_of("a\n\nb\n") == Lines{"a", "", "b"});
  CHECK(lines_of("").empty());
  CHECK(joined_lines({"a", "", "b"}) == "a\n\nb");
  CHECK(joined_lines({}).empty());
}

}  // namespace bertjit
