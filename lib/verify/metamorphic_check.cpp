// `metamorphic`: relations that hold between answers of any BERT, whatever its weights.
//
// A row does not know of the others, nor of its place among them; what the mask hides counts for nothing, be it other
// words or more of them, up to the longest length; integers of 32 bits are as good as of 64; words in another
// order are another text, up to the last position. Each is asked of the module against itself. Proves that these hold
// for the rows that were asked. Does not prove that any number is right: a wrong weight keeps all of them. Needs no
// reference.
//
// Which relations a file is asked follows from its arguments and from what is claimed: with a fixed batch or length,
// those that need another are left out; where nothing is claimed, a shape that is refused is a finding. Other programs
// than networks may mix rows on purpose, so there that is a finding too.
//
// What rounding is, and what not, verify/probe_answers.cpp says.
#include <algorithm>

#include "compare/outputs.h"
#include "support/error.h"
#include "verify/check.h"
#include "verify/failing_module.h"
#include "verify/relations.h"

namespace bertjit {

namespace {

/// What came of asking one relation.
struct Answer {
  const Relation* relation;
  ProbeShape shape;
  std::string refusal;  ///< the module does not run there; empty if it does
  BoundBatch refused;   ///< what it did not run on
  bool must_run = false;
  bool is_inherent = false;  ///< the network that the file is breaks the relation, too: a mean over padding, say
  Asked trial;

