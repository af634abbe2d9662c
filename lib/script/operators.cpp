#include "script/operators.h"

#include <torch/csrc/jit/frontend/schema_matching.h>
#include <torch/csrc/jit/runtime/interpreter.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "script/compile_error.h"
#include "script/python_error.h"

namespace bertjit {

using torch::jit::NamedValue;
using torch::jit::SourceRange;

namespace {

// A graph of one call.
class OneCall {
 public:
  explicit OneCall(const SourceRange& where) : graph_(std::make_shared<torch::jit::Graph>()), where_(where) {}

  NamedValue value(const std::string& name, const Object& object) {
    const auto list = object.as<ListObject>();
    if (list && list->items.empty()) {
      // `[]` becomes a list of whatever the schema asks for.
      auto* node = graph_->insertNode(graph_->create(torch::jit::prim::EmptyListLiteral));
      return NamedValue(where_, name, node->output()->setType(c10::NoneType::get()));
    }
    std::string why;
    const auto converted = to_ivalue(object, &why);
    if (!converted) {
      refuse(where_, "argument '" + name + "': " + why);
    }
    if (converted->isNone()) {
      return NamedValue(where_, name, graph_->insertConstant(*converted));
    }
    auto* input = graph_->addInput();
    input->setType(c10::unshapedType(converted->type()));
    stack_.push_back(*converted);
    return NamedValue(where_, name, input);
  }

  Object run(const std::string& name, const std::vector<NamedValue>& positional, const std::vector<NamedValue>& named,
             const std::optional<NamedValue>& self) {
    auto* output = torch::jit::emitBuiltinCall(where_, *graph_, c10::Symbol::aten(name), positional, named, self);
    graph_->registerOutput(output);
    torch::jit::Code code(graph_, name);
    torch::jit::InterpreterState(code).run(stack_);
    const auto& result = stack_.back();
    const bool nothing = result.isTuple() && result.toTupleRef().elements().empty();
    return nothing ? none_object() : from_ivalue(result);
  }

 private:
  std::shared_ptr<torch::jit::Graph> graph_;
  torch::jit::Stack stack_;
  const SourceRange& where_;
};

}  // namespace

bool has_operator(const std::string& name) {
  return !torch::jit::getAllOperatorsFor(c10::Symbol::aten(name)).empty();
}

Object call_operator(const std::string& name, const std::optional<Object>& self, const CallArguments& arguments,
                     const SourceRange& where) {
  try {
    OneCall call(where);
    bool requires_grad = false;
    std::optional<NamedValue> receiver;
    if (self) {
      receiver = call.value("self", *self);
    }
    std::vector<NamedValue> positional;
    for (size_t i = 0; i < arguments.positional.size(); ++i) {
      positional.push_back(call.value("argument " + std::to_string(i), arguments.positional[i]));
    }
    std::vector<NamedValue> named;
    for (const auto& [keyword, value] : arguments.named) {
      const bool dropped = keyword == "generator" && is_none(value);
      if (keyword == "requires_grad") {
        requires_grad = is_true(value, where);
      } else if (!dropped) {
        named.push_back(call.value(keyword, value));
      }
    }
    Object result = call.run(name, positional, named, receiver);
    if (requires_grad && tensor_of(result) != nullptr) {
      tensor_of(result)->requires_grad_(true);
    }
    return result;
  } catch (...) {
    rethrow_as_error(where);
  }
}

Object none_object() {
  return Object{c10::IValue()};
}

bool is_none(const Object& object) {
  const auto* value = object.get<c10::IValue>();
  return value != nullptr && value->isNone();
}

const at::Tensor* tensor_of(const Object& object) {
  const auto* value = object.get<c10::IValue>();
  return value != nullptr && value->isTensor() ? &value->toTensor() : nullptr;
}

std::optional<int64_t> integer_of(const Object& object) {
  const auto* value = object.get<c10::IValue>();
  if (value == nullptr || !(value->isInt() || value->isBool())) {
    return std::nullopt;
  }
  return value->isInt() ? value->toInt() : static_cast<int64_t>(value->toBool());
}

std::optional<double> number_of(const Object& object) {
  const auto* value = object.get<c10::IValue>();
  if (value != nullptr && value->isDouble()) {
    return value->toDouble();
  }
  const auto integer = integer_of(object);
  return integer ? std::make_optional(static_cast<double>(*integer)) : std::nullopt;
}

const std::string* string_of(const Object& object) {
  const auto* value = object.get<c10::IValue>();
  return value != nullptr && value->isString() ? &value->toStringRef() : nullptr;
}

}  // namespace bertjit
