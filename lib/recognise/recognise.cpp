#include "recognise/recognise.h"

#include <algorithm>

#include "checkpoint/weights.h"
#include "recognise/configuration.h"
#include "recognise/naming.h"
#include "recognise/signature.h"
#include "recognise/unnamed.h"
#include "support/error.h"

namespace bertjit {

namespace {

/// The class of a module or of the claims, for weights that have no names to go by.
std::optional<ClassName> stated_class(const torch::jit::Module& module, const std::optional<Claims>& claims) {
  const auto of_module = parse_class_name(plain_class_name(*module.type()));
  return of_module ? of_module : class_of_claims(claims);
}

/// Tells weights that are constants of the code apart, if the file has no others.
void tell_constants(Subject& subject, std::map<std::string, at::Tensor>& tensors) {
  const auto name = stated_class(subject.module, subject.claims);
  if (!name) {
    subject.result.why_not = "weights have no names, and no class or claim says which network they are of";
    return;
  }
  std::map<std::string, at::Tensor> found;
  const std::string problem = name_constants(subject.calls, *name, found);
  if (!problem.empty()) {
    subject.result.why_not = "weights have no names: " + problem;
    return;
  }
  subject.result.has_names = false;
  tensors = std::move(found);
}

/// The dtype of most weights; the others are contradictions.
void read_dtype(Subject& subject) {
  std::map<at::ScalarType, int64_t> counts;
  for (const auto& [name, tensor] : subject.result.weights) {
    if (tensor.is_floating_point()) {
      ++counts[tensor.scalar_type()];
    }
  }
  const auto most = std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
  if (most == counts.end()) {
    return;
  }
  try {
    subject.result.dtype = container_dtype(most->first);
  } catch (const Error& error) {
    subject.result.why_not = error.what();
    return;
  }
  for (const auto& [name, tensor] : subject.result.weights) {
    if (tensor.is_floating_point() && tensor.scalar_type() != most->first && !subject.result.is_quantized) {
      subject.contradict("dtype", subject.path(name), c10::toString(tensor.scalar_type()), c10::toString(most->first));
    }
  }
  subject.set("dtype", dtype_name(subject.result.dtype), KnownFrom::kShapes,
              most->second == 1 ? "1 weight" : "weights");
}

void list_other_weights(Subject& subject, const std::map<std::string, at::Tensor>& tensors) {
  for (const auto& [name, tensor] : tensors) {
    if (!name.starts_with(subject.result.root)) {
      subject.result.other_weights.push_back(name);
    }
  }
}

void fill_in(Subject& subject) {
  Recognition& result = subject.result;
  std::map<std::string, at::Tensor> tensors = stored_tensors(subject.module, result.is_quantized);
  find_network(subject, tensors);
  // Frozen code has all of its weights as constants.
  const bool nameless =
      std::ranges::all_of(subject.calls.all(), [](const auto& call) { return call.weight.defined(); });
  if (!result.recognised() && nameless && !subject.calls.all().empty()) {
    result.why_not.clear();
    tell_constants(subject, tensors);
    if (result.recognised()) {
      find_network(subject, tensors);
    }
  }
  if (!result.recognised()) {
    return;
  }
  list_other_weights(subject, tensors);
  find_head(subject);
  read_dtype(subject);
  if (result.recognised()) {
    configure(subject);
  }
  if (result.recognised()) {
    read_outputs(subject);
    read_inputs(subject);
  }
  std::ranges::sort(result.fields, {}, &RecognisedField::name);
}

}  // namespace

const char* known_from_name(KnownFrom known) {
  switch (known) {
    case KnownFrom::kNames:
      return "names";
    case KnownFrom::kShapes:
      return "shapes";
    case KnownFrom::kCode:
      return "code";
    case KnownFrom::kClaims:
      return "claims";
    case KnownFrom::kDefault:
      return "default";
  }
  return "";
}

Recognition recognise(const LoadedModule& loaded, const std::optional<Claims>& claims) {
  Recognition result;
  try {
    const ModuleCode code(loaded.module);
    LayerCalls calls(code);
    Subject subject{loaded.module, claims, code, calls, result, ""};
    fill_in(subject);
  } catch (const Error& error) {
    result.why_not = error.what();
  } catch (const c10::Error& error) {
    result.why_not = "its code cannot be read: " + std::string(error.what_without_backtrace());
  }
  return result;
}

}  // namespace bertjit
