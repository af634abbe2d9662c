// What Python means, where TorchScript means something else by the same text. Expected values are what Python 3.11
// gives for the text with torch 2.13. testdata/source/corpus/meaning.py has more, with the operators that a trace
// records.
#include "script/compile_testing.h"
#include "testing/testing.h"

using namespace bertjit;
using namespace bertjit::testing;
using Catch::Contains;

namespace {

const at::Tensor kRows = floats({1, 2, 3, 4}).reshape({2, 2});

/// `return body` as a function of x, compiled for tracing.
at::Tensor value_of(const std::string& body, const at::Tensor& x = kRows) {
  return traced("import math\ndef fn(x):\n    return " + body + "\n", "fn", {x});
}

at::Tensor scripted_value(const std::string& body, const at::Tensor& x = kRows) {
  return scripted("def fn(x):\n    return " + body + "\n", "fn", {x});
}

void check_equal(const at::Tensor& actual, const at::Tensor& expected) {
  INFO(actual);
  CHECK(actual.dtype() == expected.dtype());
  CHECK(at::equal(actual, expected));
}

std::string refusal(const std::string& text, CompileMode mode) {
  return compile_error("from typing import List, Optional\n" + text, "fn", mode, {kRows});
}

}  // namespace

TEST_CASE("meaning: `and` and `or` give one of the two, in both modes") {
  for (const auto& run : {&value_of, &scripted_value}) {
    check_equal(run("x * ((x.dim() - 2) or 5)", kRows), kRows * 5);
    check_equal(run("x * ((x.dim() - 1) or 5)", kRows), kRows);
    check_equal(run("x * (1 and 0 or 5)", kRows), kRows * 5);
    check_equal(run("x * (x.dim() and x.size(1) and 7)", kRows), kRows * 7);
    check_equal(run("x * int(x.dim() == 2 and not x.size(0) == 3)", kRows), kRows);
  }
  check_equal(value_of("x * (x.dtype == torch.float32 and 3)"), kRows * 3);
  check_equal(value_of("x * (x.dim() == 3 and 3)"), kRows * 0);
}

TEST_CASE("meaning: the left side of `or` is evaluated once") {
  const std::string text =
      "def fn(x):\n"
      "    xs = [3, 4]\n"
      "    n = xs.pop() or 9\n"
      "    return x * n + len(xs)\n";
  check_equal(traced(text, "fn", {kRows}), kRows * 4 + 1);
  check_equal(scripted(text, "fn", {kRows}), kRows * 4 + 1);
}

TEST_CASE("meaning: operands of `or` without a common type are refused, never made a bool") {
  const std::string text = "def fn(x):\n    return x * ((x.dim() - 2) or 0.5)\n";
  for (const CompileMode mode : {CompileMode::kScript, CompileMode::kTrace}) {
    CHECK_THAT(refusal(text, mode), Contains("branch has type float but false branch has type int"));
  }
}

TEST_CASE("meaning: lists, text, tuples and None have Python's truth") {
  const std::string text =
      "def truth(a):\n"
      "    return 1 if a else 0\n"
      "def fn(x):\n"
      "    n = truth([x]) + truth([0][:0]) * 10 + truth('') * 100 + truth((1,)) * 1000 + truth(None) * 10000\n"
      "    while [x] and not '':\n"
      "        n += 20000\n"
      "        break\n"
      "    return x * n\n";
  check_equal(traced(text, "fn", {kRows}), kRows * 21001);
}

TEST_CASE("meaning: sum, max, min, any and all go over tensors, lists and tuples as Python's") {
  for (const auto& run : {&value_of, &scripted_value}) {
    check_equal(run("sum(x)", kRows), floats({4, 6}));
    check_equal(run("sum([x[0], x[1], x[1]])", kRows), floats({7, 10}));
    check_equal(run("max(x[1]) - min(x[0])", kRows), at::scalar_tensor(3.0F));
    check_equal(run("x * max(2, 3) + max([4, 9, 5]) + min([0.5, 0.25])", kRows), kRows * 3 + 9.25);
    check_equal(run("x * (any(x[0] > 1) and not all(x[0] > 1))", kRows) * 1, kRows);
  }
  check_equal(value_of("sum((x, 1), 2)"), kRows + 3);
  check_equal(value_of("x * sum(i * 2 for i in [1, 2]) + max(1, 5, 2)"), kRows * 6 + 5);
  check_equal(value_of("x * any((False, 2)) + all(['a', ''])"), kRows);
  CHECK_THAT(refusal("def fn(x):\n    return max(x, key=1)\n", CompileMode::kTrace),
             Contains("max() with key= is outside the subset"));
}

TEST_CASE("meaning: numbers and truth values on the left of a tensor") {
  check_equal(value_of("x.sum().item() * x"), kRows * 10);
  check_equal(value_of("x[0, 1].item() - x"), 2 - kRows);
  check_equal(value_of("True + x + (x * True) + isinstance(x, torch.Tensor) * x"), kRows * 3 + 1);
  check_equal(value_of("7.5 // x"), floats({7, 3, 2, 1}).reshape({2, 2}));
  check_equal(value_of("True * x", at::tensor({1, 2})), at::tensor({1, 2}));
  check_equal(value_of("2 ** x + 3 % x"), at::pow(2, kRows) + at::remainder(at::scalar_tensor(3.0F), kRows));
  check_equal(value_of("2 < x"), kRows > 2);
}

TEST_CASE("meaning: a whole power of whole numbers is whole") {
  const at::Tensor whole = at::tensor({1, 2}, at::kLong);
  check_equal(value_of("x * x.size(0) ** 2 + 3 ** 2", whole), whole * 4 + 9);
  check_equal(value_of("x.new_full((x.dim() + 2 ** 1,), 1)", whole), at::ones({3}, at::kLong));
}

