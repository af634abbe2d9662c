#include "locate/side_by_side.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <thread>

#include <ATen/Parallel.h>
#include <ATen/native/quantized/PackedParams.h>

#include "infer/guards.h"
#include "locate/exchange.h"
#include "support/deep_stack.h"

namespace bertjit {

namespace jit = torch::jit;

namespace {

/// The reference's thread walks graphs of networks and programs, not chains of gradients.
constexpr size_t kStackBytes = size_t{256} << 20;

/// Points by the step at which one side reaches them.
using PointsAt = std::map<int64_t, std::vector<size_t>>;

PointsAt points_at(const Alignment& alignment, Point::Side Point::*side) {
  PointsAt result;
  for (size_t i = 0; i < alignment.points().size(); ++i) {
    const Point& point = alignment.points()[i];
    if (point.kind != Point::Kind::kOutput) {
      result[(point.*side).step].push_back(i);
    }
  }
  return result;
}

const std::vector<size_t>& at_step(const PointsAt& points, int64_t step) {
  static const std::vector<size_t> kNone;
  const auto found = points.find(step);
  return found == points.end() ? kNone : found->second;
}

/// The tensor of a point among the inputs or outputs of its step; nullptr if there is none.
Slot* slot_of(const Point::Side& side, Slots& slots) {
  const auto index = static_cast<size_t>(std::max(side.operand, 0));
  return index < slots.size() && slots[index].value.isTensor() ? &slots[index] : nullptr;
}

/// Thrown through the reference's run when the module is done.
struct NobodyListens : std::exception {};

class Publisher : public StepWatcher {
 public:
  Publisher(const Alignment& alignment, Exchange& exchange)
      : alignment_(alignment), exchange_(exchange), points_(points_at(alignment, &Point::reference)) {}

  void entering(int64_t id, const jit::Node& /*node*/, const std::string& /*module*/, Slots& inputs) override {
    publish(id, inputs, false);
  }
  void left(int64_t id, Slots& outputs) override {
    publish(id, outputs, true);
  }

 private:
  void publish(int64_t id, Slots& slots, bool are_outputs) {
    for (const size_t i : at_step(points_, id)) {
      const Point::Side& side = alignment_.points()[i].reference;
      const Slot* slot = (side.operand < 0) == are_outputs ? slot_of(side, slots) : nullptr;
      if (slot != nullptr && !exchange_.put(i, slot->value.toTensor())) {
        throw NobodyListens();
      }
    }
  }

  const Alignment& alignment_;
  Exchange& exchange_;
  PointsAt points_;
};

/// What rounding a packed weight to int8 makes of it: half a step of its scale at most, evenly spread, beside its
/// numbers. |dW| / |W| is then that of the products too.
double weight_noise(const c10::IValue& packed) {
  const auto [weight, bias] = packed.toCustomClass<LinearPackedParamsBase>()->unpack();
  if (!weight.is_quantized()) {
    return std::pow(2, -11);  // float16
  }
  const double numbers = weight.dequantize().pow(2).mean().item().toDouble();
  const double scale = weight.qscheme() == at::kPerTensorAffine
                           ? weight.q_scale()
                           : std::sqrt(weight.q_per_channel_scales().pow(2).mean().item().toDouble());
  return numbers == 0 ? 0 : scale / std::sqrt(12 * numbers);
}

/// What an operator's rounded weights explain of an error.
double weight_slack(const jit::Node& node, const Slots& inputs) {
  constexpr double kMargin = 4;  // rounding is an even spread only on average
  const std::string op = node.kind().toQualString();
  return op.starts_with("quantized::linear_dynamic") && inputs.at(1).value.isCustomClass()
             ? kMargin * weight_noise(inputs[1].value)
             : 0;
}

class Comparer : public StepWatcher {
 public:
  Comparer(const Alignment& alignment, Exchange& exchange, const Manner& manner, std::vector<Measure>& measures)
      : alignment_(alignment),
        exchange_(exchange),
        points_(points_at(alignment, &Point::module)),
        manner_(manner),
        measures_(measures) {}

