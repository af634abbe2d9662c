#include "record/recorder.h"

#include <algorithm>
#include <map>

#include <torch/csrc/jit/api/function_impl.h>

#include "record/interpreter.h"
#include "record/trace_session.h"

namespace bertjit {

namespace jit = torch::jit;
namespace tracer = torch::jit::tracer;

namespace {

// tracer::setRecordSourceLocation takes a plain function for the whole process; a recording holds WarningCollector's
// lock, so there is one recorder at a time.
Recorder* g_recorder = nullptr;

/// A function that is nothing but a name. libtorch's call stacks point to functions and outlive a recording, so these
/// are never freed: as many as there are names.
jit::Function* named_function(const std::string& name) {
  static auto* functions = new std::map<std::string, std::unique_ptr<jit::GraphFunction>>();
  auto& function = (*functions)[name];
  if (function == nullptr) {
    function = std::make_unique<jit::GraphFunction>(c10::QualifiedName(name), std::make_shared<jit::Graph>(), nullptr);
  }
  return function.get();
}

/// What changes a tensor's flags instead of its numbers.
bool changes_numbers(const std::string& operator_name) {
  return operator_name != "aten::requires_grad_" && operator_name != "aten::detach_" &&
         operator_name != "aten::retain_grad";
}

bool is_view(const at::Tensor& tensor) {
  return tensor.is_view() ||
         (tensor.has_storage() && (tensor.storage_offset() != 0 || tensor.nbytes() < tensor.storage().nbytes()));
}

bool has_container(const c10::IValue& value) {
  if (value.isTuple()) {
    const auto& elements = value.toTupleRef().elements();
    return std::any_of(elements.begin(), elements.end(), has_container);
  }
  return value.isList() || value.isGenericDict();
}

Slots call_operator(const c10::OperatorHandle& handle, const Slots& inputs) {
  jit::Stack stack;
  for (const auto& input : inputs) {
    stack.push_back(input.value);
  }
  handle.callBoxed(stack);
  return {{stack.back()}};
}

void collect_constants(jit::Block& block, std::vector<jit::Node*>& constants) {
  for (jit::Node* node : block.nodes()) {
    if (node->kind() == c10::prim::Constant && node->hasAttribute(c10::attr::value) &&
        node->kindOf(c10::attr::value) == jit::AttributeKind::t) {
      constants.push_back(node);
    }
    for (jit::Block* inner : node->blocks()) {
      collect_constants(*inner, constants);
    }
  }
}

}  // namespace

Recorder::Recorder(const Program& program, const RecordOptions& options, const ModuleTree* tree,
                   const std::shared_ptr<jit::CompilationUnit>& unit, Findings& findings)
    // A loop that records nothing must end too, and soon.
    : Execution(100 * options.max_nodes),
      program_(program),
      options_(options),
      tree_(tree),
      unit_(unit),
      findings_(findings) {
  g_recorder = this;
  tracer::setRecordSourceLocation(on_node);
}

Recorder::~Recorder() {
  g_recorder = nullptr;
}

void Recorder::on_node(jit::Node* node) {
  if (g_recorder != nullptr && g_recorder->running()) {
    g_recorder->describe_node(node);
    g_recorder->new_nodes_.push_back(node);
  }
}

void Recorder::describe_node(jit::Node* node) {
  const auto lines = places();
  node->setSourceRange(lines[0].range);
  jit::InlinedCallStackPtr calls;
  for (size_t i = 0; i + 1 < lines.size(); ++i) {
    jit::Function* callee = named_function(lines[i].function);
    calls = i == 0 ? c10::make_intrusive<jit::InlinedCallStack>(callee, lines[i + 1].range)
                   : c10::make_intrusive<jit::InlinedCallStack>(calls, callee, lines[i + 1].range);
  }
  if (calls) {
    node->setCallStack(calls);
  }
}

std::vector<SourceLocation> source_stack(const jit::Node& node) {
  std::vector<SourceLocation> stack;
  jit::SourceRange range = source_range(node);
  if (node.callstack()) {
    const auto calls = (*node.callstack())->vec();
    for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
      stack.push_back(location_of(range, std::get<0>(*call)->name()));
      range = std::get<1>(*call);
    }
  }
  stack.push_back(location_of(range));
  std::erase_if(stack, [](const auto& location) { return location.line == 0; });
  return stack;
}