  bool ran() const {
    return refusal.empty();
  }
  bool violated() const {
    if (is_inherent) {
      return false;
    }
    if (!ran()) {
      return must_run;
    }
    return relation->must_differ ? trial.gap.elements > 0 && !trial.gap.violated() : trial.gap.violated();
  }
};

Answer ask(Probes& probes, const Relation& relation, const ProbeShape& shape) {
  Answer answer{.relation = &relation, .shape = shape};
  const ProbeShape example = probes.example_shape();
  const bool other_rows = relation.changes_rows || shape.rows != example.rows;
  const bool other_tokens = relation.changes_tokens || shape.tokens != example.tokens;
  answer.must_run =
      !relation.may_be_refused && (!other_rows || probes.claims_rows()) && (!other_tokens || probes.claims_tokens());
  try {
    answer.trial = relation.ask(probes, shape);
  } catch (const RunError& error) {
    answer.refusal = error.what();
    answer.refused = probes.latest();
  }
  return answer;
}

/// Whether the network that the file is breaks the relation there as well.
bool is_inherent(const Probes& probes, const Answer& answer) {
  auto network = probes.of_network();
  if (!network || !answer.ran()) {
    return false;
  }
  try {
    const Answer own = ask(*network, *answer.relation, answer.shape);
    return own.ran() && own.violated();
  } catch (const Error&) {
    return false;  // it does not take these inputs
  }
}

/// A shape that is not the example's, as far as others may be asked: what was baked in from the example shows there.
ProbeShape other_shape(const Probes& probes) {
  ProbeShape shape = probes.example_shape();
  if (probes.may_change_rows()) {
    shape.rows = shape.rows == 3 ? 4 : 3;
  }
  if (probes.may_change_tokens()) {
    shape.tokens = shape.tokens == 12 ? 10 : 12;
    shape.tokens =
        probes.longest() == 0 ? shape.tokens : std::max<int64_t>(1, std::min(shape.tokens, probes.longest() / 2));
  }
  return shape;
}

std::vector<ProbeShape> shapes_for(const Probes& probes, const Relation& relation) {
  const ProbeShape example = probes.example_shape(), other = other_shape(probes);
  if (other == example || !probes.takes_text()) {
    return {example};
  }
  // At the example's shape too: it is sure to run, and a mask that was baked in fits nowhere else.
  const bool at_both = !relation.changes_rows && !relation.changes_tokens && relation.fault != Fault::kWarning;
  return at_both ? std::vector<ProbeShape>{example, other} : std::vector<ProbeShape>{other};
}

/// The fewest rows and tokens at which the relation fails as well.
Answer smallest(Probes& probes, const Answer& found) {
  if (!found.ran() || found.relation->must_differ || !probes.takes_text()) {
    return found;
  }
  for (const int64_t tokens : {1, 2, 3, 4, 6, 8}) {
    for (const int64_t rows : {1, 2}) {
      const ProbeShape shape{probes.may_change_rows() ? rows : found.shape.rows,
                             probes.may_change_tokens() ? tokens : found.shape.tokens};
      if (shape.rows * shape.tokens >= found.shape.rows * found.shape.tokens ||
          !applies(probes, *found.relation, shape)) {
        continue;
      }
      if (Answer smaller = ask(probes, *found.relation, shape); smaller.ran() && smaller.violated()) {
        return smaller;
      }
    }
  }
  return found;
}

std::string values_text(const at::Tensor& values) {
  const at::Tensor flat = values.flatten().to(at::kDouble).contiguous();
  std::string text;
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const bool ends_row = (i + 1) % values.size(-1) == 0;
    text += short_number(flat.const_data_ptr<double>()[i]) + (i + 1 == flat.numel() ? "" : ends_row ? " | " : " ");
  }
  return text;
}

/// Both runs' inputs, where they are few enough to read.
EvidenceRows inputs_of(const Probes& probes, const Asked& trial) {
  EvidenceRows rows;
  for (size_t i = 0; i < probes.inputs().size() && i < trial.first.values.size(); ++i) {
    if (!trial.first.values[i].isTensor() || trial.second.tensor(i).numel() > 64 ||
        probes.inputs()[i].role == Role::kOther) {
      continue;
    }
    rows.push_back({{"argument", probes.inputs()[i].name},
                    {"first", values_text(trial.first.tensor(i))},
                    {"second", values_text(trial.second.tensor(i))}});
  }
  return rows;
}

EvidenceRows answer_rows(const std::vector<Answer>& answers) {
  EvidenceRows rows;
  for (const Answer& answer : answers) {
    const Gap& gap = answer.trial.gap;
    EvidenceFields row = {{"relation", std::string(answer.relation->name)}, {"shape", shape_name(answer.shape)}};
    const bool ran = answer.ran();
    row.push_back({"outcome", std::string(!ran                 ? "refused"
                                          : answer.is_inherent ? "broken by the network itself"
                                          : answer.violated()  ? "violated"
                                                               : "holds")});
    if (ran && gap.complaint.empty()) {
      row.insert(row.end(), {{"max_abs_error", gap.max_abs_error},
                             {"allowed", gap.allowed},
                             {"output", gap.output},
                             {"elements", gap.elements}});
    } else {
      row.push_back({"detail", ran ? gap.complaint : answer.refusal});
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Verdict severity(const Probes& probes, const Answer& answer) {
  switch (answer.relation->fault) {
    case Fault::kAlways:
      return Verdict::kFail;
    case Fault::kWarning:
      return Verdict::kWarn;
    case Fault::kOfNetworks:
      return probes.takes_text() && (probes.is_known_network() || probes.claims_rows()) ? Verdict::kFail
                                                                                        : Verdict::kPass;
  }
  return Verdict::kFail;
}

std::string describe(const Answer& answer) {
  const Gap& gap = answer.trial.gap;
  const std::string at = " (" + std::string(answer.relation->name) + ", " + shape_name(answer.shape) + ")";
  if (!answer.ran()) {
    return "claims to take every shape, and does not run" + at;
  }
  if (answer.relation->must_differ) {
    return std::string(answer.relation->breach) + at;
  }
  return std::string(answer.relation->breach) + at + ": " +
         (gap.complaint.empty() ? gap.output + " by up to " + short_number(gap.max_abs_error) + ", rounding allows " +
                                      short_number(gap.allowed)
                                : gap.complaint);
}

std::string advice_for(const Answer& answer) {
  if (!answer.ran()) {
    return "record sizes while tracing (bertjit trace does), or claim fixed shapes";
  }
  if (answer.relation->must_differ) {
    return "compute position ids from the length of the inputs while tracing (bertjit trace does)";
  }
  if (answer.relation->needs_mask) {
    return "trace again, the mask passed by its name, and with an example that has padding";
  }
  return answer.relation->fault == Fault::kOfNetworks
             ? "record sizes while tracing (bertjit trace does) instead of the example's numbers"
             : "convert ids and masks to int64 before the call";
}

void blame(const VerifyContext& context, Probes& probes, const Answer& worst, CheckResult& result) {
  const Answer least = smallest(probes, worst);
  result.verdict = severity(probes, worst);
  result.summary = describe(least);
  result.where = !worst.ran()                  ? failing_module(context.module, worst.refused)
                 : worst.relation->must_differ ? probes.home_of("position_embeddings")
                                               : "";
  result.evidence.push_back({"smallest_rows", least.shape.rows});
  result.evidence.push_back({"smallest_tokens", least.shape.tokens});
  if (EvidenceRows inputs = inputs_of(probes, least.trial); !inputs.empty()) {
    result.evidence.push_back({"smallest_inputs", std::move(inputs)});
  }
  if (!worst.trial.gap.histogram.empty()) {
    result.evidence.push_back({"error_histogram", worst.trial.gap.histogram});
  }
  if (result.verdict != Verdict::kPass) {
    result.advice = advice_for(worst);
  }
}

/// Faults before findings, and other numbers before none.
bool is_worse(const Probes& probes, const Answer& answer, const Answer& than) {
  const bool fails = severity(probes, answer) == Verdict::kFail;
  const bool other_fails = severity(probes, than) == Verdict::kFail;
  return fails != other_fails ? fails : answer.ran() && !than.ran();
}

std::vector<Answer> ask_all(Probes& probes) {
  std::vector<Answer> answers;
  for (const Relation& relation : relations()) {
    for (const ProbeShape& shape : shapes_for(probes, relation)) {
      if (applies(probes, relation, shape)) {
        answers.push_back(ask(probes, relation, shape));
        answers.back().is_inherent = answers.back().violated() && is_inherent(probes, answers.back());
      }
    }
  }
  return answers;
}

}  // namespace

CheckResult check_metamorphic(const VerifyContext& context) {
  Probes probes(context);
  if (const std::string why_not = probes.why_not(); !why_not.empty()) {
    return skipped("metamorphic", why_not);
  }
  const std::vector<Answer> answers = ask_all(probes);
  const Answer* worst = nullptr;
  for (const Answer& answer : answers) {
    if (answer.violated() && (worst == nullptr || is_worse(probes, answer, *worst))) {
      worst = &answer;
    }
  }
  const auto inherent = std::ranges::count_if(answers, &Answer::is_inherent);
  const auto held =
      std::ranges::count_if(answers, [](const Answer& answer) { return answer.ran() && !answer.violated(); }) -
      inherent;
  const auto refused = std::ranges::count_if(answers, [](const Answer& answer) { return !answer.ran(); });
  if (worst == nullptr && held == 0) {
    return skipped("metamorphic", answers.empty() ? "its inputs allow no relation to be asked"
                                                  : "no relation could be asked: " + answers.front().refusal);
  }
  CheckResult result{"metamorphic", Verdict::kPass, "", "", {}};
  result.evidence.push_back({"relations", answer_rows(answers)});
  if (worst != nullptr) {
    blame(context, probes, *worst, result);
  }
  if (result.verdict == Verdict::kPass) {
    result.summary =
        std::to_string(held) + " of " + std::to_string(answers.size()) + " relations between its own answers hold" +
        (refused > 0 ? "; " + std::to_string(refused) + " need shapes or dtypes that it does not take" : "") +
        (inherent > 0 ? "; " + std::to_string(inherent) + " not, nor in its architecture" : "") +
        (worst != nullptr ? "; " + std::string(worst->relation->breach) : "");
  }
  return result;
}

}  // namespace bertjit
