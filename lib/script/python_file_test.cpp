// Statements, places and rewriting of a Python file. What Python makes of a text is stated beside each expectation.
#include "script/python_file.h"

#include <algorithm>
#include <sstream>

#include "testing/error_of.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using testing::error_of;
using Kind = PythonStatement::Kind;

namespace {

std::string shown(const torch::jit::TreeRef& tree) {
  std::ostringstream out;
  out << tree;
  std::string text = out.str();
  text.erase(std::remove(text.begin(), text.end(), '\n'), text.end());
  return text;
}

std::string expression(const std::string& text) {
  const PythonFile file("f.py", "x = " + text + "\n");
  const auto statements = file.parse_statements(file.statements().at(0));
  return shown(torch::jit::Assign(statements[0].tree()).rhs().get().tree());
}

std::string place(const torch::jit::SourceRange& range) {
  const auto [file, line, column] = *range.file_line_col();
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string parse_error(const std::string& text) {
  const PythonFile file("f.py", text);
  return error_of([&] {
           for (const auto& statement : file.statements()) {
             statement.kind == Kind::kFunction ? (void)file.parse_function(statement, false)
                                               : (void)file.parse_statements(statement);
           }
         })
      .what();
}

}  // namespace

TEST_CASE("python file: statements are found whatever is inside them", "[script]") {
  const PythonFile file("f.py",
                        "\"\"\"A text with def x(): in it\"\"\"\n"
                        "import torch; x = 1; y = (2,\n"
                        "  3)  # a comment: with (brackets\n"
                        "@decorated(1)\n"
                        "def f(a):\n"
                        "    s = '# no comment'\n"
                        "\n"
                        "# def g():\n"
                        "    return a\n"
                        "z = 1 + \\\n"
                        "    2\n"
                        "if x:\n"
                        "    w = 1\n"
                        "else:\n"
                        "    w = 2\n"
                        "if __name__ == '__main__':\n"
                        "    f(1)\n");
  const auto& statements = file.statements();
  REQUIRE(statements.size() == 8);
  CHECK(statements[1].kind == Kind::kImport);
  CHECK(statements[2].binds == std::set<std::string>{"x"});
  CHECK(statements[3].binds == std::set<std::string>{"y"});
  CHECK(statements[4].kind == Kind::kFunction);
  CHECK(statements[4].name == "f");
  CHECK(statements[4].decorators.size() == 1);
  CHECK(statements[5].binds == std::set<std::string>{"z"});
  CHECK(statements[6].binds == std::set<std::string>{"w"});
  CHECK(statements[7].kind == Kind::kMain);
}

TEST_CASE("python file: what a statement binds and what it changes", "[script]") {
  const PythonFile file("f.py",
                        "a, (b, *c) = d = 1\n"
                        "e.f[g].h = 2\n"
                        "i: int = 3\n"
                        "j += k\n"
                        "model.layers.append(m)\n"
                        "init.zeros_(n.weight)\n"
                        "print(o)\n"
                        "p.save('p.pt')\n"
                        "torch.manual_seed(0)\n"
                        "for q in r.modules():\n    q.reset()\n");
  const auto& all = file.statements();
  REQUIRE(all.size() == 10);
  CHECK(all[0].binds == std::set<std::string>{"a", "b", "c", "d"});
  CHECK(all[1].changes == std::set<std::string>{"e"});
  CHECK(all[2].binds == std::set<std::string>{"i"});
  CHECK(all[3].binds == std::set<std::string>{"j"});
  CHECK(all[4].changes == std::set<std::string>{"model"});
  CHECK(all[5].changes.count("n") == 1);
  CHECK(all[6].changes.empty());
  CHECK(all[7].changes.empty());
  CHECK(all[8].seeds);
  CHECK(all[9].changes.count("r") == 1);
}

TEST_CASE("python file: a tree's places are the text's own", "[script]") {
  // Carriage returns, a byte order mark and tabs count as a text editor counts them.
  const std::string text =
      "\xEF\xBB\xBFimport torch\r\n\r\ndef f(x):\r\n\ty = torch.add(x,  # one\r\n\t\t1)\r\n\treturn f'{y}'\r\n";
  const PythonFile file("dir/f.py", text);
  const auto def = file.parse_function(file.statements().at(1), false);
  CHECK(place(def.name().range()) == "dir/f.py:3:4");
  const torch::jit::Assign assignment(def.statements()[0].tree());
  CHECK(place(assignment.range()) == "dir/f.py:4:1");
  CHECK(place(assignment.rhs().get().range()) == "dir/f.py:4:5");
  const torch::jit::Apply call(assignment.rhs().get().tree());
  CHECK(place(call.inputs()[1].range()) == "dir/f.py:5:2");
  CHECK(place(def.statements()[1].range()) == "dir/f.py:6:1");
}

TEST_CASE("python file: a method's decorators leave its line and column right", "[script]") {
  const PythonFile file("f.py",
                        "class A(torch.nn.Module):\n"
                        "    '''text'''\n"
                        "    scale: int = 2\n"
                        "    @torch.jit.export\n"
                        "    def g(self, x):\n"
                        "        return x\n");
  const auto members = file.members(file.statements().at(0));
  REQUIRE(members.size() == 3);
  CHECK(members[1].binds == std::set<std::string>{"scale"});
  CHECK(members[2].decorators.size() == 1);
  const auto def = file.parse_function(members[2], true);
  CHECK(place(def.name().range()) == "f.py:5:8");
  CHECK(place(def.statements()[0].range()) == "f.py:6:8");
  CHECK(file.parse_bases(file.statements().at(0)).size() == 1);
}

TEST_CASE("python file: a type comment is read wherever Python reads it", "[script]") {
  for (const std::string text : {"def f(x, y=1):\n    # type: (Tensor, int) -> Tensor\n    return x\n",
                                 "def f(x, y=1):  # type: (Tensor, int) -> Tensor\n    return x\n",
                                 "def f(x, y=1):\n    'text'\n    # type: (Tensor, int) -> Tensor\n    return x\n"}) {
    const PythonFile file("f.py", text);
    const auto def = file.parse_function(file.statements().at(0), false);
    CHECK(shown(def.decl().return_type().get().tree()) == "(variable (ident Tensor))");
    CHECK(shown(def.decl().params()[1].type().get().tree()) == "(variable (ident int))");
  }
  // `# type: ignore` types nothing.
  const PythonFile file("f.py", "def f(x):\n    y = x  # type: ignore\n    return y  # type: int\n");
  CHECK_FALSE(file.parse_function(file.statements().at(0), false).decl().return_type().present());
}

TEST_CASE("python file: imports in all their forms", "[script]") {
  const PythonFile file("f.py",
                        "import a.b as c, d\n"
                        "import e.f\n"
                        "from g.h import (i,\n"
                        "                 j as k)\n"
                        "from .l import m\n");
  const auto& statements = file.statements();
  const auto first = file.parse_imports(statements.at(0));
  REQUIRE(first.size() == 2);
  CHECK(first[0].module == "a.b");
  CHECK(first[0].alias == "c");
  CHECK(first[1].alias == "d");
  CHECK(file.parse_imports(statements.at(1))[0].alias == "e");
  const auto third = file.parse_imports(statements.at(2));
  REQUIRE(third.size() == 2);
  CHECK(third[0].module == "g.h");
  CHECK(third[0].name == "i");
  CHECK(third[1].alias == "k");
  CHECK(statements.at(2).binds == std::set<std::string>{"i", "k"});
  CHECK(file.parse_imports(statements.at(3))[0].module == ".l");
}

TEST_CASE("python file: text is what Python reads", "[script]") {
  CHECK(expression("'a\\x41\\u00e9\\101\\q'") == expression("\"aA\xC3\xA9"
                                                            "A\\\\q\""));
  CHECK(expression("r'\\d+\\n'") == expression("'\\\\d+\\\\n'"));
  CHECK(expression("'a' \"b\"") == expression("'ab'"));
  CHECK(expression("'''a\n\"b\"'''") == expression("'a\\n\"b\"'"));
  CHECK(expression("f'{a} and {b[0]}!'") == expression("'{} and {}!'.format(a, b[0])"));
  CHECK(expression("f'{a}' 'tail'") == expression("'{}tail'.format(a)"));
  CHECK(expression("1_000 + 0x1F + 0b101 + 0o17") == expression("1000 + 31 + 5 + 15"));
}

TEST_CASE("python file: chained comparisons mean what Python means", "[script]") {
  CHECK(expression("a < b < c") == expression("a < b and b < c"));
  CHECK(expression("a < b <= c == d") == expression("a < b and b <= c and c == d"));
  CHECK(expression("(a < b) < c") != expression("a < b < c"));
  CHECK(expression("a < (b) < c") == expression("a < b < c"));
  CHECK(expression("not a is not b in c") == expression("not (a is not b and b in c)"));
  CHECK(expression("a < f(b) < c") == expression("a < f(b) and f(b) < c"));
}

TEST_CASE("python file: what the parser has no word for is said in its words", "[script]") {
  CHECK(expression("f(g(i) for i in x)") == expression("f([g(i) for i in x])"));
  CHECK(expression("[i + j for i, j in x]") == expression("[i + j for (i, j) in x]"));
  CHECK(expression("f(a, *b, **c)").find("**") != std::string::npos);
  const PythonFile file("f.py", "def f(a, *args, b=1, **kwargs): return a\nx //= 2\nif x: y = 1; z = 2\n");
  const auto def = file.parse_function(file.statements().at(0), false);
  REQUIRE(def.decl().params().size() == 4);
  CHECK(def.decl().params()[1].ident().name() == "*args");
  CHECK(def.decl().params()[2].kwarg_only());
  CHECK(def.decl().params()[3].ident().name() == "**kwargs");
  CHECK(shown(file.parse_statements(file.statements().at(1))[0].tree()).find("floordiv") != std::string::npos);
  const auto branch = file.parse_statements(file.statements().at(2));
  CHECK(torch::jit::If(branch[0].tree()).trueBranch().size() == 2);
}

TEST_CASE("python file: a stop for the debugger in a function is left out", "[script]") {
  const PythonFile file("f.py",
                        "def f(x):\n    import pdb; pdb.set_trace()  # here\n    breakpoint()\n    return x\n"
                        "def g(x):\n    import json\n    return x\n");
  const auto def = file.parse_function(file.statements().at(0), false);
  REQUIRE(def.statements().size() == 4);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(def.statements()[i].kind() == torch::jit::TK_PASS);
  }
  CHECK_THROWS_WITH(file.parse_function(file.statements().at(1), false), Contains("f.py:6:4"));
}