void Recorder::count_nodes() {
  node_count_ += new_nodes_.size();
  new_nodes_.clear();
  if (node_count_ > options_.max_nodes) {
    refuse("the trace has more than " + std::to_string(options_.max_nodes) +
           " nodes: a loop is unrolled, turn by turn (--max-nodes allows more; a scripted function keeps the loop)");
  }
}

void Recorder::find(FindingKind kind, const std::string& detail) {
  std::vector<SourceLocation> lines;
  for (const auto& [range, function] : places()) {
    lines.push_back(location_of(range, function));
  }
  findings_.add(kind, lines, detail);
}

bool Recorder::any_depends(const Slots& slots) const {
  return std::any_of(slots.begin(), slots.end(), [&](const Slot& slot) {
    return symbols_.depends(slot) || symbols_.any_element_depends(slot.value) || dependence_.any_depends(slot.value);
  });
}

c10::IValue Recorder::record(Slots arguments, const std::vector<size_t>& inputs) {
  for (const size_t i : inputs) {
    for (const auto& tensor : tensors_in(arguments[i].value)) {
      dependence_.mark_storage(tensor);
      input_memory_.insert(memory_of(tensor));
    }
  }
  const Slot result = enter(*program_.function, std::move(arguments));
  c10::IValue outputs = output_value(result);
  finish_outputs(outputs);
  protect_constants();
  return outputs;
}

Slots Recorder::apply(const jit::Node& node, Slots inputs) {
  for (const auto rule : {&Recorder::apply_container, &Recorder::apply_size, &Recorder::apply_conversion,
                          &Recorder::apply_list_operator}) {
    if (auto outputs = (this->*rule)(node, inputs)) {
      count_nodes();
      return *std::move(outputs);
    }
  }
  const bool makes_tensor = node.kind() == c10::aten::tensor || node.kind() == c10::aten::as_tensor;
  Slots outputs = makes_tensor && !inputs[0].value.isTensor() ? apply_new_tensor(node, inputs)
                  : node.getOperator().isC10Op()              ? apply_recorded(node, std::move(inputs))
                                                              : apply_unrecorded(node, inputs);
  count_nodes();
  return outputs;
}

Slots Recorder::apply_recorded(const jit::Node& node, Slots inputs) {
  if (auto outputs = start_difference(node, inputs)) {
    return *std::move(outputs);
  }
  bool depends = any_depends(inputs);
  const auto other = with_tensor_argument(node, inputs);
  depends = depends || any_depends(inputs);
  const auto& schema = other ? other->schema() : node.schema();
  note_mutations(schema, inputs);
  auto arguments = stash_arguments(schema, inputs);
  Slots outputs;
  try {
    outputs = other ? call_operator(*other, inputs) : run_operator(node, inputs);
  } catch (...) {
    drain_arguments(arguments);
    throw;
  }
  settle_arguments(arguments);
  note_outputs(inputs, outputs, depends);
  note_length(node, inputs, outputs);
  return outputs;
}

void Recorder::note_mutations(const c10::FunctionSchema& schema, const Slots& inputs) {
  for (size_t i = 0; i < inputs.size() && i < schema.arguments().size(); ++i) {
    const auto* alias = schema.arguments()[i].alias_info();
    if (alias == nullptr || !alias->isWrite() || !changes_numbers(schema.name())) {
      continue;
    }
    for (const auto& tensor : tensors_in(inputs[i].value)) {
      if (changed_memory_.insert(memory_of(tensor)).second) {
        keep_literal(tensor);
      }
      symbols_.forget(tensor);
      if (is_view(tensor)) {
        find(FindingKind::kInplaceView, schema.name());
      }
      if (input_memory_.contains(memory_of(tensor))) {
        find(FindingKind::kInputMutated, schema.name());
      }
      if (any_depends(inputs)) {
        dependence_.mark_storage(tensor);
      }
    }
  }
}

