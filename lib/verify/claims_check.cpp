// `claims`: is the file what it is said to be?
//
// Each claim (docs/formats/claims.md), from --claims or from the archive itself, is held to what names of weights,
// operators and runs of the module say: one row of evidence each. Proves that architecture, head, arguments, outputs,
// dtype and shapes are those claimed, as far as the file alone can tell. Does not prove that the numbers are right.
//
// A claim that cannot be held to (an architecture that bertjit does not know) is reported and accuses nobody. One that
// is not true while the outputs may be right all the same (sdpa where eager was claimed, another source's digest) is a
// warning. Without any claims nothing is judged: what was found is what the other checks assume, and it is listed.
#include <algorithm>

#include "support/error.h"
#include "verify/held_claims.h"

namespace bertjit {

namespace {

using Answer = HeldClaim::Answer;

const Claims kNoClaims;

std::string describe(const HeldClaim& held) {
  return held.claim + " is claimed to be " + held.claimed + ", found: " + held.found;
}

const HeldClaim* first(const std::vector<HeldClaim>& held, Answer answer) {
  const auto found = std::ranges::find(held, answer, &HeldClaim::answer);
  return found == held.end() ? nullptr : &*found;
}

int64_t count(const std::vector<HeldClaim>& held, Answer answer) {
  return std::ranges::count(held, answer, &HeldClaim::answer);
}

/// "bert BertForMaskedLM, float32, sdpa, 3 inputs …": what nothing but the file itself says.
std::string describe_assumed(const std::vector<HeldClaim>& held) {
  std::string text;
  for (const auto& item : held) {
    if (item.answer == Answer::kAssumed && !item.found.empty()) {
      text += (text.empty() ? "" : "; ") + item.claim + " " + item.found;
    }
  }
  return text;
}

EvidenceRows rows_of(const std::vector<HeldClaim>& held) {
  EvidenceRows rows;
  for (const auto& item : held) {
    rows.push_back({{"claim", item.claim},
                    {"claimed", item.claimed},
                    {"found", item.found},
                    {"known_from", item.known_from},
                    {"answer", std::string(answer_name(item.answer))}});
  }
  return rows;
}

void summarize(const std::vector<HeldClaim>& held, CheckResult& result) {
  const HeldClaim* broken = first(held, Answer::kBroken);
  const HeldClaim* doubtful = first(held, Answer::kDoubtful);
  const int64_t more = count(held, Answer::kBroken) - 1;
  if (broken != nullptr) {
    result.verdict = Verdict::kFail;
    result.where = broken->where;
    result.summary = describe(*broken) + (more > 0 ? "; " + counted(more, "more claim") + " not as found" : "");
    result.advice = "export it again as claimed, or mend the claims";
    return;
  }
  const int64_t unknown = count(held, Answer::kUnknown);
  result.summary = counted(count(held, Answer::kHeld), "claim") + " held" +
                   (unknown > 0 ? ", " + std::to_string(unknown) + " cannot be told" : "");
  if (doubtful != nullptr) {
    result.verdict = Verdict::kWarn;
    result.where = doubtful->where;
    result.summary = describe(*doubtful) + "; " + result.summary;
    result.advice = "mend the claims, so that they say what the file is";
  }
}

}  // namespace

const char* answer_name(HeldClaim::Answer answer) {
  switch (answer) {
    case Answer::kHeld:
      return "held";
    case Answer::kBroken:
      return "broken";
    case Answer::kDoubtful:
      return "doubtful";
    case Answer::kAssumed:
      return "assumed";
    case Answer::kUnknown:
      break;
  }
  return "cannot be told";
}

ClaimSubject::ClaimSubject(const VerifyContext& verify_context)
    : context(verify_context),
      claims(verify_context.claims ? *verify_context.claims : kNoClaims),
      recognition(verify_context.network.recognition()),
      outputs(flatten_outputs(verify_context.module.run_on_copy(verify_context.example, GradMode::kOff))) {
  try {
    code = std::make_unique<ModuleCode>(verify_context.module.module());
    calls = std::make_unique<LayerCalls>(*code);
  } catch (const Error&) {
    code.reset();
  }
}

CheckResult check_claims(const VerifyContext& context) {
  ClaimSubject subject(context);
  hold_network(subject);
  hold_inputs(subject);
  hold_outputs(subject);
  hold_dtype(subject);
  hold_shapes(subject);
  hold_origin(subject);
  CheckResult result{"claims", Verdict::kPass, "", "", {{"claims", rows_of(subject.held)}}};
  if (!context.claims) {
    result.verdict = Verdict::kSkip;
    result.summary = "nothing is claimed, by --claims or by the file; assumed: " + describe_assumed(subject.held);
    return result;
  }
  summarize(subject.held, result);
  return result;
}

}  // namespace bertjit
