#include "conform/conform.h"

#include "compare/named_outputs.h"
#include "conform/lite.h"
#include "conform/misfits.h"
#include "support/error.h"

namespace bertjit {

namespace {

/// Whether the module is for one shape, and takes an example of the target's.
void look_at_shapes(const ConformSubject& subject, CodeFit& fit) {
  const auto& claims = subject.claims;
  if (claims && (claims->dynamic_batch == true || claims->dynamic_length == true)) {
    fit.misfits.push_back({"shape", "forward", "", "", "", "is said to take every batch size or length"});
  }
  if (!fit.size_read.what.empty()) {
    fit.misfits.push_back(std::move(fit.size_read));
  }
  try {
    subject.module.run_on_copy(subject.example, GradMode::kOff);
  } catch (const Error& error) {
    fit.misfits.push_back({"shape", "forward", "", "", "",
                           "does not take the example (" + subject.example.origin + "): " + error.what()});
  }
}

/// What was found before is an answer also where the module does not run.
void look_at_bytecode(const ConformSubject& subject, CodeFit& fit) {
  try {
    if (auto fault = run_lite(subject)) {
      fit.misfits.push_back(*std::move(fault));
    }
  } catch (const RunError&) {
    if (fit.misfits.empty()) {
      throw;
    }
  }
}

std::string place(const Misfit& misfit) {
  return misfit.what + " in " + (misfit.module.empty() ? "the model" : misfit.module);
}

EvidenceFields evidence(const Target& target, const CodeFit& fit) {
  EvidenceRows misfits, conditional;
  for (const Misfit& misfit : fit.misfits) {
    EvidenceFields row = {{"rule", misfit.rule}, {"what", misfit.what}, {"module", misfit.module}};
    if (!misfit.record.empty()) {
      row.push_back({"code_record", misfit.record});
    }
    if (!misfit.line.empty()) {
      row.push_back({"line", misfit.line});
    }
    row.push_back({"why", misfit.why});
    row.push_back({"times", misfit.times});
    misfits.push_back(std::move(row));
  }
  for (const ConditionalUse& use : fit.conditional) {
    conditional.push_back({{"operator", use.op}, {"module", use.module}, {"note", use.note}, {"times", use.times}});
  }
  EvidenceFields fields = {{"target", target.name}, {"operators", fit.operators}};
  if (!target.operators_from.empty()) {
    fields.push_back({"operators_from", target.operators_from});
  }
  if (!misfits.empty()) {
    fields.push_back({"findings", std::move(misfits)});
  }
  if (!conditional.empty()) {
    fields.push_back({"conditional", std::move(conditional)});
  }
  return fields;
}

/// What was asked, of a module in which nothing was found.
std::string asked(const Target& target, const CodeFit& fit) {
  std::string text = counted(fit.operators, "operator");
  text += target.devices.empty() ? "" : ", devices";
  text += target.dtypes.empty() ? "" : ", dtypes";
  text += target.fixed_shapes ? ", shapes" : "";
  text += " fit " + target.name;
  text += target.lite_interpreter ? "; the lite interpreter gives the same outputs" : "";
  for (const ConditionalUse& use : fit.conditional) {
    text += "; " + use.op + " " + use.note;
  }
  return text;
}

}  // namespace

InputOptions inputs_for(const Target& target, const Signature& signature, InputOptions options) {
  const bool has_tensors = !options.inputs.empty() || !options.input.empty();
  if (target.pads_to_longest && !has_tensors && !options.pad_to && signature.max_positions > 0) {
    options.pad_to = signature.max_positions;
  }
  return options;
}

CheckResult check_target(const Target& target, const ConformSubject& subject) {
  CodeFit fit = find_misfits(subject.module.module(), target);
  if (target.fixed_shapes) {
    look_at_shapes(subject, fit);
  }
  if (target.lite_interpreter) {
    look_at_bytecode(subject, fit);
  }
  CheckResult result{"target", Verdict::kPass, "", "", evidence(target, fit)};
  if (fit.misfits.empty()) {
    result.summary = asked(target, fit);
    return result;
  }
  const Misfit& first = fit.misfits.front();
  result.verdict = Verdict::kFail;
  result.where = first.module;
  result.summary = "does not fit " + target.name + ": " + place(first) + " " + first.why;
  if (const size_t more = fit.misfits.size() - 1; more > 0) {
    result.summary += "; and " + counted(static_cast<int64_t>(more), "finding") + " more";
  }
  return result;
}

}  // namespace bertjit