TEST_CASE("python file: a fault is said with its line, its column and a caret", "[script]") {
  CHECK(parse_error("def f(x):\n    y = lambda a: a\n    return y\n") ==
        "f.py:2:8: 'lambda' is outside the subset: write a function with def\n"
        "      y = lambda a: a\n"
        "          ^~~~~~");
  CHECK_THAT(parse_error("def f(x):\n    return x +\n"), StartsWith("f.py:2:"));
  CHECK_THAT(parse_error("def f(x):\n    return (x\n"), StartsWith("f.py:"));
  CHECK_THAT(parse_error("x = 1\ny = 'abc\n"), StartsWith("f.py:2:4: a string that does not end"));
  CHECK_THAT(parse_error("x = a $ b\n"), StartsWith("f.py:1:6: a character that means nothing in Python"));
  CHECK_THAT(parse_error("x = 9223372036854775809\n"), StartsWith("f.py:1:4: an integer beyond 64 bits"));
  CHECK_THAT(parse_error("x = b'a'\n"), StartsWith("f.py:1:4: bytes are outside"));
  CHECK_THAT(parse_error("x = {1, 2}\n"), StartsWith("f.py:1:4: a set is outside the subset"));
  CHECK_THAT(parse_error("def f(x):\n    match x:\n        case 1:\n            return x\n"),
             StartsWith("f.py:2:4: 'match' is outside the subset: write if and elif"));
  CHECK_THAT(parse_error("for i in x:\n    y = i\nelse:\n    y = 0\n"),
             StartsWith("f.py:3:0: 'else' of a loop is outside the subset"));
  for (const std::string word : {"try:\n    x = 1\nfinally:\n    x = 2\n", "global x\n", "x = (y := 1)\n"}) {
    CHECK_THAT(parse_error(word), Contains("is outside the subset"));
  }
}

