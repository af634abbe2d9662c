// Text as Python makes it of values. Expected: what CPython 3.11 prints for the same expressions.
#include "script/python_text.h"

#include "script/builtins.h"
#include "script/compile_testing.h"
#include "script/operators.h"
#include "script/script_file.h"
#include "testing/testing.h"

using namespace bertjit;
using namespace bertjit::testing;
using Catch::Matchers::Contains;

namespace {

std::string evaluated(const std::string& text) {
  evaluation() = Evaluation();
  ScriptFile file(std::make_shared<PythonFile>("f.py", "a = 2\nw = 6\nchr39 = \"'\"\nx = " + text + "\n"), "");
  return text_of(*file.require("x"));
}

std::string refusal(const std::string& text) {
  return error_of([&] { evaluated(text); }).what();
}

}  // namespace

TEST_CASE("python text: f-strings, str.format and % give Python's text") {
  static const std::vector<std::pair<std::string, std::string>> kExamples = {
      {R"py(f"{3.14159:.2f}|{42:>8}|{42:<8}|{'ab':^7}|{'ab':*^7}|{-7:+d}|{7:+d}|{7: d}")py",
       R"py(3.14|      42|42      |  ab   |**ab***|-7|+7| 7)py"},
      {R"py(f"{255:x} {255:#x} {255:X} {5:b} {5:#b} {8:o} {1234567:,} {1234567.891:,.1f} {65:c}")py",
       R"py(ff 0xff FF 101 0b101 10 1,234,567 1,234,567.9 A)py"},
      {R"py(f"{0.1:%} {0.256:.1%} {1e10:g} {1e-7:g} {123456789.0:e} {1.5:E} {float('inf'):.1f} {-0.0:.1f}")py",
       R"py(10.000000% 25.6% 1e+10 1e-07 1.234568e+08 1.500000E+00 inf -0.0)py"},
      {R"py(f"{1.0:.3} {1234.5:.3} {0.0:.1} {1e16:.5} {3.0:10} {2.5:<6}| {True:5} {True!r:>6} {None!r}")py",
       R"py(1.0 1.23e+03 0e+00 1e+16        3.0 2.5   |     1   True None)py"},
      {R"py(f"{'mode'!r} {'it' + chr39!r} {[1, 'a', 2.5]!r} {'é'!a} {(1,)!s:>6}|")py",
       R"py('mode' "it'" [1, 'a', 2.5] '\xe9'   (1,)|)py"},
      {R"py(f"{3:03d} {-3:05d} {3.5:06.2f} {1234567:012,d} {-5:=+6d} {5:0=6} {7:_^9}")py",
       R"py(003 -0003 003.50 0,001,234,567 -    5 000005 ____7____)py"},
      {R"py(f"{3 = } {a=} {a!r:>4} {a + 1:>{w}} {2.0:{w}.{w}f} {{a}} {{}} {'{}'}")py",
       R"py(3 = 3 a=2    2      3 2.000000 {a} {} {})py"},
      {R"py(f"{a if a > 1 else -a} {[i for i in (1, 2)][-1]} {'x' if a != 2 else 'y'}" "tail {}" f"{a}")py",
       R"py(2 2 ytail {}2)py"},
      {R"py("%d %5d|%-5d|%05d %+d %i" % (1, 2, 3, 4, 5, 6))py", R"py(1     2|3    |00004 +5 6)py"},
      {R"py("%s %r %5s|%-5s|%.2s" % ("a", "b", "c", "d", "efg"))py", R"py(a 'b'     c|d    |ef)py"},
      {R"py("%.3f %8.2f|%e %g %G %%" % (1.5, 2.25, 3.5, 1e-10, 1e20))py",
       R"py(1.500     2.25|3.500000e+00 1e-10 1E+20 %)py"},
      {R"py("%x %X %#x %o %c %c" % (255, 255, 255, 8, 65, "z"))py", R"py(ff FF 0xff 10 A z)py"},
      {R"py("act%d" % 3)py", R"py(act3)py"},
      {R"py("%(n)s-%(m)03d" % {"n": "a", "m": 7})py", R"py(a-007)py"},
      {R"py("%*d|%.*f" % (5, 3, 2, 1.25))py", R"py(    3|1.25)py"},
      {R"py("{} {} {{}}".format(1, "b"))py", R"py(1 b {})py"},
      {R"py("{1} {0} {1!r} {name:>4}|".format(1, "b", name=2.5))py", R"py(b 1 'b'  2.5|)py"},
      {R"py("{:{}}|{:>{w}}".format("ab", 5, 3, w=4))py", R"py(ab   |   3)py"},
      {R"py(len("é"), "héllo"[1], "héllo"[::-1], [c for c in "éa"], "é" in "aé")py",
       R"py((1, 'é', 'olléh', ['é', 'a'], True))py"},
  };
  for (const auto& [expression, expected] : kExamples) {
    INFO(expression);
    CHECK(evaluated(expression) == expected);
  }
}

TEST_CASE("python text: formats that do not fit are Python's errors") {
  CHECK_THAT(refusal("f'{a:.2d}'"), Contains("ValueError: Precision not allowed in integer format specifier"));
  CHECK_THAT(refusal("f'{w!r:d}'"), Contains("ValueError: Unknown format code 'd' for object of type 'str'"));
  CHECK_THAT(refusal("f'{[1]:>5}'"), Contains("TypeError: unsupported format string passed to list.__format__"));
  CHECK_THAT(refusal("'%d %d' % 1"), Contains("TypeError: not enough arguments for format string"));
  CHECK_THAT(refusal("'%d' % (1, 2)"), Contains("TypeError: not all arguments converted"));
  CHECK_THAT(refusal("'{} {}'.format(1)"), Contains("IndexError: Replacement index 1 out of range"));
  CHECK_THAT(refusal("f'{a:{w:{a:{a}}}}'"), Contains("nested too deeply"));
  CHECK_THAT(refusal("f'{a!q}'"), Contains("f.py:4:8: an f-string's conversion is !r, !s or !a"));
  CHECK_THAT(refusal("f'{a'"), Contains("f.py:4:6: an f-string's brace that does not close"));
  CHECK_THAT(refusal("f'{a:>99999999}'"), Contains("wider than"));
}

TEST_CASE("python text: a message that is never reached does not stop a file") {
  const std::string text =
      "class M(nn.Module):\n"
      "    def __init__(self, mode='a'):\n"
      "        super().__init__()\n"
      "        if mode != 'a':\n"
      "            raise ValueError(f'unknown mode {mode!r:>8} %d' % 3)\n"
      "    def forward(self, x):\n"
      "        assert x.dim() == 1, f'{x.dim():3d} dimensions'\n"
      "        if x.size(0) > 5:\n"
      "            raise ValueError(f'too long: {x.size(0):>4}')\n"
      "        return x * 2\n";
  CHECK(at::equal(run(PythonText(text).script("M"), {floats({1, 2})}).toTensor(), floats({2, 4})));
  CHECK(at::equal(traced(text, "M", {floats({1, 2})}), floats({2, 4})));
  const std::string message =
      compile_error("def f(x):\n    s = f'{x.size(0):3d}'\n    return x\n", "f", CompileMode::kTrace, {floats({1})});
  CHECK_THAT(message, Contains("a conversion or format in an f-string is outside what is compiled"));
}

TEST_CASE("python text: braces of an f-string stay in compiled code") {
  const PythonText code("def f(n: int):\n    return f'{{{n}}} {{}} {n}'\n");
  CHECK(run(code.script("f"), {3}).toStringRef() == "{3} {} 3");
}

TEST_CASE("python text: characters are counted, not bytes") {
  CHECK(count_characters("h\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80") == 4);
  CHECK(count_characters("\xFF\xC3") == 2);
  CHECK(characters_of("\xC3\xA9z") == std::vector<std::string>{"\xC3\xA9", "z"});
}
