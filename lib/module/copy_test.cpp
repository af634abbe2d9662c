#include "module/copy.h"

#include "module/module_testing.h"
#include "testing/testing.h"

namespace bertjit {

namespace jit = torch::jit;

// As encoder and decoder of Marian are handed the table that they share.
TEST_CASE("copy: the code of a module that is handed to another as an argument is the copy's own") {
  jit::Module table("Table");
  table.register_parameter("weight", at::ones({2}), /*is_buffer=*/false);
  table.define("def forward(self, x):\n  return x + self.weight\n");
  jit::Module user("User");
  user.register_attribute("unused", c10::BoolType::get(), false);
  user.define("def forward(self, x):\n  return x\n");
  const auto graph = std::make_shared<jit::Graph>();
  jit::Value* self = graph->addInput("self")->setType(user.type());
  jit::Value* argument = graph->addInput("table")->setType(table.type());
  jit::Value* x = graph->addInput("x");
  static_cast<void>(self);
  jit::Node* call = graph->insertNode(graph->create(c10::prim::CallMethod, {argument, x}));
  call->s_(c10::attr::name, "forward");
  graph->registerOutput(call->output());
  jit::Function* use = user._ivalue()->compilation_unit()->create_function(c10::QualifiedName("User", "use"), graph);
  user.type()->addMethod(use);
  jit::Module root("Root");
  root.register_module("user", user);
  root.register_module("table", table);
  root.define("def forward(self, x):\n  return self.user.use(self.table, x)\n");

  const jit::Module copy = copy_module(root);
  const auto handed = copy.attr("user").toModule().get_method("use").graph()->inputs().at(1)->type();
  CHECK(handed == copy.attr("table").toModule().type());
  CHECK(handed != table.type());
  jit::Module runs = copy;
  CHECK(at::equal(runs.forward({at::zeros({2})}).toTensor(), at::ones({2})));
}

}  // namespace bertjit
