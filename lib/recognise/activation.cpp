#include "recognise/activation.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "models/activations.h"

namespace bertjit {

namespace {

/// Names as config.json has them, of which several may be one function; the first that fits the operators is taken.
constexpr std::array<const char*, 18> kNames = {"gelu",          "gelu_pytorch_tanh",
                                                "gelu_new",      "gelu_fast",
                                                "gelu_accurate", "gelu_python",
                                                "relu",          "silu",
                                                "tanh",          "linear",
                                                "gelu_10",       "quick_gelu",
                                                "mish",          "relu2",
                                                "relu6",         "leaky_relu",
                                                "sigmoid",       "laplace"};

constexpr size_t kMostOperators = 40;

/// float32 traces hold constants as rounded as float32; activations that differ, differ by 1e-4 somewhere.
constexpr double kSame = 2e-6;

at::Tensor points() {
  return at::linspace(-12, 12, 241, at::kDouble);
}

using One = at::Tensor (*)(const at::Tensor&);
constexpr std::array<std::pair<std::string_view, One>, 22> kUnary = {{
    {"relu", [](const at::Tensor& x) { return at::relu(x); }},
    {"silu", [](const at::Tensor& x) { return at::silu(x); }},
    {"mish", [](const at::Tensor& x) { return at::mish(x); }},
    {"tanh", [](const at::Tensor& x) { return at::tanh(x); }},
    {"sigmoid", [](const at::Tensor& x) { return at::sigmoid(x); }},
    {"erf", [](const at::Tensor& x) { return at::erf(x); }},
    {"square", [](const at::Tensor& x) { return at::square(x); }},
    {"sin", [](const at::Tensor& x) { return at::sin(x); }},
    {"cos", [](const at::Tensor& x) { return at::cos(x); }},
    {"exp", [](const at::Tensor& x) { return at::exp(x); }},
    {"abs", [](const at::Tensor& x) { return at::abs(x); }},
    {"neg", [](const at::Tensor& x) { return at::neg(x); }},
    {"sqrt", [](const at::Tensor& x) { return at::sqrt(x); }},
    {"softplus", [](const at::Tensor& x) { return at::softplus(x); }},
    {"elu", [](const at::Tensor& x) { return at::elu(x); }},
    {"selu", [](const at::Tensor& x) { return at::selu(x); }},
    {"hardswish", [](const at::Tensor& x) { return at::hardswish(x); }},
    {"hardsigmoid", [](const at::Tensor& x) { return at::hardsigmoid(x); }},
    {"relu6", [](const at::Tensor& x) { return at::hardtanh(x, 0, 6); }},
    {"leaky_relu", [](const at::Tensor& x) { return at::leaky_relu(x); }},
    {"log_sigmoid", [](const at::Tensor& x) { return at::log_sigmoid(x); }},
    {"softsign", [](const at::Tensor& x) { return x / (x.abs() + 1); }},
}};

constexpr std::array<std::string_view, 8> kBinary = {"mul", "add", "sub", "rsub", "div", "pow", "minimum", "maximum"};
/// What leaves values as they are; a convolution's are transposed, and padding filled, before its activation.
constexpr std::array<std::string_view, 12> kIdentity = {"dropout", "feature_dropout", "alpha_dropout", "to",
                                                        "type_as", "contiguous",      "detach",        "clone",
                                                        "alias",   "permute",         "transpose",     "masked_fill"};

bool is_any(std::string_view name, const auto& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Grows from a layer's output through pointwise operators, and evaluates them on the way.
class Expression {
 public:
  Expression(const ModuleCode& code, const CodeValue* start) : code_(code), last_(start) {
    values_[start] = points();
    grow(start);
  }

  const at::Tensor& value() const {
    return values_.at(last_);
  }
  const CodeValue* last() const {
    return last_;
  }
  const std::string& operators() const {
    return operators_;
  }

 private:
  /// Takes users in the order of the code until none is pointwise.
  void grow(const CodeValue* start) {
    std::vector<const CodeNode*> open;
    const auto open_users = [&](const CodeValue* value) {
      for (const auto& use : value->uses()) {
        if (std::find(open.begin(), open.end(), use.user) == open.end()) {
          open.push_back(use.user);
        }
      }
    };
    open_users(start);
    for (bool grew = true; grew && values_.size() < kMostOperators;) {
      grew = false;
      std::sort(open.begin(), open.end(),
                [](const CodeNode* a, const CodeNode* b) { return a != b && a->isBefore(b); });
      for (const CodeNode* node : std::vector<const CodeNode*>(open)) {
        if (node->outputs().size() != 1 || values_.contains(node->output())) {
          continue;
        }
        const at::Tensor result = evaluate(*node);
        if (!result.defined()) {
          continue;
        }
        values_[node->output()] = result;
        last_ = node->output();
        if (!is_any(operator_name(*node), kIdentity)) {
          operators_.append(operators_.empty() ? "" : " ").append(operator_name(*node));
        }
        open_users(node->output());
        grew = true;
        break;
      }
    }
  }

  at::Tensor operand(const CodeValue* value) const {
    const auto it = values_.find(value);
    if (it != values_.end()) {
      return it->second;
    }
    const auto number = code_.number(value);
    return number ? at::scalar_tensor(*number, at::kDouble) : at::Tensor();
  }

  /// Undefined if the operator is not pointwise, or works on anything else.
  at::Tensor evaluate(const CodeNode& node) const {
    const std::string_view name = operator_name(node);
    if (node.inputs().empty()) {
      return {};
    }
    const at::Tensor x = operand(node.input(0));
    if (!x.defined()) {
      return {};
    }
    if (is_any(name, kIdentity) && values_.contains(node.input(0))) {
      return x;
    }
    for (const auto& [known, function] : kUnary) {
      if (name == known) {
        return function(x);
      }
    }
    if (name == "gelu") {
      const auto approximate = node.inputs().size() > 1 ? torch::jit::toIValue(node.input(1)) : std::nullopt;
      return at::gelu(x, approximate && approximate->isString() ? approximate->toStringRef() : "none");
    }
    if (name == "hardtanh" || name == "clamp" || name == "clip") {
      return clamp(node, x);
    }
    return is_any(name, kBinary) && node.inputs().size() >= 2 ? binary(node, name, x) : at::Tensor();
  }

  at::Tensor clamp(const CodeNode& node, const at::Tensor& x) const {
    const auto least = node.inputs().size() > 1 ? code_.number(node.input(1)) : std::nullopt;
    const auto most = node.inputs().size() > 2 ? code_.number(node.input(2)) : std::nullopt;
    at::Tensor result = least ? at::clamp_min(x, *least) : x;
    return most ? at::clamp_max(result, *most) : result;
  }

  at::Tensor binary(const CodeNode& node, std::string_view name, const at::Tensor& x) const {
    const at::Tensor y = operand(node.input(1));
    if (!y.defined()) {
      return {};
    }
    const double alpha = node.inputs().size() > 2 && name != "div" ? code_.number(node.input(2)).value_or(1) : 1;
    return name == "mul"       ? x * y
           : name == "div"     ? x / y
           : name == "add"     ? x + y * alpha
           : name == "sub"     ? x - y * alpha
           : name == "rsub"    ? y - x * alpha
           : name == "pow"     ? at::pow(x, y)
           : name == "minimum" ? at::minimum(x, y)
                               : at::maximum(x, y);
  }

  const ModuleCode& code_;
  std::unordered_map<const CodeValue*, at::Tensor> values_;
  const CodeValue* last_;
  std::string operators_;
};

/// Which of the names of one function says how it is spelled.
std::string name_by_operators(const std::vector<std::string>& names, const std::string& operators) {
  const auto uses = [&](const char* word) { return operators.find(word) != std::string::npos; };
  const auto has = [&](const char* name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  if (!uses("gelu") && uses("tanh") && uses("pow") && has("gelu_new")) {
    return "gelu_new";
  }
  if (!uses("gelu") && uses("tanh") && has("gelu_fast")) {
    return "gelu_fast";
  }
  if (uses("erf") && has("gelu_python")) {
    return "gelu_python";
  }
  return names.front();
}

}  // namespace

ActivationFound find_activation(const ModuleCode& code, const CodeValue* layer_output) {
  const at::NoGradGuard no_grad;
  const Expression expression(code, layer_output);
  ActivationFound found{"", expression.operators(), expression.last()};
  const at::Tensor value = expression.value();
  if (value.sizes() != points().sizes()) {
    return found;
  }
  std::vector<std::string> fitting;
  for (const char* name : kNames) {
    const double error = (Activation(name, "")(points()) - value).abs().max().item<double>();
    if (error <= kSame) {
      fitting.emplace_back(name);
    }
  }
  if (!fitting.empty()) {
    found.name = name_by_operators(fitting, found.operators);
  }
  return found;
}

}  // namespace bertjit
