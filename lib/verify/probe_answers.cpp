// Probes: running, and how far one answer may be from another.
//
// Two runs of one module on the same rows differ by rounding alone, where sums are taken in another order. How much
// that is depends on the arithmetic (epsilon), on depth (each layer rounds again, and errors of random sign add up as
// the root of their number) and on how the weights pass it on. The last is measured: every gain and bias of one
// dimension, of which each layer has some, is moved by one epsilon up or down, and what comes out is the module's own
// noise. Allowed is kOwnNoise times that, or kRounding times epsilon times the root of the number of layers times the
// greatest output, whichever is more; in float32 no less than verify's absolute tolerance.
//
// Measured on 201 sound exports by transformers 4.57 (seven architectures, 2 to 12 layers, float32, float16, bfloat16
// and int8 of four engines, frozen and not): the worst reached 0.47 of what is allowed. Masks that are ignored move
// outputs of size 1 by 0.01 to 1 there.
#include <algorithm>
#include <cmath>
#include <map>

#include <ATen/CPUGeneratorImpl.h>

#include "compare/compare.h"
#include "compare/outputs.h"
#include "infer/guards.h"
#include "verify/probes.h"

namespace bertjit {

namespace {

constexpr double kOwnNoise = 4;
constexpr double kRounding = 2;
/// Hidden tokens have a weight of zero: sums over the same numbers, in the same order. Some kernels round the last bit
/// by where in memory a tensor lies.
constexpr double kSameSums = 4;

/// [rows, …]; undefined if something else comes first. [rows·tokens, …] and [rows·choices, …] are split.
at::Tensor rows_first(const at::Tensor& value, int64_t rows) {
  if (value.dim() == 0 || rows == 0 || value.size(0) == 0 || value.size(0) % rows != 0) {
    return {};
  }
  return value.size(0) == rows ? value : value.unflatten(0, {rows, value.size(0) / rows});
}

std::string sizes_text(const at::Tensor& value) {
  if (!value.defined()) {
    return "not of one size for each row";
  }
  std::string text;
  for (const int64_t size : value.sizes()) {
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  }
  return "[" + text + "]";
}

/// How many differences there are of each power of ten; equal elements are in [0, least).
EvidenceRows histogram_of(const std::string& output, const at::Tensor& differences) {
  const at::Tensor finite = differences.masked_select(differences.isfinite().logical_and(differences.gt(0)));
  std::map<int64_t, int64_t> counts;
  const at::Tensor exponents = finite.log10().floor().to(at::kLong).contiguous();
  for (int64_t i = 0; i < exponents.numel(); ++i) {
    ++counts[exponents.const_data_ptr<int64_t>()[i]];
  }
  EvidenceRows rows;
  const auto add = [&](double from, double to, int64_t count) {
    rows.push_back({{"output", output}, {"from", from}, {"to", to}, {"count", count}});
  };
  if (const int64_t equal = differences.eq(0).sum().item<int64_t>(); equal > 0) {
    add(0, std::pow(10., counts.empty() ? -9. : static_cast<double>(counts.begin()->first)), equal);
  }
  for (const auto& [exponent, count] : counts) {
    add(std::pow(10., static_cast<double>(exponent)), std::pow(10., static_cast<double>(exponent) + 1), count);
  }
  return rows;
}

/// |a - b| in float64; 0 where both are the same infinity, or both no number.
at::Tensor absolute_differences(const at::Tensor& expected, const at::Tensor& actual) {
  const at::Tensor a = expected.to(at::kDouble), b = actual.to(at::kDouble);
  const at::Tensor same = a.eq(b).logical_or(a.isnan().logical_and(b.isnan()));
  return (a - b).abs().masked_fill(same, 0);
}

double greatest_finite(const at::Tensor& value) {
  const at::Tensor finite = value.masked_select(value.isfinite());
  return finite.numel() == 0 ? 0 : finite.abs().max().item().toDouble();
}

/// Moves numbers by a relative amount up or down, as rounding does.
class Disturbance {
 public:
  explicit Disturbance(double amount) : amount_(amount), generator_(at::make_generator<at::CPUGeneratorImpl>(0)) {}