TEST_CASE("python file: free names are those a function takes from outside", "[script]") {
  const PythonFile file("f.py",
                        "def f(x, scale: Scale = DEFAULT) -> Result:\n"
                        "    y = g(x)\n"
                        "    for i in range(n):\n"
                        "        y = y + table[i].value\n"
                        "    return [h(k) for k in y]\n");
  CHECK(free_names(file.parse_function(file.statements().at(0), false).tree()) ==
        std::set<std::string>{"DEFAULT", "Result", "Scale", "g", "h", "n", "range", "table"});
}

TEST_CASE("python file: places behind what was rewritten are the text's own", "[script]") {
  const PythonFile file("f.py", "x = (~a & b, p or q and r, a < b < c, [i for i in s if t], last)\n");
  const auto statements = file.parse_statements(file.statements().at(0));
  const torch::jit::TupleLiteral tuple(torch::jit::Assign(statements[0].tree()).rhs().get().tree());
  std::vector<std::string> places;
  for (const auto& input : tuple.inputs()) {
    places.push_back(place(input.range()));
  }
  CHECK(places == std::vector<std::string>{"f.py:1:5", "f.py:1:13", "f.py:1:27", "f.py:1:38", "f.py:1:59"});
}

TEST_CASE("python file: columns and carets count characters", "[script]") {
  // Two bytes each: 'é' and 'ü'.
  CHECK(parse_error("x = 'h\xC3\xA9\xC3\xBC' + lambda: 1\n") ==
        "f.py:1:12: 'lambda' is outside the subset: write a function with def\n"
        "  x = 'h\xC3\xA9\xC3\xBC' + lambda: 1\n"
        "              ^~~~~~");
  CHECK(parse_error("\xC3\xA9 = x + 1\n") ==
        "f.py:1:0: a name with letters beyond a to z is outside the subset\n"
        "  \xC3\xA9 = x + 1\n"
        "  ^");
}

TEST_CASE("python file: bytes that are no text are refused as such", "[script]") {
  const testing::TempDir folder;
  const auto refusal = [&](const std::string& bytes) {
    testing::write_bytes(folder / "f.py", bytes);
    return std::string(error_of([&] { PythonFile::open(folder / "f.py"); }).what());
  };
  CHECK_THAT(refusal(std::string("x = 1\n\0y", 8)), Contains("f.py: no Python source: byte 6 is zero"));
  CHECK_THAT(refusal("x = '\xFF'\n"), Contains("f.py: no Python source: byte 5 is no UTF-8"));
}

TEST_CASE("python file: tabs and spaces are mixed only where Python takes it", "[script]") {
  CHECK(parse_error("def f(x):\n        y = x\n\treturn y\n") ==
        "f.py:3:1: TabError: inconsistent use of tabs and spaces in indentation\n"
        "  \treturn y\n"
        "  \t^~~~~~");
  const PythonFile fine("f.py", "def f(x):\n\tif x:\n\t    y = x\n\treturn y\n");
  CHECK(fine.parse_function(fine.statements().at(0), false).statements().size() == 2);
}

}  // namespace bertjit
