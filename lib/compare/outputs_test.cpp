#include "compare/outputs.h"

#include <ATen/Functions.h>
#include <ATen/core/jit_type.h>

#include "support/error.h"
#include "testing/testing.h"

namespace bertjit {
namespace {

using c10::IValue;

at::Tensor ones() {
  return at::ones({2});
}

IValue tuple(std::vector<IValue> items) {
  return c10::ivalue::Tuple::create(std::move(items));
}

IValue dict(const std::vector<std::pair<std::string, IValue>>& items) {
  c10::impl::GenericDict result(c10::StringType::get(), c10::AnyType::get());
  for (const auto& [key, value] : items) {
    result.insert(key, value);
  }
  return result;
}

IValue named_tuple(const std::string& field, const IValue& value) {
  const auto type = c10::TupleType::createNamed(c10::QualifiedName("Output"), std::vector<std::string>{field},
                                                std::vector<c10::TypePtr>{value.type()});
  return c10::ivalue::Tuple::createNamed({value}, type);
}

std::vector<std::string> names(const OutputsComparison& comparison) {
  std::vector<std::string> result;
  for (const TensorComparison& leaf : comparison.leaves) {
    result.push_back(leaf.name);
  }
  return result;
}

OutputsComparison compare(const IValue& expected, const IValue& actual) {
  return compare_outputs(expected, actual, {});
}

using Names = std::vector<std::string>;

TEST_CASE("flatten_outputs: paths name positions, fields and keys, in the order of the call") {
  const IValue hidden = tuple({ones(), ones()});
  const IValue outputs =
      tuple({ones(), named_tuple("hidden_states", hidden), dict({{"logits", ones()}, {"it's", tuple({hidden})}}),
             IValue(c10::List<at::Tensor>({ones()})), IValue()});
  Names paths;
  for (const OutputLeaf& leaf : flatten_outputs(outputs)) {
    paths.push_back(leaf.name);
  }
  CHECK(paths == Names{"0", "1.hidden_states.0", "1.hidden_states.1", "2['logits']", "2['it\\'s'].0.0",
                       "2['it\\'s'].0.1", "3.0", "4"});
  CHECK(flatten_outputs(ones()).at(0).name == "output");
  CHECK(flatten_outputs(named_tuple("hidden_states", hidden)).at(1).name == "hidden_states.1");
}

TEST_CASE("compare_outputs: equal nested outputs match, and their elements are counted") {
  const IValue outputs = tuple({ones(), dict({{"logits", ones()}}), IValue()});
  const OutputsComparison result = compare(outputs, outputs);
  CHECK(result.matches);
  CHECK(result.elements == 4);
  CHECK(names(result) == Names{"0", "1['logits']", "2"});
}

TEST_CASE("compare_outputs: every leaf that differs is reported, not only the first") {
  const OutputsComparison result = compare(tuple({ones(), ones(), ones()}), tuple({2 * ones(), ones(), 3 * ones()}));
  CHECK_FALSE(result.matches);
  CHECK_FALSE(result.leaves[0].matches);
  CHECK(result.leaves[1].matches);
  CHECK_FALSE(result.leaves[2].matches);
}

TEST_CASE("compare_outputs: a missing or extra output is a mismatch") {
  const OutputsComparison missing = compare(tuple({ones(), tuple({ones(), ones()})}), tuple({ones()}));
  CHECK_FALSE(missing.matches);
  CHECK(names(missing) == Names{"0", "1.0", "1.1"});
  CHECK(missing.leaves[2].mismatch == Mismatch::kMissing);
  CHECK(missing.leaves[2].expected_shape == "[2]");
  CHECK(missing.leaves[2].actual_shape.empty());

  const OutputsComparison extra = compare(tuple({ones()}), tuple({ones(), IValue(3)}));
  CHECK_FALSE(extra.matches);
  CHECK(extra.leaves[1].mismatch == Mismatch::kExtra);
  CHECK(extra.leaves[1].actual_dtype == "3");

  CHECK_FALSE(compare(tuple({ones()}), tuple({ones(), tuple({})})).matches);
}

TEST_CASE("compare_outputs: dicts match by key, in any order") {
  const IValue expected = dict({{"logits", ones()}, {"loss", 2 * ones()}});
  CHECK(compare(expected, dict({{"loss", 2 * ones()}, {"logits", ones()}})).matches);
  const OutputsComparison result = compare(expected, dict({{"logits", ones()}, {"scores", ones()}}));
  CHECK(names(result) == Names{"['logits']", "['loss']", "['scores']"});
  CHECK(result.leaves[1].mismatch == Mismatch::kMissing);
  CHECK(result.leaves[2].mismatch == Mismatch::kExtra);
}

TEST_CASE("compare_outputs: tuples, NamedTuples and lists are sequences alike; a lone tensor is none") {
  const IValue plain = tuple({ones()});
  CHECK(compare(plain, named_tuple("logits", ones())).matches);
  CHECK(compare(plain, IValue(c10::List<at::Tensor>({ones()}))).matches);
  CHECK(compare(plain, ones()).leaves.at(0).mismatch == Mismatch::kType);
  CHECK(compare(plain, dict({{"logits", ones()}})).leaves.at(0).mismatch == Mismatch::kType);
  CHECK(compare(ones(), ones()).leaves.at(0).name == "output");
}

TEST_CASE("compare_outputs: None and strings match only their like") {
  CHECK(compare(tuple({ones(), IValue()}), tuple({ones(), IValue(at::Tensor())})).matches);
  CHECK(compare(tuple({ones(), IValue("a")}), tuple({ones(), IValue("a")})).matches);
  CHECK_FALSE(compare(tuple({ones(), IValue("a")}), tuple({ones(), IValue("b")})).matches);
  const TensorComparison none = compare(tuple({ones()}), tuple({IValue()})).leaves.at(0);
  CHECK(none.mismatch == Mismatch::kType);
  CHECK(none.message == "The values do not match: None != tensor.");
}

TEST_CASE("compare_outputs: numbers are compared as tensors without dimensions") {
  CHECK(compare(IValue(0.5), IValue(0.5)).matches);
  CHECK(compare(IValue(0.5), IValue(0.5 + 1e-8)).matches);
  CHECK_FALSE(compare(IValue(0.5), IValue(0.6)).matches);
  CHECK(compare(IValue(1), IValue(1.0)).leaves.at(0).mismatch == Mismatch::kDType);
  CHECK_FALSE(compare(IValue(true), IValue(false)).matches);
}

TEST_CASE("compare_outputs: a comparison of nothing is not a match") {
  CHECK_FALSE(compare(tuple({}), tuple({})).matches);
  CHECK_FALSE(compare(IValue(), IValue()).matches);
  CHECK_FALSE(compare(dict({}), dict({})).matches);
  CHECK_FALSE(compare(tuple({at::empty({0})}), tuple({at::empty({0})})).matches);
}

TEST_CASE("compare_outputs: what cannot be compared is an error that names its path") {
  const IValue complex = at::ones({1}, at::kComplexFloat);
  CHECK_THROWS_WITH(compare(tuple({ones(), complex}), tuple({ones(), complex})), Catch::StartsWith("1: "));
  const IValue device = c10::Device(at::kCPU);
  CHECK_THROWS_WITH(compare(tuple({ones(), device}), tuple({ones(), device})), Catch::StartsWith("1 is a Device"));
  CHECK_THROWS_AS(flatten_outputs(tuple({device})), Error);
}

}  // namespace
}  // namespace bertjit