  void entering(int64_t id, const jit::Node& node, const std::string& /*module*/, Slots& inputs) override {
    weight_slack_ = at_step(points_, id).empty() ? 0 : weight_slack(node, inputs);
    compare(id, inputs, false);
  }
  void left(int64_t id, Slots& outputs) override {
    compare(id, outputs, true);
  }

 private:
  void compare(int64_t id, Slots& slots, bool are_outputs) {
    for (const size_t i : at_step(points_, id)) {
      const Point::Side& side = alignment_.points()[i].module;
      Slot* slot = (side.operand < 0) == are_outputs ? slot_of(side, slots) : nullptr;
      if (slot == nullptr) {
        continue;
      }
      if (const auto expected = exchange_.take(i)) {
        compare(i, *expected, slot->value, manner_.slack.at(i) + (are_outputs ? weight_slack_ : 0));
      }
    }
  }

  void compare(size_t point, const at::Tensor& expected, c10::IValue& value, double slack) {
    const at::Tensor actual = value.toTensor();
    Measure found = measure(expected, actual, step_limit(actual.scalar_type()) + slack);
    if (found.good && slack > 0 && is_given_wrong(point)) {
      found.compared = false;  // the error that came in may be below the noise; it still goes on
    }
    measures_[point] = found;
    const bool takes_reference =
        found.compared && actual.is_floating_point() &&
        (manner_.go_on_with == GoOnWith::kReference ||
         (manner_.go_on_with == GoOnWith::kReferenceWhereGood && (found.good || found.rescaled)));
    if (takes_reference) {
      const at::Tensor scaled = found.rescaled ? expected * found.factor : expected;
      value = scaled.to(actual.scalar_type()).reshape(actual.sizes());
    }
  }

  bool is_given_wrong(size_t point) const {
    return manner_.go_on_with == GoOnWith::kReferenceWhereGood &&
           std::ranges::any_of(alignment_.before(point),
                               [this](size_t before) { return measures_[before].compared && !measures_[before].good; });
  }

  const Alignment& alignment_;
  Exchange& exchange_;
  PointsAt points_;
  const Manner& manner_;
  std::vector<Measure>& measures_;
  double weight_slack_ = 0;  ///< of the operator at work
};

/// The reference's run, on a thread of its own; ended with the scope.
class Reference {
 public:
  Reference(const RunSide& side, const Alignment& alignment, Exchange& exchange)
      : exchange_(exchange), thread_([&side, &alignment, &exchange, threads = at::get_num_threads()] {
          run_with_stack(kStackBytes, [&] { run(side, alignment, exchange, threads); });
        }) {}
  ~Reference() {
    exchange_.close();
    thread_.join();
  }
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;

 private:
  static void run(const RunSide& side, const Alignment& alignment, Exchange& exchange, int threads) {
    const GradGuard no_grad(GradMode::kOff);
    const ThreadGuard guard(threads);
    Publisher publisher(alignment, exchange);
    try {
      SteppedRun(side.module, publisher, QuantizedLinear::kAsWritten).run(side.inputs);
    } catch (const std::exception&) {
      // Nobody listens any more; or it broke off, where it had not for its tape, and the points from there on are not
      // compared.
    }
    exchange.finish();
  }

  Exchange& exchange_;
  std::thread thread_;
};

}  // namespace

SideBySide run_side_by_side(const RunSide& module, const RunSide& reference, const Alignment& alignment,
                            const Manner& manner) {
  SideBySide result;
  result.measures.resize(alignment.points().size());
  Exchange exchange;
  {
    const Reference beside(reference, alignment, exchange);
    Comparer comparer(alignment, exchange, manner, result.measures);
    try {
      const bool is_free = manner.go_on_with == GoOnWith::kOwn;
      const auto linear = is_free ? QuantizedLinear::kAsWritten : QuantizedLinear::kInFloat32;
      result.outputs = SteppedRun(module.module, comparer, linear).run(module.inputs).value;
    } catch (const std::exception& error) {
      result.failure = error.what();
    }
  }
  result.most_held = static_cast<int64_t>(exchange.most_held());
  return result;
}

}  // namespace bertjit