TEST_CASE("meaning: a variable is a number or None first and a tensor later") {
  const std::string total =
      "def fn(x):\n"
      "    total = 0\n"
      "    for row in x:\n"
      "        total += row\n"
      "    return total\n";
  check_equal(traced(total, "fn", {kRows}), floats({4, 6}));
  const std::string bonus =
      "def fn(x):\n"
      "    bonus = None\n"
      "    if x.sum() > 0:\n"
      "        bonus = x * 2\n"
      "    if bonus is not None:\n"
      "        x = x + bonus.sum()\n"
      "    return x\n";
  check_equal(traced(bonus, "fn", {kRows}), kRows + 20);
  check_equal(traced(bonus, "fn", {-kRows}), -kRows);
}

TEST_CASE("meaning: isinstance takes a bool for an int, len counts characters") {
  check_equal(value_of("x * isinstance(True, int) * len('h\xC3\xA9')"), kRows * 2);
  check_equal(value_of("x * isinstance(1, (float, int)) + int(isinstance(1.5, int))"), kRows);
}

TEST_CASE("meaning: methods and functions that torch has in Python") {
  check_equal(value_of("x.norm(dim=-1) + torch.norm(x, 1)"), kRows.norm(2, -1) + 10);
  check_equal(value_of("torch.cat(x.split([1, 1], dim=1)[::-1], 1)"), kRows.flip(1));
  check_equal(value_of("x.bool() & True"), at::ones({2, 2}, at::kBool));
  check_equal(value_of("x + x.shape.numel() + x.nelement() + x.shape[:1].numel()"), kRows + 10);
  check_equal(value_of("torch.stack(tuple(x)) + torch.stack(list(x))"), kRows * 2);
  check_equal(value_of("torch.unique(x)"), floats({1, 2, 3, 4}));
  check_equal(value_of("torch.tensordot(x, x, dims=([1], [1]))"), kRows.mm(kRows.t()));
  check_equal(value_of("torch.nonzero(x, as_tuple=True)[1]"), at::tensor({0, 1, 0, 1}, at::kLong));
  check_equal(value_of("torch.tensor([x.size(0), 1.5]) + x.new_tensor([1, 2])"), floats({3, 3.5}));
  check_equal(value_of("x.clamp(max=torch.iinfo(torch.uint8).max) + torch.finfo(torch.float16).max"), kRows + 65504);
  check_equal(value_of("F.pad(x, (1, 0), 'constant', 0)"), at::constant_pad_nd(kRows, {1, 0}, 0));
  CHECK(value_of("torch.stft(x.reshape(-1), n_fft=4, return_complex=True).abs()").sizes() == at::IntArrayRef({3, 5}));
  CHECK(scripted_value("torch.stft(x.reshape(-1), 4, return_complex=True).abs()").sizes() == at::IntArrayRef({3, 5}));
}

TEST_CASE("meaning: functions of math, and round with digits, on numbers") {
  check_equal(value_of("x * math.log2(8) + math.prod([2, 3]) + math.prod(x.shape) + math.comb(5, 2) + math.perm(4, 2)"),
              kRows * 3 + 32);
  check_equal(value_of("x * math.hypot(3, 4) + math.isclose(1.0, 1.1, rel_tol=0.2) + math.isclose(1, 2)"),
              kRows * 5 + 1);
  // 2.675 is a little less than it looks, as Python's round knows.
  check_equal(value_of("x.double() * round(2.675, 2)", kRows), kRows.to(at::kDouble) * 2.67);
}

TEST_CASE("meaning: contexts that are known when the function is compiled") {
  const std::string text =
      "def fn(x):\n"
      "    with torch.set_grad_enabled(False):\n"
      "        y = x * 2\n"
      "    with torch.autocast('cpu', enabled=False):\n"
      "        return y + 1\n";
  check_equal(traced(text, "fn", {kRows}), kRows * 2 + 1);
  CHECK_THAT(refusal("def fn(x):\n    with torch.autocast('cpu'):\n        return x\n", CompileMode::kTrace),
             Contains("torch.autocast is outside the subset, but for enabled=False"));
}

TEST_CASE("meaning: a call that no form of an operator takes is refused in a few lines, with the way out") {
  const std::string message = refusal("def fn(x):\n    return x.norm(dim=-1)\n", CompileMode::kScript);
  CHECK_THAT(message, Contains("no form of 'norm' takes these arguments; nearest:\n"));
  CHECK_THAT(message, Contains("torch.linalg.vector_norm(x, ord, dim)"));
  CHECK(std::ranges::count(message, '\n') < 10);
  CHECK_THAT(refusal("def fn(x):\n    return x.view(torch.int32)\n", CompileMode::kTrace),
             Contains("view() with a dtype is no operator"));
  CHECK_THAT(refusal("def fn(x):\n    return x.tolist()\n", CompileMode::kTrace), Contains("List[float] = x.tolist()"));
}

TEST_CASE("meaning: *args and **kwargs of what is traced are empty where nothing is given") {
  const std::string text =
      "def fn(x, *rest, scale=2, **options):\n"
      "    for r in rest:\n"
      "        x = x + r\n"
      "    return x * scale + len(rest) + len(options)\n";
  const PythonText code(text);
  const auto parameters = parameters_of(code.object("fn"));
  REQUIRE(parameters.size() == 2);
  CHECK(parameters[1].name == "scale");
  check_equal(traced(text, "fn", {kRows, int64_t{3}}), kRows * 3);
}
