#include "diff/code_diff.h"

#include "testing/testing.h"

using namespace bertjit;

namespace {

/// A root module with one class and, for each name, a submodule of its own class.
ScriptCode make_code(const std::string& root, const std::map<std::string, std::string>& parts) {
  ScriptCode code;
  code.definitions["__torch__.Net"] = {"__torch__.Net", "__torch__.Net", root, root};
  code.modules[""] = "__torch__.Net";
  for (const auto& [name, text] : parts) {
    const std::string type = "__torch__." + name;
    code.definitions[type] = {type, type, text, text};
    code.modules[name] = type;
  }
  return code;
}

}  // namespace

TEST_CASE("code diff: equal code has no differences, and says how much was compared") {
  const ScriptCode code = make_code("class Net\n", {{"a", "class A\n"}});
  const CodeDifferences differences = diff_code(code, code);
  CHECK(differences.code.empty());
  CHECK(differences.compared == 2);
  CHECK_FALSE(differences.renamed);
}

TEST_CASE("code diff: a changed line is named by its class and the modules that have it") {
  const CodeDifferences differences =
      diff_code(make_code("class Net\n", {{"a", "x = 1\n"}}), make_code("class Net\n", {{"a", "x = 2\n"}}));
  REQUIRE(differences.code.size() == 1);
  CHECK(differences.code[0].name == "__torch__.a");
  CHECK(differences.code[0].modules == std::vector<std::string>{"a"});
  CHECK(differences.code[0].nature == "only numbers");
  CHECK(differences.code[0].text == "@@ -1 +1 @@\n-x = 1\n+x = 2\n");
}

TEST_CASE("code diff: the same words that mean another class are a difference") {
  ScriptCode a = make_code("x = f()\n", {});
  ScriptCode b = a;
  a.definitions["__torch__.Net"].text = "x = __torch__.f()\n";
  b.definitions["__torch__.Net"].text = "x = __torch__.f#1()\n";
  const CodeDifferences differences = diff_code(a, b);
  REQUIRE(differences.code.size() == 1);
  CHECK(differences.code[0].text.find("+x = __torch__.f#1()") != std::string::npos);
}

TEST_CASE("code diff: classes that are mangled otherwise are the same, and noted") {
  const ScriptCode a = make_code("class Net\n", {});
  ScriptCode b = a;
  b.definitions["__torch__.Net"].original = "__torch__.___torch_mangle_7.Net";
  const CodeDifferences differences = diff_code(a, b);
  CHECK(differences.code.empty());
  CHECK(differences.renamed);
}

TEST_CASE("code diff: a function that one side has alone is listed") {
  const ScriptCode a = make_code("class Net\n", {});
  ScriptCode b = a;
  b.definitions["__torch__.helper"] = {"__torch__.helper", "__torch__.helper", "def helper()\n", "def helper()\n"};
  const CodeDifferences differences = diff_code(a, b);
  REQUIRE(differences.code.size() == 1);
  CHECK_FALSE(differences.code[0].in_a);
  CHECK(differences.code[0].added == 1);
}

TEST_CASE("code nature: numbers, flags and names are told from other changes") {
  CHECK(code_nature("torch.mul(x, 1.0e-05)", "torch.mul(x, 1.0e-12)") == "only numbers");
  CHECK(code_nature("torch.dropout(x, 0.1, False)", "torch.dropout(x, 0.1, True)") == "only True and False");
  CHECK(code_nature("_0 = f(x)\nreturn _0", "y = f(x)\nreturn y") == "only names of variables");
  CHECK(code_nature("return f(x, y)", "return f(y, x)") == "only names of variables");  // consistently renamed
  CHECK(code_nature("a = f(x)\nreturn a", "a = f(x)\nreturn x").empty());
  CHECK(code_nature("torch.mul(x, y)", "torch.add(x, y)").empty());
  CHECK(code_nature("x.relu", "x.tanh").empty());
  CHECK(code_nature("f(x)", "f(x, x)").empty());
  CHECK(code_nature("f(\"a\")", "f(\"b\")").empty());
}
