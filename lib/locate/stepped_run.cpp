#include "locate/stepped_run.h"

#include <ATen/native/quantized/PackedParams.h>
#include <torch/csrc/jit/ir/constants.h>

#include "compare/outputs.h"
#include "record/arguments.h"
#include "record/interpreter.h"

namespace bertjit {

namespace jit = torch::jit;

namespace {

/// x W' + b with the weights of a packed int8 layer as float32.
at::Tensor linear_in_float32(const at::Tensor& input, const c10::IValue& packed) {
  const auto [weight, bias] = packed.toCustomClass<LinearPackedParamsBase>()->unpack();
  return at::linear(input, weight.is_quantized() ? weight.dequantize() : weight.to(at::kFloat),
                    bias ? bias->to(at::kFloat) : at::Tensor());
}

bool is_dynamic_linear(const jit::Node& node) {
  const std::string name = node.kind().toQualString();
  return name == "quantized::linear_dynamic" || name == "quantized::linear_dynamic_fp16";
}

class Taper : public StepWatcher {
 public:
  explicit Taper(const WeightNames& names) : names_(names) {}

  void entering(int64_t /*id*/, const jit::Node& node, const std::string& module, Slots& inputs) override {
    Step step{node.kind().toQualString(), module, {}, {}, step_constants(node, inputs), &node};
    for (const auto& input : inputs) {
      step.inputs.push_back(input.symbol);
      step.weights.push_back(names_.of(input.value));
    }
    if (step.op == "aten::append" && step.inputs[0] != 0) {
      tape_.steps[static_cast<size_t>(step.inputs[0] - 1)].inputs.push_back(step.inputs[1]);  // the list's own step
    }
    tape_.steps.push_back(std::move(step));
  }

  /// Fills in which step made each of the outputs, which are `count`.
  Tape finish(int64_t made_by, size_t count) {
    add_leaves(made_by);
    if (tape_.leaves.size() != count) {
      tape_.leaves.assign(count, made_by);
    }
    return std::move(tape_);
  }

 private:
  void add_leaves(int64_t id) {
    const std::string op = id == 0 ? "" : tape_.at(id).op;
    if (op != "prim::TupleConstruct" && op != "prim::ListConstruct" && op != "prim::DictConstruct") {
      tape_.leaves.push_back(id);
      return;
    }
    const bool is_dict = op == "prim::DictConstruct";  // key, value, key, value …
    const auto inputs = tape_.at(id).inputs;
    for (size_t i = is_dict ? 1 : 0; i < inputs.size(); i += is_dict ? 2 : 1) {
      add_leaves(inputs[i]);
    }
  }

  const WeightNames& names_;
  Tape tape_;
};

}  // namespace

SteppedRun::SteppedRun(const jit::Module& module, StepWatcher& watcher, QuantizedLinear linear)
    : Execution(InterpreterLimits{}.max_steps), module_(module), watcher_(watcher), linear_(linear) {
  for (const auto& item : module_.named_modules()) {
    paths_.emplace(item.value._ivalue().get(), item.name);
  }
}

Slot SteppedRun::run(const BoundBatch& inputs) {
  const Program program = module_program(module_, "the module");
  Slots arguments;
  for (auto& value : call_arguments(program, inputs.copy().values)) {
    arguments.push_back({std::move(value)});
  }
  modules_ = {""};
  return enter(*program.function, std::move(arguments));
}

Slots SteppedRun::compute(const jit::Node& node, Slots inputs) {
  if (linear_ == QuantizedLinear::kInFloat32 && is_dynamic_linear(node)) {
    return {{linear_in_float32(inputs[0].value.toTensor(), inputs[1].value)}};
  }
  return Execution::apply(node, std::move(inputs));
}

Slots SteppedRun::apply(const jit::Node& node, Slots inputs) {
  const int64_t id = ++count_;
  watcher_.entering(id, node, modules_.back(), inputs);
  std::vector<int64_t> makers;
  for (const auto& input : inputs) {
    makers.push_back(input.symbol);
  }
  Slots outputs = compute(node, std::move(inputs));
  watcher_.left(id, outputs);
  name_makers(node, id, makers, outputs);
  return outputs;
}

void SteppedRun::name_makers(const jit::Node& node, int64_t id, const std::vector<int64_t>& makers, Slots& outputs) {
  for (auto& output : outputs) {
    output.symbol = id;
  }
  // What is put into a tuple and taken out again is what it was.
  if (node.kind() == c10::prim::TupleConstruct) {
    elements_[id] = makers;
  } else if (node.kind() == c10::prim::TupleUnpack && elements_.contains(makers[0])) {
    const auto& elements = elements_.at(makers[0]);
    for (size_t i = 0; i < outputs.size() && i < elements.size(); ++i) {
      outputs[i].symbol = elements[i];
    }
  } else if (node.kind() == c10::prim::TupleIndex && elements_.contains(makers[0])) {
    const auto& elements = elements_.at(makers[0]);
    const auto index = jit::constant_as<int64_t>(node.input(1)).value_or(-1);
    if (index >= 0 && index < static_cast<int64_t>(elements.size())) {
      outputs[0].symbol = elements[static_cast<size_t>(index)];
    }
  }
}

Slot SteppedRun::call_method(const std::string& name, Slots arguments) {
  const auto known = paths_.find(arguments[0].value.toObject().get());
  modules_.push_back(known == paths_.end() ? modules_.back() : known->second);
  Slot result = Execution::call_method(name, std::move(arguments));
  modules_.pop_back();
  return result;
}

TapedRun run_taped(const jit::Module& module, const BoundBatch& inputs, const WeightNames& names) {
  Taper taper(names);
  SteppedRun run(module, taper, QuantizedLinear::kAsWritten);
  Slot result = run.run(inputs);
  const size_t count = flatten_outputs(result.value).size();
  return {taper.finish(result.symbol, count), std::move(result.value)};
}

}  // namespace bertjit
