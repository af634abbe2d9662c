#include "infer/values.h"

#include <limits>

#include <ATen/ATen.h>
#include <torch/csrc/jit/frontend/script_type_parser.h>

#include "testing/testing.h"

namespace bertjit {

namespace {

c10::TypePtr type(const std::string& text) {
  return torch::jit::ScriptTypeParser().parseType(text);
}

c10::IValue list_of(std::vector<c10::IValue> values, const c10::TypePtr& element) {
  c10::impl::GenericList list(element);
  for (auto& value : values) {
    list.push_back(value);
  }
  return list;
}

c10::IValue tuple(std::vector<c10::IValue> values) {
  return c10::ivalue::Tuple::create(std::move(values));
}

c10::TypePtr state_type() {
  return c10::TupleType::createNamed(c10::QualifiedName("__torch__.State"), std::vector<std::string>{"h", "steps"},
                                     std::vector<c10::TypePtr>{c10::TensorType::get(), c10::IntType::get()});
}

}  // namespace

TEST_CASE("values: numbers, texts and None are written as Python writes them") {
  // Python 3.11: repr() of each.
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<double, std::string>> floats = {{1e16, "1e+16"},
                                                              {1e15, "1000000000000000.0"},
                                                              {123456789012345.0, "123456789012345.0"},
                                                              {1e-4, "0.0001"},
                                                              {1e-5, "1e-05"},
                                                              {0.1, "0.1"},
                                                              {1.0 / 3, "0.3333333333333333"},
                                                              {100, "100.0"},
                                                              {-0.0, "-0.0"},
                                                              {5e-324, "5e-324"},
                                                              {1.5e300, "1.5e+300"},
                                                              {inf, "inf"},
                                                              {-inf, "-inf"},
                                                              {inf - inf, "nan"}};
  for (const auto& [value, text] : floats) {
    CHECK(python_text(value) == text);
  }
  const std::vector<std::pair<std::string, std::string>> texts = {{"a", "'a'"},
                                                                  {"it's", "\"it's\""},
                                                                  {"say \"x\"", "'say \"x\"'"},
                                                                  {"both ' \"", "'both \\' \"'"},
                                                                  {"tab\t\n\\", "'tab\\t\\n\\\\'"},
                                                                  {"\x01\x7f", "'\\x01\\x7f'"},
                                                                  {"\xc3\xa9", "'\xc3\xa9'"}};
  for (const auto& [value, text] : texts) {
    CHECK(python_text(value) == text);
  }
  CHECK(python_text(c10::IValue()) == "None");
  CHECK(python_text(true) == "True");
  CHECK(python_text(int64_t{-3}) == "-3");
  CHECK(python_text(c10::complex<double>(1, 2)) == "(1+2j)");
  CHECK(python_text(c10::complex<double>(0, 2)) == "2j");
  CHECK(python_text(c10::complex<double>(-1.5, -0.5)) == "(-1.5-0.5j)");
  CHECK(python_text(c10::Device("cpu")) == "device(type='cpu')");
  CHECK(python_text(c10::Device("cuda:1")) == "device(type='cuda', index=1)");
}

TEST_CASE("values: a type is named as an annotation names it") {
  CHECK(type_text(at::ones({2})) == "Tensor");
  CHECK(type_text(int64_t{1}) == "int");
  CHECK(type_text(c10::IValue()) == "NoneType");
  CHECK(type_text(list_of({at::ones({1})}, c10::TensorType::get())) == "List[Tensor]");
  CHECK(type_text(tuple({at::ones({1}), std::string("a")})) == "Tuple[Tensor, str]");
}

TEST_CASE("values: leaves have paths, and an empty list is one") {
  const c10::IValue state = *conform(tuple({at::ones({1}), int64_t{4}}), state_type());
  const auto leaves = leaves_of(
      tuple({state, list_of({1.5, 2.5}, c10::FloatType::get()), list_of({}, c10::FloatType::get()), c10::IValue()}),
      "x");
  std::vector<std::string> names;
  for (const auto& leaf : leaves) {
    names.push_back(leaf.name);
  }
  CHECK(names == std::vector<std::string>{"x.0.h", "x.0.steps", "x.1.0", "x.1.1", "x.2", "x.3"});
  CHECK(python_text(leaves.at(3).value) == "2.5");
  CHECK(python_text(leaves.at(4).value) == "[]");
}

TEST_CASE("values: what Python accepts for a type fits it, and becomes that type") {
  CHECK(conform(int64_t{2}, type("float"))->toDouble() == 2);
  CHECK(conform(c10::IValue(), type("Optional[int]"))->isNone());
  CHECK(conform(int64_t{2}, type("Optional[float]"))->isDouble());
  CHECK(conform(tuple({int64_t{1}, int64_t{2}}), type("List[int]"))->isIntList());
  CHECK(conform(tuple({int64_t{1}, int64_t{2}}), type("List[float]"))->isDoubleList());
  CHECK(conform(list_of({}, c10::TensorType::get()), type("List[int]"))->isIntList());
  CHECK(conform(list_of({int64_t{1}, int64_t{2}}, c10::IntType::get()), type("Tuple[int, float]"))->isTuple());
  CHECK(conform(std::string("cpu"), c10::DeviceObjType::get())->isDevice());
  CHECK(conform(int64_t{5}, nullptr)->isInt());
  // What a .npz has for a number.
  CHECK(conform(at::scalar_tensor(3, at::kLong), type("int"))->toInt() == 3);
  CHECK(conform(at::scalar_tensor(0.5), type("float"))->toDouble() == 0.5);
  CHECK(conform(at::scalar_tensor(true, at::kBool), type("bool"))->toBool());
}

TEST_CASE("values: what is of another type does not fit") {
  CHECK_FALSE(conform(0.5, type("int")));
  CHECK_FALSE(conform(true, type("int")));
  CHECK_FALSE(conform(int64_t{1}, type("bool")));
  CHECK_FALSE(conform(c10::IValue(), type("int")));
  CHECK_FALSE(conform(std::string("a"), type("float")));
  CHECK_FALSE(conform(int64_t{1}, type("Tensor")));
  CHECK_FALSE(conform(at::ones({1}), type("int")));
  CHECK_FALSE(conform(at::scalar_tensor(0.5), type("int")));
  CHECK_FALSE(conform(at::ones({1}), type("List[Tensor]")));
  CHECK_FALSE(conform(tuple({int64_t{1}, 0.5}), type("List[int]")));
  CHECK_FALSE(conform(tuple({int64_t{1}}), type("Tuple[int, int]")));
  CHECK_FALSE(conform(tuple({int64_t{1}}), type("Dict[str, int]")));
  CHECK_FALSE(conform(std::string("nowhere"), c10::DeviceObjType::get()));
}

TEST_CASE("values: a NamedTuple is given as a tuple or as a dict of its fields") {
  c10::impl::GenericDict fields(c10::StringType::get(), c10::AnyType::get());
  fields.insert("steps", int64_t{4});
  fields.insert("h", at::ones({2}));
  const auto from_dict = conform(c10::IValue(fields), state_type());
  REQUIRE(from_dict);
  CHECK(from_dict->toTupleRef().elements()[1].toInt() == 4);
  CHECK(from_dict->type()->isSubtypeOf(*state_type()));
  fields.insert("more", int64_t{1});
  CHECK_FALSE(conform(c10::IValue(fields), state_type()));
  REQUIRE(fields.erase("more") == 1);
  REQUIRE(fields.erase("h") == 1);
  CHECK_FALSE(conform(c10::IValue(fields), state_type()));
}

TEST_CASE("values: a copy shares no tensor, list or dict; a tensor given twice is one in the copy") {
  const at::Tensor x = at::zeros({2});
  const c10::IValue value =
      tuple({x, list_of({x}, c10::TensorType::get()), *conform(tuple({x, int64_t{1}}), state_type())});
  const c10::IValue copied = copy_value(value);
  const auto& elements = copied.toTupleRef().elements();
  elements[0].toTensor().fill_(1);
  CHECK(at::equal(x, at::zeros({2})));
  CHECK(elements[1].toListRef()[0].toTensor().is_same(elements[0].toTensor()));
  elements[1].toList().push_back(x);
  CHECK(value.toTupleRef().elements()[1].toListRef().size() == 1);
  CHECK(elements[2].type()->isSubtypeOf(*state_type()));
  at::Tensor leaf = at::ones({1});
  leaf.set_requires_grad(true);
  CHECK(copy_value(leaf).toTensor().requires_grad());
}

}  // namespace bertjit