  /// Every floating parameter of one dimension, and every such constant of the code, which is what is left of them in a
  /// frozen module. The code of `module` must be its own; tensors may be shared.
  void disturb(torch::jit::Module& module) {
    for (auto part : module.modules()) {
      for (const auto& parameter : part.named_parameters(/*recurse=*/false)) {
        if (is_gain_or_bias(parameter.value)) {
          part.setattr(parameter.name, moved(parameter.value));
        }
      }
      for (const auto& method : part.get_methods()) {
        disturb(*method.graph()->block());
      }
    }
  }

 private:
  static bool is_gain_or_bias(const at::Tensor& tensor) {
    return tensor.dim() == 1 && tensor.is_floating_point();
  }

  void disturb(torch::jit::Block& block) {
    for (torch::jit::Node* node : block.nodes()) {
      if (node->kind() == c10::prim::Constant && node->hasAttribute(c10::attr::value) &&
          node->kindOf(c10::attr::value) == torch::jit::AttributeKind::t &&
          is_gain_or_bias(node->t(c10::attr::value))) {
        node->t_(c10::attr::value, moved(node->t(c10::attr::value)));
      }
      for (torch::jit::Block* inner : node->blocks()) {
        disturb(*inner);
      }
    }
  }

  at::Tensor moved(const at::Tensor& tensor) {
    const at::Tensor signs = at::randint(0, 2, tensor.sizes(), generator_, at::kDouble).mul(2).sub(1);
    return (tensor.detach().to(at::kDouble) * (1 + amount_ * signs)).to(tensor.scalar_type());
  }

  double amount_;
  at::Generator generator_;
};

/// `program` runs on `batch` itself.
template <typename Program>
ProbeOutputs answers(Program& program, const BoundBatch& batch, int64_t rows) {
  // What the optimizer does is asked by `repeat`; here it would only make the first runs unlike the later ones.
  const torch::jit::GraphOptimizerEnabledGuard no_optimizer(false);
  const auto leaves = flatten_outputs(program.run(batch, GradMode::kOff));
  const auto& names = program.output_names();
  ProbeOutputs outputs;
  for (size_t i = 0; i < leaves.size(); ++i) {
    const std::string& name = names.size() == leaves.size() ? names[i] : leaves[i].name;
    outputs.push_back({name, leaves[i].value.isTensor() ? rows_first(leaves[i].value.toTensor(), rows) : at::Tensor()});
  }
  return outputs;
}

}  // namespace

ProbeOutputs Probes::run(const BoundBatch& batch) {
  int64_t rows = example_shape_.rows;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (batch.values[i].isTensor() && batch.tensor(i).dim() > 0 &&
        (inputs_[i].role != Role::kOther || (!takes_text() && !rows_are_fixed_))) {
      rows = batch.tensor(i).size(0);
      break;
    }
  }
  latest_ = batch;
  const BoundBatch given = batch.copy();
  ProbeOutputs outputs = asks_network_ ? answers(context_.network, given, rows) : answers(module_, given, rows);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (batch.values[i].isTensor() && !same_bits(batch.tensor(i), given.tensor(i))) {
      changed_.insert(i);
    }
  }
  return outputs;
}

std::string Probes::why_not() {
  const BoundBatch batch = make(example_shape_);
  try {
    const ProbeOutputs first = run(batch);
    if (std::ranges::none_of(first, [](const ProbeOutput& output) { return output.value.defined(); })) {
      return "no output has a row for each row of the inputs";
    }
    const Gap gap = compare(first, run(batch), Strictness::kSameSums);
    return gap.violated() ? "the same inputs give other outputs when it runs again (see repeat)" : "";
  } catch (const RunError& error) {
    return std::string("inputs could not be made up for it: ") + error.what();
  }
}

ProbeOutputs Probes::narrowed(const ProbeOutputs& wide, const ProbeOutputs& like, int64_t from, int64_t to) const {
  ProbeOutputs result = wide;
  for (size_t i = 0; i < result.size() && i < like.size(); ++i) {
    at::Tensor& value = result[i].value;
    if (!value.defined() || !like[i].value.defined() || value.dim() != like[i].value.dim()) {
      continue;
    }
    for (int64_t dimension = 1; dimension < value.dim(); ++dimension) {
      if (like[i].value.size(dimension) == from && value.size(dimension) == to) {
        value = value.narrow(dimension, 0, from);
      }
    }
  }
  return result;
}

