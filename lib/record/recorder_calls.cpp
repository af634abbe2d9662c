// Calls while a program is recorded: entered, under the scope of the submodule that is called; or, of functions that
// were compiled or traced on purpose, kept whole, as torch.jit.trace keeps a call of a ScriptFunction.
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/frontend/schema_matching.h>

#include "record/interpreter.h"
#include "record/recorder.h"
#include "record/trace_session.h"

namespace bertjit {

namespace jit = torch::jit;
namespace tracer = torch::jit::tracer;
using jit::Value;

namespace {

/// A submodule's scope in the trace until the end of the C++ scope.
class ScopeGuard {
 public:
  explicit ScopeGuard(const std::string* scope) : pushed_(scope != nullptr) {
    if (pushed_) {
      tracer::getTracingState()->graph->push_scope(*scope);
    }
  }
  ~ScopeGuard() {
    // An exception may have abandoned the trace already.
    if (pushed_ && tracer::isTracing()) {
      tracer::getTracingState()->graph->pop_scope();
    }
  }
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

 private:
  bool pushed_;
};

}  // namespace

jit::Function& Recorder::method_of(const c10::ivalue::Object& object, const std::string& name) {
  return (tree_ == nullptr ? *object.type() : tree_->original(*object.type())).getMethod(name);
}

Slot Recorder::call_function(jit::Function& function, Slots arguments) {
  return program_.whole.contains(&function) ? call_whole(function, std::nullopt, std::move(arguments))
                                            : enter(function, std::move(arguments));
}

Slot Recorder::call_method(const std::string& name, Slots arguments) {
  const auto object = arguments[0].value.toObject();
  auto& function = method_of(*object, name);
  if (program_.whole.contains(&function) && object->type()->findMethod(name) == &function) {
    return call_whole(function, name, std::move(arguments));
  }
  // As in Python only a module's own call is a scope, not that of another of its methods.
  const ScopeGuard guard(name == "forward" && tree_ != nullptr ? tree_->scope(*object) : nullptr);
  return enter(function, std::move(arguments));
}

Slot Recorder::call_whole(jit::Function& function, const std::optional<std::string>& method, Slots arguments) {
  const bool depends = any_depends(arguments);
  const auto& graph = tracer::getTracingState()->graph;
  std::vector<jit::NamedValue> inputs;
  for (const auto& argument : arguments) {
    inputs.emplace_back(value_of(argument));
  }
  const auto matched = jit::matchSchema(function.getSchema(), places().at(0).range, *graph, inputs, {});
  Value* output =
      method ? graph->insertMethodCall(*method, matched) : graph->insertFunctionCall(adopt(function), matched);
  on_node(output->node());

  for (auto& argument : arguments) {
    argument.symbol = 0;
  }
  Slot result;
  {
    const TracingPause pause;
    result = Execution(InterpreterLimits().max_steps).enter(function, std::move(arguments));
  }
  result.symbol = bind(result.value, output, depends);
  count_nodes();
  return result;
}

jit::Function* Recorder::adopt(jit::Function& function) {
  const auto known = adopted_.find(&function);
  if (known != adopted_.end()) {
    return known->second;
  }
  function.ensure_defined();
  const auto graph = jit::toGraphFunction(function).graph()->copy();
  jit::Function* copy = unit_->create_function(qualified_function_name(function.qualname().qualifiedName()), graph,
                                               /*shouldMangle=*/true);
  copy->setSchema(function.getSchema());
  adopted_.emplace(&function, copy);
  adopt_calls(*graph->block());
  return copy;
}

void Recorder::adopt_calls(jit::Block& block) {
  for (jit::Node* node : block.nodes()) {
    for (jit::Block* inner : node->blocks()) {
      adopt_calls(*inner);
    }
    const auto type = node->kind() == c10::prim::Constant ? node->output()->type()->cast<c10::FunctionType>() : nullptr;
    if (type != nullptr) {
      jit::Function* copy = adopt(*type->function());
      node->s_(c10::attr::name, copy->name());
      node->output()->setType(c10::FunctionType::create(copy));
    }
  }
}

int64_t Recorder::bind(const c10::IValue& result, Value* value, bool depends) {
  const auto& graph = tracer::getTracingState()->graph;
  if (result.isTensor()) {
    tracer::setValueTrace(result, value);
    if (depends) {
      dependence_.mark_storage(result.toTensor());
    }
    return 0;
  }
  if (result.isInt() || result.isDouble()) {
    const at::Tensor number = c10::scalar_to_tensor(result.toScalar());
    tracer::setValueTrace(number, graph->insertNode(graph->createNumToTensor(value))->output());
    return options_.shapes == Shapes::kDynamic ? symbols_.add(number, depends) : symbols_.lost();
  }
  if (result.isBool()) {
    return depends ? symbols_.lost() : 0;
  }
  if (result.isTuple() || result.isList()) {
    const auto elements = result.isTuple() ? result.toTupleRef().elements().vec() : result.toListRef().vec();
    const auto values = graph
                            ->insertNode(result.isTuple() ? graph->createTupleUnpack(value)
                                                          : graph->createListUnpack(value, elements.size()))
                            ->outputs();
    std::vector<int64_t> ids;
    for (size_t i = 0; i < elements.size(); ++i) {
      ids.push_back(bind(elements[i], values[i], depends));
    }
    symbols_.set_elements(result, ids);
  } else if (result.isGenericDict()) {
    for (const auto& entry : result.toGenericDict()) {
      bind(entry.value(), graph->insert(c10::aten::__getitem__, {value, graph->insertConstant(entry.key())}), depends);
    }
  }
  return 0;
}

}  // namespace bertjit
