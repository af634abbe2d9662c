// `constants`: is something of the example baked into the code?
//
// A tracer turns into constants what Python computed without the inputs: sizes of the example, tensors made from them,
// the device it ran on. The code is searched for such values (baked_values.h), and other batch sizes and lengths are
// tried. Proves that the ones tried do not fail for a value of the code that is the example's. Does not prove anything
// of data that every shape can do with, such as a mask that was ignored.
//
// A number that equals the example's length may be the number of heads. So nothing is a fault before a run with another
// batch or length has failed, or given another shape than it should; and a failure is a finding, not a fault, unless
// the file is said to take every batch or length. What is said to be fixed is not tried.
#include <algorithm>

#include "support/error.h"
#include "verify/baked_values.h"
#include "verify/check.h"
#include "verify/file_weights.h"
#include "verify/shape_trials.h"

namespace bertjit {

namespace {

using Kind = BakedValue::Kind;
using Outcome = ShapeTrial::Outcome;

enum class Axis { kBatch, kLength };

struct Baked {
  Axis axis;
  int64_t size;             ///< the example's
  const BakedValue* value;  ///< what holds it
  ShapeTrial trial;         ///< what does not work
};

/// The module that made the value: the code of an embedding holds ids because whoever calls it gave it none.
std::string owner_of(const VerifyContext& context, const BakedValue& value) {
  std::string path = checkpoint_path(context, value.module);
  if (path.ends_with("_embeddings")) {
    const size_t dot = path.rfind('.');
    path.resize(dot == std::string::npos ? 0 : dot);
  }
  return path;
}

/// Data before sizes: it says more. The first in the order of the code.
const BakedValue* find_size(const std::vector<BakedValue>& values, Axis axis, int64_t size) {
  for (const Kind kind : {Kind::kData, Kind::kSize}) {
    for (const BakedValue& value : values) {
      const auto& sizes = axis == Axis::kBatch ? value.batches : value.lengths;
      if (value.kind == kind && std::ranges::find(sizes, size) != sizes.end()) {
        return &value;
      }
    }
  }
  return nullptr;
}

class ConstantsCheck {
 public:
  explicit ConstantsCheck(const VerifyContext& context)
      : context_(context), code_(find_baked_values(context.module.module())), trials_(context) {}

  CheckResult run() {
    if (code_.values.empty() && !code_.why_not.empty()) {
      return skipped("constants", "the code cannot be read: the module " + code_.why_not);
    }
    CheckResult result{"constants", Verdict::kPass, "", "", {}};
    if (trials_.why_not().empty()) {
      try_shapes();
    }
    judge_shapes(result);
    judge_devices(result);
    if (result.summary.empty()) {
      result.summary = "no data, size or device of the example in the code" + tried_text();
    }
    result.evidence = {
        {"values", static_cast<int64_t>(code_.values.size())}, {"tried", tried_}, {"baked", baked_rows()}};
    return result;
  }

 private:
  bool is_fixed(Axis axis) const {
    const auto& claims = context_.claims;
    return claims && (axis == Axis::kBatch ? claims->dynamic_batch : claims->dynamic_length) == false;
  }
  bool claims_dynamic(Axis axis) const {
    const auto& claims = context_.claims;
    return claims && (axis == Axis::kBatch ? claims->dynamic_batch : claims->dynamic_length) == true;
  }

  /// Whether a trial shows that its shape is not taken. Numbers that are wrong in the right shape have other causes:
  /// the further row may be one with padding.
  static bool is_refuted(const ShapeTrial& trial) {
    return trial.outcome == Outcome::kFails || (trial.outcome == Outcome::kWrong && !trial.only_values);
  }

  void try_shapes() {
    const int64_t batch = trials_.example_batch();
    const int64_t length = trials_.example_length();
    const Outcome base = trials_.run(batch, length).outcome;
    base_fails_ = base == Outcome::kFails;
    if (base_fails_ || base == Outcome::kRefused) {
      return;
    }
    // Twice a size may go unnoticed where a reshape has the other one open, and is the worst; the others fail aloud.
    for (const int64_t other : {2 * length, length + 3, length - 1}) {
      if (other > 0 && (trials_.longest() == 0 || other <= trials_.longest())) {
        try_shape(Axis::kLength, batch, other, length);
      }
    }
    if (batch > 1) {
      try_shape(Axis::kBatch, 2 * batch, length, batch);
    }
    try_shape(Axis::kBatch, batch + 1, length, batch);
  }

