#include "script/types.h"

#include <torch/csrc/jit/frontend/parser.h>

#include "testing/testing.h"

using namespace bertjit;

namespace {

torch::jit::Expr parse(const std::string& text) {
  return torch::jit::Parser(std::make_shared<torch::jit::Source>(text, "a.py", 1)).parseExp();
}

PythonScope imports() {
  PythonScope scope;
  scope.set("torch", Object{NamespaceObject{"torch", {}}});
  scope.set("th", Object{NamespaceObject{"torch", {}}});
  scope.set("nn", Object{NamespaceObject{"torch.nn", {}}});
  scope.set("typing", Object{NamespaceObject{"typing", {}}});
  for (const char* name : {"List", "Dict", "Optional", "Tuple", "Union", "Final"}) {
    scope.set(name, Object{std::make_shared<BuiltinObject>(BuiltinObject{std::string("typing.") + name, nullptr})});
  }
  scope.set("L", *scope.find("List"));
  return scope;
}

std::string type_of(const std::string& annotation) {
  return parse_annotation(parse(annotation), imports())->annotation_str();
}

}  // namespace

TEST_CASE("types: every way to write a type gives TorchScript's") {
  CHECK(type_of("int") == "int");
  CHECK(type_of("torch.Tensor") == "Tensor");
  CHECK(type_of("th.Tensor") == "Tensor");
  CHECK(type_of("torch.LongTensor") == "Tensor");
  CHECK(type_of("nn.Parameter") == "Tensor");
  CHECK(type_of("'torch.Tensor'") == "Tensor");
  CHECK(type_of("List[int]") == "List[int]");
  CHECK(type_of("L[int]") == "List[int]");
  CHECK(type_of("list[torch.Tensor]") == "List[Tensor]");
  CHECK(type_of("typing.List[float]") == "List[float]");
  CHECK(type_of("dict[str, 'Tensor']") == "Dict[str, Tensor]");
  CHECK(type_of("tuple[int, L[str]]") == "Tuple[int, List[str]]");
  CHECK(type_of("Optional[Dict[str, List[int]]]") == "Optional[Dict[str, List[int]]]");
  CHECK(type_of("int | None") == "Optional[int]");
  CHECK(type_of("None | torch.Tensor") == "Optional[Tensor]");
  CHECK(type_of("Union[int, str]") == type_of("int | str"));
  CHECK(type_of("Final[int]") == "int");
  CHECK(type_of("torch.jit.Final[List[int]]") == "List[int]");
  CHECK(type_of("torch.device") == "Device");
  CHECK(type_of("torch.dtype") == "int");
  CHECK(type_of("torch.Size") == "List[int]");
  CHECK(type_of("None") == "NoneType");
}

TEST_CASE("types: Final is known by any name it is imported under") {
  CHECK(is_final(parse("Final[int]"), imports()));
  CHECK(is_final(parse("torch.jit.Final"), imports()));
  CHECK(is_final(parse("typing.Final[int]"), imports()));
  CHECK_FALSE(is_final(parse("List[int]"), imports()));
}

TEST_CASE("types: what is no type is refused at its place") {
  CHECK_THROWS_WITH(type_of("Wrong"), Catch::Contains("Unknown type name 'Wrong'"));
  CHECK_THROWS(type_of("List[Wrong]"));
  CHECK_THROWS(type_of("3"));
}
