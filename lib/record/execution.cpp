#include "record/execution.h"

#include <utility>

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>

#include "support/error.h"

namespace bertjit {

namespace jit = torch::jit;
namespace prim = c10::prim;
using jit::Block;
using jit::Node;
using jit::Value;

namespace {

template <typename Values>
Slots read(const std::unordered_map<const Value*, Slot>& values, const Values& wanted) {
  Slots slots;
  slots.reserve(wanted.size());
  for (const Value* value : wanted) {
    const auto found = values.find(value);
    // A function is no value: its type says which one is meant.
    slots.push_back(found == values.end() ? Slot{} : found->second);
  }
  return slots;
}

/// A frame on the stack for the length of a call.
template <typename Frames, typename Frame>
class OnStack {
 public:
  OnStack(Frames& frames, Frame& frame) : frames_(frames) {
    frames_.push_back(&frame);
  }
  ~OnStack() {
    frames_.pop_back();
  }
  OnStack(const OnStack&) = delete;
  OnStack& operator=(const OnStack&) = delete;

 private:
  Frames& frames_;
};

}  // namespace

std::string essential_words(const std::exception& error) {
  const auto* from_torch = dynamic_cast<const c10::Error*>(&error);
  std::string words = from_torch != nullptr ? from_torch->what_without_backtrace() : error.what();
  const std::string marker = "RuntimeError: ";
  const size_t start = words.rfind(marker);
  words = start == std::string::npos ? words : words.substr(start + marker.size());
  // "Cannot insert a Tensor that requires grad as a constant…" goes on with all its numbers.
  words = words.substr(0, words.find("\nTensor:"));
  return words.substr(0, words.find_last_not_of(" \n") + 1);
}

Slot Execution::enter(jit::Function& function, Slots arguments) {
  function.ensure_defined();
  auto* with_graph = jit::tryToGraphFunction(function);
  if (with_graph == nullptr) {
    jit::Stack stack;
    for (auto& argument : arguments) {
      stack.push_back(std::move(argument.value));
    }
    function.run(stack);
    return {stack.empty() ? c10::IValue() : stack.back()};
  }
  return run_graph(with_graph->graph(), function.name(), std::move(arguments));
}

Slot Execution::run_graph(const std::shared_ptr<jit::Graph>& graph, const std::string& name, Slots arguments) {
  TORCH_CHECK(graph->inputs().size() == arguments.size(), name, "() takes ", graph->inputs().size(), " arguments, ",
              arguments.size(), " were given");
  Frame frame{name, &last_uses_of(graph), nullptr, {}, {}};
  for (size_t i = 0; i < arguments.size(); ++i) {
    frame.values.emplace(graph->inputs()[i], std::move(arguments[i]));
  }
  arguments.clear();
  const OnStack on_stack(frames_, frame);
  run_block(frame, *graph->block());
  auto outputs = read(frame.values, graph->outputs());
  if (outputs.size() == 1) {
    return outputs[0];
  }
  std::vector<c10::IValue> elements;
  for (auto& output : outputs) {
    elements.push_back(std::move(output.value));
  }
  return {c10::ivalue::Tuple::create(std::move(elements))};
}

const LastUses& Execution::last_uses_of(const std::shared_ptr<jit::Graph>& graph) {
  const auto found = graphs_.find(graph.get());
  return found != graphs_.end()
             ? found->second.last_uses
             : graphs_.emplace(graph.get(), KnownGraph{graph, last_uses(*graph)}).first->second.last_uses;
}

void Execution::run_block(Frame& frame, const Block& block) {
  for (const Node* node : block.nodes()) {
    execute(frame, *node);
    const auto unneeded = frame.last_uses->find(node);
    if (unneeded != frame.last_uses->end()) {
      for (const Value* value : unneeded->second) {
        frame.values.erase(value);
      }
    }
  }
}

void Execution::count_step() {
  if (++steps_ > max_steps_) {
    refuse("stopped after " + std::to_string(max_steps_) + " operations: does this loop end?");
  }
}

void Execution::execute(Frame& frame, const Node& node) {
  frame.node = &node;
  count_step();
  try {
    dispatch(frame, node);
  } catch (const Error&) {
    throw;  // it knows its place already
  } catch (const std::exception& error) {
    frame.node = &node;
    refuse(essential_words(error));
  }
}

void Execution::dispatch(Frame& frame, const Node& node) {
  const auto kind = node.kind();
  if (kind == prim::Constant) {
    if (node.output()->type()->kind() != c10::TypeKind::FunctionType) {
      frame.values[node.output()] = {jit::toIValue(node.output()).value()};
    }
  } else if (kind == prim::If) {
    run_if(frame, node);
  } else if (kind == prim::Loop) {
    run_loop(frame, node);
  } else if (kind == prim::Enter || kind == prim::Exit) {
    run_with(frame, node);
  } else if (!run_call(frame, node) && !run_attribute(frame, node)) {
    Slots outputs = apply(node, read(frame.values, node.inputs()));
    TORCH_CHECK(outputs.size() == node.outputs().size(), node.kind().toQualString(), " gave ", outputs.size(),
                " values instead of ", node.outputs().size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      frame.values[node.output(i)] = std::move(outputs[i]);
    }
  }
}

void Execution::run_if(Frame& frame, const Node& node) {
  const Slot condition = frame.values.at(node.input());
  branched(node, condition);
  const Block& taken = *node.blocks().at(condition.value.toBool() ? 0 : 1);
  run_block(frame, taken);
  Slots outputs = read(frame.values, taken.outputs());
  for (size_t i = 0; i < outputs.size(); ++i) {
    frame.values[node.output(i)] = std::move(outputs[i]);
  }
}

void Execution::run_loop(Frame& frame, const Node& node) {
  // Inputs: greatest number of turns, first condition, what is carried. The body takes the turn's number and what is
  // carried, and gives the next condition and what is carried.
  const Slots inputs = read(frame.values, node.inputs());
  const Block& body = *node.blocks().at(0);
  Slots carried(inputs.begin() + 2, inputs.end());
  Slots decisions{inputs[0], inputs[1]};
  bool goes_on = inputs[1].value.toBool();
  int64_t turn = 0;
  for (; goes_on && turn < inputs[0].value.toInt(); ++turn) {
    count_step();  // the body may be empty
    frame.values[body.inputs()[0]] = {turn};
    for (size_t i = 0; i < carried.size(); ++i) {
      frame.values[body.inputs()[i + 1]] = std::move(carried[i]);
    }
    run_block(frame, body);
    Slots outputs = read(frame.values, body.outputs());
    goes_on = outputs[0].value.toBool();
    if (outputs[0].symbol != 0) {
      decisions.push_back(outputs[0]);
    }
    carried.assign(std::make_move_iterator(outputs.begin() + 1), std::make_move_iterator(outputs.end()));
  }
  frame.node = &node;
  looped(node, decisions, turn);
  for (size_t i = 0; i < carried.size(); ++i) {
    frame.values[node.output(i)] = std::move(carried[i]);
  }
}

void Execution::run_with(Frame& frame, const Node& node) {
  Slots arguments;
  if (node.kind() == prim::Enter) {
    frame.entered.push_back(frame.values.at(node.input()));
    arguments = {frame.entered.back()};
  } else {
    arguments = {frame.entered.back(), {}, {}, {}};  // no exception: type, value, traceback
    frame.entered.pop_back();
  }
  auto& method = method_of(*arguments[0].value.toObject(), node.kind() == prim::Enter ? "__enter__" : "__exit__");
  frame.values[node.output()] = enter(method, std::move(arguments));
}

bool Execution::run_call(Frame& frame, const Node& node) {
  if (node.kind() == prim::CallFunction) {
    auto* function = node.input(0)->type()->expectRef<c10::FunctionType>().function();
    frame.values[node.output()] = call_function(*function, read(frame.values, node.inputs().slice(1)));
  } else if (node.kind() == prim::CallMethod) {
    frame.values[node.output()] = call_method(node.s(c10::attr::name), read(frame.values, node.inputs()));
  } else if (node.kind() == prim::fork) {
    // Run at once: what waits for it finds it done.
    Slot result = run_graph(node.g(c10::attr::Subgraph), "fork", read(frame.values, node.inputs()));
    auto future =
        c10::make_intrusive<c10::ivalue::Future>(node.output()->type()->expectRef<c10::FutureType>().getElementType());
    future->markCompleted(std::move(result.value));
    frame.values[node.output()] = {std::move(future), result.symbol};
  } else if (node.kind() == c10::aten::wait) {
    const Slot& future = frame.values.at(node.input());
    frame.values[node.output()] = {future.value.toFuture()->value(), future.symbol};
  } else {
    return false;
  }
  frame.node = &node;
  return true;
}

bool Execution::run_attribute(Frame& frame, const Node& node) {
  if (node.kind() == prim::GetAttr) {
    const auto& object = frame.values.at(node.input()).value;
    frame.values[node.output()] = {object.toObject()->getAttr(node.s(c10::attr::name))};
  } else if (node.kind() == prim::SetAttr) {
    set_attribute(frame.values.at(node.input(0)).value.toObject(), node.s(c10::attr::name),
                  frame.values.at(node.input(1)));
  } else {
    return false;
  }
  return true;
}

Slots Execution::apply(const Node& node, Slots inputs) {
  Slots outputs;
  return run_structural(node, inputs, outputs) ? outputs : run_operator(node, inputs);
}

Slot Execution::call_function(jit::Function& function, Slots arguments) {
  return enter(function, std::move(arguments));
}

Slot Execution::call_method(const std::string& name, Slots arguments) {
  auto& method = method_of(*arguments[0].value.toObject(), name);
  return enter(method, std::move(arguments));
}

void Execution::set_attribute(const c10::intrusive_ptr<c10::ivalue::Object>& object, const std::string& name,
                              const Slot& value) {
  object->setAttr(name, value.value);
}

jit::Function& Execution::method_of(const c10::ivalue::Object& object, const std::string& name) {
  return object.type()->getMethod(name);
}

std::vector<SourcePlace> Execution::places() const {
  std::vector<SourcePlace> places;
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    if ((*frame)->node != nullptr) {
      places.push_back({source_range(*(*frame)->node), (*frame)->function});
    }
  }
  return places;
}

void Execution::refuse(const std::string& what) const {
  throw located_error(ErrorKind::kInvalidArgument, what, places());
}

}  // namespace bertjit