  /// `size`: of the example along the axis.
  void try_shape(Axis axis, int64_t batch, int64_t length, int64_t size) {
    const BakedValue* value = find_size(code_.values, axis, size);
    const bool is_known = std::ranges::any_of(baked_, [axis](const Baked& baked) { return baked.axis == axis; });
    // Without a value that could be to blame there is nothing that this check could say.
    if (is_fixed(axis) || value == nullptr || is_known) {
      return;
    }
    const ShapeTrial trial = trials_.run(batch, length);
    tried_.push_back(trial.shape());
    if (is_refuted(trial)) {
      baked_.push_back({axis, size, value, trial});
    }
  }

  static std::string describe(const Baked& baked) {
    const bool is_batch = baked.axis == Axis::kBatch;
    return std::string("the example's ") + (is_batch ? "batch size " : "length ") + std::to_string(baked.size) +
           " is baked in (" + baked.value->text + "): " + outcome_name(baked.trial.outcome) + " at " +
           baked.trial.shape();
  }

  void judge_shapes(CheckResult& result) const {
    for (const Baked& baked : baked_) {
      const bool is_fault = claims_dynamic(baked.axis) || baked.trial.outcome == Outcome::kWrong;
      if (is_fault && result.verdict != Verdict::kFail) {
        result.verdict = Verdict::kFail;
        result.where = owner_of(context_, *baked.value);
        result.advice =
            "compute it from the inputs (bertjit trace does), or claim that the shape is fixed where that is meant";
      }
      result.summary += (result.summary.empty() ? "" : "; ") + describe(baked);
    }
    if (!baked_.empty() && result.verdict == Verdict::kPass) {
      result.summary += "; nothing is claimed of it";
    }
  }

  /// A device that the code asks for either fails here, or would where it is run elsewhere.
  void judge_devices(CheckResult& result) const {
    for (const BakedValue& value : code_.values) {
      if (value.kind != Kind::kDevice) {
        continue;
      }
      const bool fails = base_fails_ || (!trials_.why_not().empty() && !runs_example());
      if (result.verdict == Verdict::kPass) {
        result.verdict = fails ? Verdict::kFail : Verdict::kWarn;
        result.where = owner_of(context_, value);
        result.advice = "move the model to the CPU before tracing, and take devices from the inputs";
        result.summary = "a device is baked in (" + value.text + ")" +
                         (fails ? ", and the module does not run without it"
                                : (result.summary.empty() ? "" : "; ") + result.summary);
      }
      return;
    }
  }

  bool runs_example() const {
    try {
      context_.module.run_on_copy(context_.example, GradMode::kOff);
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  std::string tried_text() const {
    std::string text;
    for (const auto& shape : tried_) {
      text += (text.empty() ? "; tried " : ", ") + shape;
    }
    if (!trials_.why_not().empty()) {
      return "; other shapes were not tried: " + trials_.why_not();
    }
    return text + (code_.why_not.empty() ? "" : "; not all of it could be read: the module " + code_.why_not);
  }

  EvidenceRows baked_rows() const {
    EvidenceRows rows;
    for (const Baked& baked : baked_) {
      rows.push_back({{"axis", std::string(baked.axis == Axis::kBatch ? "batch" : "length")},
                      {"size", baked.size},
                      {"where", owner_of(context_, *baked.value)},
                      {"value", baked.value->text},
                      {"shape", baked.trial.shape()},
                      {"outcome", std::string(outcome_name(baked.trial.outcome))},
                      {"detail", baked.trial.detail}});
    }
    for (const BakedValue& value : code_.values) {
      if (value.kind == Kind::kDevice) {
        rows.push_back({{"axis", std::string("device")}, {"where", owner_of(context_, value)}, {"value", value.text}});
      }
    }
    return rows;
  }

  const VerifyContext& context_;
  BakedValues code_;
  ShapeTrials trials_;
  std::vector<Baked> baked_;
  std::vector<std::string> tried_;
  bool base_fails_ = false;
};

}  // namespace

CheckResult check_constants(const VerifyContext& context) {
  return ConstantsCheck(context).run();
}

}  // namespace bertjit
