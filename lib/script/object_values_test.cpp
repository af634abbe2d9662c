#include "script/object_values.h"

#include "script/compile.h"
#include "testing/testing.h"

using namespace bertjit;
using Catch::Contains;

namespace {

Object number(int64_t value) {
  return Object{c10::IValue(value)};
}
Object text(const std::string& value) {
  return Object{c10::IValue(value)};
}
Object list(std::vector<Object> items) {
  return Object{std::make_shared<ListObject>(ListObject{std::move(items)})};
}
Object tuple(std::vector<Object> items) {
  return Object{std::make_shared<TupleObject>(TupleObject{std::move(items)})};
}
Object dict(std::vector<std::pair<Object, Object>> items) {
  return Object{std::make_shared<DictObject>(DictObject{std::move(items)})};
}

std::string type_of(const Object& object) {
  return to_ivalue(object).value().type()->annotation_str();
}

std::string refusal(const Object& object) {
  std::string why;
  CHECK_FALSE(to_ivalue(object, &why));
  return why;
}

}  // namespace

TEST_CASE("to_ivalue: data has the type torch.jit infers for it") {
  CHECK(type_of(number(3)) == "int");
  CHECK(type_of(text("a")) == "str");
  CHECK(type_of(Object{at::kDouble}) == "int");
  CHECK(to_ivalue(Object{at::kDouble})->toInt() == 7);  // torch.float64 as TorchScript numbers it
  CHECK(type_of(list({number(1), number(2)})) == "List[int]");
  CHECK(type_of(list({})) == "List[Tensor]");
  CHECK(type_of(list({number(1), Object{c10::IValue()}})) == "List[Optional[int]]");
  CHECK(type_of(tuple({number(1), text("a")})) == "Tuple[int, str]");
  CHECK(type_of(dict({{text("a"), list({number(1)})}})) == "Dict[str, List[int]]");
  CHECK(type_of(dict({})) == "Dict[str, Tensor]");
  CHECK(type_of(list({Object{c10::IValue(at::ones(2))}})) == "List[Tensor]");
}

TEST_CASE("to_ivalue: what has no type says why, in libtorch's words") {
  CHECK(refusal(list({number(1), text("a")})) ==
        "List inputs to traced functions must have consistent element type. Found int and str");
  const Object module{std::make_shared<InstanceObject>()};
  CHECK(refusal(list({module})) ==
        "Could not infer type of list element: Cannot infer concrete type of torch.nn.Module");
  CHECK_THAT(refusal(Object{std::make_shared<BuiltinObject>()}), Contains("but instead got value of type function"));
  CHECK_THAT(refusal(dict({{list({}), number(1)}})), Contains("Cannot create dict for key type"));
}

TEST_CASE("to_typed_ivalue: a type that is asked for decides; what does not fit is refused") {
  const auto ints = c10::ListType::create(c10::IntType::get());
  CHECK(to_typed_ivalue(list({}), ints)->isIntList());
  CHECK(to_typed_ivalue(number(2), c10::FloatType::get())->toDouble() == 2.0);
  CHECK(to_typed_ivalue(Object{c10::IValue()}, c10::OptionalType::create(ints))->isNone());
  CHECK(to_typed_ivalue(dict({}), c10::DictType::create(c10::StringType::get(), c10::IntType::get()))
            ->type()
            ->annotation_str() == "Dict[str, int]");
  const auto pair = c10::TupleType::create({c10::FloatType::get(), ints});
  CHECK(to_typed_ivalue(tuple({number(1), list({number(2)})}), pair)->toTupleRef().elements()[0].isDouble());
  std::string why;
  CHECK_FALSE(to_typed_ivalue(list({text("a")}), ints, &why));
  CHECK(why == "expected a value of type 'int', found 'str'");
  CHECK_FALSE(to_typed_ivalue(tuple({number(1)}), pair, &why));
  CHECK_FALSE(to_typed_ivalue(Object{c10::IValue()}, ints, &why));
}

TEST_CASE("from_ivalue and to_ivalue are each other's inverse for nested data") {
  const Object object = tuple({list({number(1), number(2)}), dict({{text("k"), tuple({number(3), text("v")})}})});
  const c10::IValue value = to_ivalue(object).value();
  const Object back = from_ivalue(value);
  CHECK(back.as<TupleObject>()->items[0].as<ListObject>()->items.size() == 2);
  CHECK(to_ivalue(back).value() == value);
}

TEST_CASE("describe names kinds as messages do") {
  CHECK(describe(number(3)) == "int");
  CHECK(describe(Object{c10::IValue()}) == "NoneType");
  CHECK(describe(list({})) == "list");
  CHECK(describe(Object{at::kFloat}) == "dtype");
  CHECK(describe(Object{NamespaceObject{"torch.nn", {}}}) == "module 'torch.nn'");
  auto type = std::make_shared<ClassObject>(
      ClassObject{.name = "MyCell",
                  .qualified_name = "__torch__.MyCell",
                  .def = torch::jit::ClassDef::create({}, torch::jit::Ident::create({}, "MyCell"),
                                                      torch::jit::Maybe<torch::jit::Expr>::create({}),
                                                      torch::jit::List<torch::jit::Stmt>::create({}, {}))});
  CHECK(describe(Object{type}) == "class 'MyCell'");
  const auto instance = std::make_shared<InstanceObject>();
  instance->type = type;
  CHECK(describe(Object{instance}) == "instance of MyCell");
}

TEST_CASE("type_of_example: tensors lose their shape, containers keep their elements' types") {
  CHECK(*type_of_example(at::ones({2, 3})) == *c10::TensorType::get());
  CHECK(type_of_example(c10::List<at::Tensor>({at::ones(1)}))->annotation_str() == "List[Tensor]");
  c10::Dict<std::string, at::Tensor> tensors;
  CHECK(type_of_example(tensors)->annotation_str() == "Dict[str, Tensor]");
  const auto pair = c10::ivalue::Tuple::create({at::ones(1), c10::ivalue::Tuple::create({at::ones(2), int64_t{1}})});
  CHECK(type_of_example(pair)->annotation_str() == "Tuple[Tensor, Tuple[Tensor, int]]");
}
