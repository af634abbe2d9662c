// Claims of shapes: does it take another batch size, another length? The check `shapes` tries more of them.
#include "support/error.h"
#include "verify/held_claims.h"
#include "verify/shape_trials.h"

namespace bertjit {

namespace {

using Answer = HeldClaim::Answer;

/// Numbers are what other checks compare; outputs of another shape are no answer, unless the example's are, too.
bool is_answer(const ShapeTrial& trial, const ShapeTrial& example) {
  return trial.outcome == ShapeTrial::Outcome::kWorks || trial.only_values ||
         (trial.outcome == ShapeTrial::Outcome::kWrong && example.outcome == trial.outcome && !example.only_values);
}

/// `trial` differs from the example in what is claimed alone.
HeldClaim hold(const ShapeTrials& trials, const char* field, const std::optional<bool>& claimed,
               const ShapeTrial& example, const ShapeTrial& trial) {
  HeldClaim held{field, claimed ? (*claimed ? "true" : "false") : "", "", "a run", Answer::kAssumed};
  if (trial.outcome == ShapeTrial::Outcome::kRefused) {
    held.found = "the source refuses " + trial.shape();
    held.answer = Answer::kUnknown;
    return held;
  }
  const bool works = is_answer(trial, example);
  const bool fails = trial.outcome == ShapeTrial::Outcome::kFails;
  held.found = std::string(works   ? "works at "
                           : fails ? "fails at "
                                   : "is wrong at ") +
               trial.shape() + (works ? "" : ": " + trial.detail);
  if (claimed) {
    held.answer = *claimed && !works ? Answer::kBroken : Answer::kHeld;
    held.where = held.answer == Answer::kBroken ? trials.place_of(trial) : "";
  }
  return held;
}

}  // namespace

void hold_shapes(ClaimSubject& subject) {
  ShapeTrials trials(subject.context);
  const Claims& claims = subject.claims;
  if (!trials.why_not().empty()) {
    for (const auto& [field, claimed] :
         {std::pair("dynamic_batch", claims.dynamic_batch), {"dynamic_length", claims.dynamic_length}}) {
      if (claimed) {
        subject.add({field, *claimed ? "true" : "false", trials.why_not(), ""});
      }
    }
    return;
  }
  const int64_t batch = trials.example_batch(), length = trials.example_length();
  const ShapeTrial example = trials.run(batch, length);
  subject.add(hold(trials, "dynamic_batch", claims.dynamic_batch, example, trials.run(batch + 1, length)));
  // One token fewer is taken by every honest file; one more only where there are positions left, as for a lone token.
  const int64_t other = length > 1 ? length - 1 : length + 1;
  subject.add(hold(trials, "dynamic_length", claims.dynamic_length, example, trials.run(batch, other)));
}

}  // namespace bertjit