void Recorder::keep_literal(const at::Tensor& about_to_change) {
  const auto literal = std::find_if(literals_.begin(), literals_.end(),
                                    [&](const auto& one) { return memory_of(one) == memory_of(about_to_change); });
  if (literal != literals_.end()) {
    const TracingPause pause;
    const c10::AutoGradMode no_grad(false);
    const at::Tensor copy = literal->clone();
    first_values_.emplace(memory_of(about_to_change), copy);
    literals_.push_back(copy);
  }
}

void Recorder::note_outputs(const Slots& inputs, Slots& outputs, bool depends) {
  std::unordered_set<const void*> memory;
  bool from_symbols = false;
  bool from_others = false;
  for (const auto& input : inputs) {
    for (const auto& tensor : tensors_in(input.value)) {
      memory.insert(memory_of(tensor));
      from_symbols = from_symbols || symbols_.of(tensor) != 0;
      from_others = from_others || (symbols_.of(tensor) == 0 && dependence_.depends(tensor));
    }
  }
  for (auto& output : outputs) {
    for (const auto& tensor : tensors_in(output.value)) {
      if (from_symbols && !from_others && tensor.dim() == 0 && output.value.isTensor()) {
        symbols_.add(tensor, depends);
      }
      if (depends && memory.contains(memory_of(tensor))) {
        dependence_.mark_tensor(tensor);
      } else if (depends) {
        dependence_.mark_storage(tensor);
      }
    }
  }
}

void Recorder::note_length(const jit::Node& node, const Slots& inputs, const Slots& outputs) {
  if (outputs.size() != 1 || !outputs[0].value.isList()) {
    return;
  }
  const auto kind = node.kind();
  const bool of_tensor = kind == c10::aten::unbind || kind == c10::aten::split || kind == c10::aten::unsafe_split;
  const bool cut_by_size = of_tensor && inputs[0].value.isTensor() && !inputs[1].value.isList();
  if ((cut_by_size && dependence_.depends(inputs[0].value.toTensor())) ||
      // [0] * n
      (kind == c10::aten::mul && inputs.size() > 1 && symbols_.depends(inputs[1])) ||
      std::any_of(inputs.begin(), inputs.end(),
                  [&](const Slot& slot) { return symbols_.length_depends(slot.value); })) {
    symbols_.mark_length(outputs[0].value);
  }
}

c10::IValue Recorder::output_value(const Slot& slot) {
  const auto& value = slot.value;
  if (value.isTensor() || (value.isScalar() && symbols_.has_tensor(slot))) {
    return value.isTensor() ? value : c10::IValue(symbols_.at(slot.symbol).tensor);
  }
  const auto ids = symbols_.elements(value);
  const auto element = [&](size_t i, const c10::IValue& of) { return output_value({of, i < ids.size() ? ids[i] : 0}); };
  if (value.isTuple()) {
    std::vector<c10::IValue> elements;
    for (const auto& one : value.toTupleRef().elements()) {
      elements.push_back(element(elements.size(), one));
    }
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  if (value.isList()) {
    c10::List<at::Tensor> list;
    for (const auto& one : value.toListRef()) {
      const c10::IValue converted = element(list.size(), one);
      if (!converted.isTensor()) {
        return value;
      }
      list.push_back(converted.toTensor());
    }
    return list;
  }
  if (value.isGenericDict()) {
    bool tensors = true;
    for (const auto& entry : value.toGenericDict()) {
      tensors = tensors && entry.value().isTensor();
    }
    if (tensors) {
      return value;
    }
  }
  throw located_error(ErrorKind::kInvalidArgument,
                      program_.name + " returns " + value.type()->annotation_str() +
                          ": a trace can return tensors, and lists, tuples and dicts of them",
                      {return_place()});
}

SourcePlace Recorder::return_place() const {
  const auto graph = jit::toGraphFunction(*program_.function).graph();
  const jit::Node* node = graph->outputs().at(0)->node();
  // What only gathers values has no line of its own: that of the last operator before it.
  while (node->kind() != c10::prim::Param && location_of(source_range(*node)).line == 0) {
    node = node->prev();
  }
  return {node->kind() == c10::prim::Param ? jit::SourceRange() : source_range(*node), program_.function->name()};
}

SourcePlace Recorder::element_place(size_t i, size_t count) const {
  const auto graph = jit::toGraphFunction(*program_.function).graph();
  const jit::Node* node = graph->outputs().at(0)->node();
  if (node->kind() != c10::prim::TupleConstruct || node->inputs().size() != count ||
      node->input(i)->node()->kind() == c10::prim::Param) {
    return return_place();
  }
  return {source_range(*node->input(i)->node()), program_.function->name()};
}

void Recorder::finish_outputs(const c10::IValue& outputs) {
  const SourcePlace place = return_place();
  const SourceLocation where = location_of(place.range, place.function);
  if (has_container(outputs)) {
    findings_.add(FindingKind::kContainerOutput, where, outputs.type()->annotation_str());
  }
  const auto tensors = tensors_in(outputs);
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!dependence_.depends(tensors[i]) && !symbols_.at(symbols_.of(tensors[i])).depends) {
      const SourcePlace made = element_place(i, tensors.size());
      findings_.add(FindingKind::kOutputConstant, location_of(made.range, made.function),
                    tensors.size() == 1 ? "the output" : "output " + std::to_string(i));
    }
    try {
      // Makes a constant of what the tracer does not know yet.
      tracer::getValueTrace(tensors[i]);
    } catch (const std::exception& error) {
      throw located_error(ErrorKind::kInvalidArgument, essential_words(error), {place});
    }
  }
}

