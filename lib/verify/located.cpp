#include "verify/located.h"

#include <algorithm>

#include "verify/file_weights.h"

namespace bertjit {

namespace {

/// Names for weights that have none in the file, as the file would have them.
std::map<std::string, at::Tensor> told_weights(const VerifyContext& context) {
  const Recognition& recognition = context.network.recognition();
  std::map<std::string, at::Tensor> weights;
  if (recognition.recognised() && !recognition.has_names) {
    for (const auto& [name, tensor] : recognition.weights) {
      weights[recognition.root + name] = tensor;
    }
  }
  return weights;
}

/// Which of the module's outputs is which of `all`, by `names`, those of the module.
std::vector<std::pair<size_t, size_t>> matching_outputs(const std::vector<std::string>& names,
                                                        const std::vector<std::string>& all) {
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto at = names[i].empty() ? all.end() : std::ranges::find(all, names[i]);
    if (at != all.end()) {
      pairs.emplace_back(i, static_cast<size_t>(at - all.begin()));
    }
  }
  return pairs;
}

}  // namespace

Location locate_against_source(const VerifyContext& context, const BoundBatch& batch, bool always_measure) {
  LocateOptions options{.weights = told_weights(context), .always_measure = always_measure};
  if (!context.source->is_program()) {
    options.outputs = matching_outputs(context.source->output_names(), context.source->all_output_names());
  }
  return locate(context.module.module(), batch, context.source->program(), context.source->to_source(batch), options);
}

Location locate_against_network(const VerifyContext& context, const BoundBatch& batch) {
  const LocateOptions options{
      .weights = told_weights(context),
      .outputs = matching_outputs(context.network.output_names(), context.network.all_output_names())};
  return locate(context.module.module(), batch, context.network.program(), context.network.inputs_for(batch), options);
}

void add_location(const VerifyContext& context, const Location& location, CheckResult& result) {
  if (location.found) {
    result.where = checkpoint_path(context, location.module);
    const std::string& op = !location.op.empty()           ? location.op
                            : location.expected_op.empty() ? "it is given another value"
                                                           : "nothing";
    result.summary += "; first at " + (result.where.empty() ? "the model itself" : result.where) + ": " + op;
    if (!location.expected_op.empty() && location.expected_op != location.op) {
      result.summary += ", expected " + location.expected_op;
    }
    for (const auto& other : location.also) {
      result.summary += (&other == &location.also.front() ? "; also at " : ", ") + checkpoint_path(context, other);
    }
    result.advice = "look at " + (location.source_line.empty() ? "that operator" : location.source_line) +
                    ": export the model with the code it was trained with";
  } else if (!location.why_not.empty()) {
    result.evidence.push_back({"not_located", location.why_not});
  }
  for (auto& field : location_evidence(location)) {
    result.evidence.push_back(std::move(field));
  }
}

}  // namespace bertjit