ProbeOutputs Probes::part(const ProbeOutputs& outputs, int64_t tokens, const TokenSpan& kept,
                          bool sequences_only) const {
  ProbeOutputs result = outputs;
  for (ProbeOutput& output : result) {
    bool has_tokens = false;
    for (int64_t dimension = 1; output.value.defined() && dimension < output.value.dim(); ++dimension) {
      if (output.value.size(dimension) == tokens) {
        output.value = output.value.slice(dimension, kept.start, kept.end);
        has_tokens = true;
      }
    }
    if (sequences_only && !has_tokens) {
      output.value = at::Tensor();
    }
  }
  return result;
}

const std::vector<double>& Probes::own_noise() {
  if (own_noise_) {
    return *own_noise_;
  }
  own_noise_.emplace();
  torch::jit::Module copy = module_.module().clone(/*inplace=*/true);
  Disturbance(unit_).disturb(copy);
  ModuleRunner disturbed({copy, context_.module.claims()}, module_.signature().owner);
  const BoundBatch batch = make(example_shape_);
  const ProbeOutputs still = answers(module_, batch.copy(), example_shape_.rows);
  const ProbeOutputs moved = answers(disturbed, batch.copy(), example_shape_.rows);
  for (size_t i = 0; i < still.size() && i < moved.size(); ++i) {
    const bool comparable =
        still[i].value.defined() && moved[i].value.defined() && still[i].value.sizes() == moved[i].value.sizes();
    own_noise_->push_back(comparable ? greatest_finite(absolute_differences(still[i].value, moved[i].value)) : 0);
  }
  return *own_noise_;
}

double Probes::allowed(size_t output, const at::Tensor& expected, Strictness strictness) {
  const bool is_integral = !expected.is_floating_point();
  if (is_integral) {
    return 0;
  }
  const double unit = expected.scalar_type() == at::kHalf       ? std::max(unit_, 0x1p-10)
                      : expected.scalar_type() == at::kBFloat16 ? std::max(unit_, 0x1p-7)
                                                                : unit_;
  const double greatest = greatest_finite(expected);
  if (strictness == Strictness::kSameSums && !quantizes_) {
    return kSameSums * unit * greatest;
  }
  const auto& noise = own_noise();
  const bool has_floor = strictness != Strictness::kRoundingAlone && (unit_ < 1e-6 || context_.options.atol);
  const double floor = has_floor ? context_.tolerance.atol.value_or(0) : 0;
  return std::max({floor, kRounding * unit * std::sqrt(static_cast<double>(layers_)) * greatest,
                   output < noise.size() ? kOwnNoise * noise[output] : 0});
}

Gap Probes::compare(const ProbeOutputs& expected, const ProbeOutputs& actual, Strictness strictness) {
  Gap gap;
  if (expected.size() != actual.size()) {
    gap.complaint = std::to_string(actual.size()) + " outputs, expected " + std::to_string(expected.size());
    return gap;
  }
  bool taken = false;
  for (size_t i = 0; i < expected.size(); ++i) {
    const at::Tensor &left = expected[i].value, &right = actual[i].value;
    // What is made of integers may tip from one to the next by rounding; it tells nothing that floats do not.
    const bool is_exact = left.defined() && (left.is_floating_point() || unit_ < 1e-6);
    const bool one_has_rows = left.defined() != right.defined();
    if (one_has_rows || (left.defined() && left.sizes() != right.sizes())) {
      return {expected[i].name, expected[i].name + " is " + sizes_text(right) + ", expected " + sizes_text(left)};
    }
    if (!is_exact || left.numel() == 0) {
      continue;
    }
    const at::Tensor differences = absolute_differences(left, right);
    const double most = differences.max().item<double>();
    const double limit = allowed(i, left, strictness);
    const double share = most == 0 ? 0 : most / limit;
    gap.elements += left.numel();
    if (!taken || !(share <= gap.share)) {
      const int64_t elements = gap.elements;
      gap = {expected[i].name, "", most, limit, share, elements, {}};
      taken = true;
      if (!(share <= 1)) {
        gap.histogram = histogram_of(gap.output, differences);
        break;
      }
    }
  }
  return gap;
}

}  // namespace bertjit