void Recorder::protect_constants() {
  const auto state = tracer::getTracingState();
  std::vector<jit::Node*> constants;
  collect_constants(*state->graph->block(), constants);
  for (jit::Node* constant : constants) {
    const at::Tensor tensor = constant->t(c10::attr::value);
    if (!changed_memory_.contains(memory_of(tensor))) {
      continue;
    }
    // Run again, the program makes the tensor afresh; a trace would go on with what its last run left.
    const auto first = first_values_.find(memory_of(tensor));
    if (first != first_values_.end() && first->second.sizes() == tensor.sizes()) {
      constant->t_(c10::attr::value, first->second);
    }
    const jit::WithInsertPoint guard(constant->next());
    auto* copy = state->graph->insert(c10::aten::clone, {constant->output()});
    copy->node()->copyMetadata(constant);
    constant->output()->replaceAllUsesAfterNodeWith(copy->node(), copy);
    if (state->hasValue(tensor) && state->getValue(tensor) == constant->output()) {
      state->setValue(tensor, copy);
    }
  }
}

void Recorder::branched(const jit::Node& node, const Slot& condition) {
  if (!symbols_.depends(condition)) {
    return;
  }
  const bool taken = condition.value.toBool();
  for (const jit::Node* other : node.blocks().at(taken ? 1 : 0)->nodes()) {
    if (other->kind() == c10::prim::RaiseException) {
      return;  // a check of the input that it passed
    }
  }
  find(FindingKind::kBranchFlattened, taken ? "true on the example" : "false on the example");
}

void Recorder::looped(const jit::Node&, const Slots& decisions, int64_t turns) {
  if (std::any_of(decisions.begin(), decisions.end(), [&](const Slot& slot) { return symbols_.depends(slot); })) {
    find(FindingKind::kLoopUnrolled, std::to_string(turns) + (turns == 1 ? " turn" : " turns") + " on the example");
  }
}

void Recorder::set_attribute(const c10::intrusive_ptr<c10::ivalue::Object>& object, const std::string& name,
                             const Slot& value) {
  // `self.total += x` assigns the buffer that was changed in place, which is recorded.
  const bool same = value.value.isTensor() && object->getAttr(name).is(value.value);
  Execution::set_attribute(object, name, value);
  if (same) {
    return;
  }
  if (object->type()->is_module()) {
    find(FindingKind::kStateNotRecorded, "self." + name);
  } else if (symbols_.depends(value) && symbols_.has_tensor(value)) {
    find(FindingKind::kSizeConstant, "kept in ." + name);
  }
}

}  // namespace bertjit
