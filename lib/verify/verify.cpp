#include "verify/verify.h"

#include <algorithm>
#include <map>

#include "checkpoint/checkpoint.h"
#include "checkpoint/weights.h"
#include "infer/batch.h"
#include "infer/guards.h"
#include "support/error.h"
#include "tokenize/load.h"
#include "verify/check.h"
#include "verify/matching_source.h"
#include "verify/reference.h"

namespace bertjit {

namespace {

/// What correct implementations differ by, and faults do not; docs/verification.md says how they were measured.
Tolerance tolerance_for(DType dtype, const VerifyOptions& options) {
  Tolerance tolerance{.rtol = 1.3e-6, .atol = 2e-5};
  if (dtype == DType::kFloat16) {
    tolerance = {.rtol = 1e-2, .atol = 1e-2};
  } else if (dtype == DType::kBFloat16) {
    tolerance = {.rtol = 8e-2, .atol = 8e-2};
  }
  tolerance.rtol = options.rtol ? options.rtol : tolerance.rtol;
  tolerance.atol = options.atol ? options.atol : tolerance.atol;
  tolerance.equal_nan = options.equal_nan;
  return tolerance;
}

/// The dtype a module is said to compute in; without claims, or for one that is quantized, that of most of its floating
/// parameters.
DType floating_dtype_of(const LoadedModule& loaded) {
  if (loaded.claims) {
    if (const auto claimed = floating_dtype(loaded.claims->dtype)) {
      return *claimed;
    }
  }
  std::map<DType, int64_t> elements;
  for (const auto& parameter : loaded.module.parameters()) {
    if (parameter.is_floating_point()) {
      elements[container_dtype(parameter.scalar_type())] += parameter.numel();
    }
  }
  const auto most = std::ranges::max_element(elements, {}, [](const auto& entry) { return entry.second; });
  return most == elements.end() ? DType::kFloat32 : most->first;
}

void check_ids(const std::vector<std::string>& ids, const char* flag) {
  const auto known = verify_check_ids();
  for (const auto& id : ids) {
    if (std::find(known.begin(), known.end(), id) == known.end()) {
      std::string list;
      for (const auto& name : known) {
        list += (list.empty() ? "" : ", ") + name;
      }
      throw Error(ErrorKind::kInvalidArgument,
                  std::string(flag) + " " + id + ": no check has that id (known: " + list + ")");
    }
  }
}

bool contains(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool wanted(const VerifyOptions& options, const Check& check) {
  return (options.only.empty() || contains(options.only, check.id)) && !contains(options.skip, check.id);
}

/// The source, as the module that is judged was built from it.
Source open_source_of(const VerifyOptions& options, const LoadedModule& loaded, DType dtype) {
  if (!names_checkpoint(options.source.path)) {
    return open_source(options.source, options.inputs.seed, options.inputs.tokenizer);
  }
  CheckpointSource checkpoint = open_matching_checkpoint(options, loaded.claims, dtype);
  if (!loaded.claims) {
    ModuleRunner probe = ModuleRunner(loaded, options.module, &checkpoint.model->description()).fresh_copy();
    match_outputs(checkpoint, probe,
                  probe.bind(make_batch(options.inputs, probe.signature(), checkpoint.tokenizer.get())), options,
                  dtype);
  }
  return as_source(std::move(checkpoint));
}

/// What the flags give, else what the source's own torch.jit.trace(…) was given, else what is made up.
BoundBatch example_for(const ModuleRunner& module, const Source* source, const InputOptions& options) {
  if (source != nullptr && source->written.example && !names_inputs(options)) {
    return module.bind(*source->written.example);
  }
  const bool names_tokenizer = !options.tokenizer.empty() && (source == nullptr || source->tokenizer() == nullptr);
  const std::unique_ptr<Tokenizer> named = names_tokenizer ? load_tokenizer(options.tokenizer) : nullptr;
  return module.bind(
      make_batch(options, module.signature(), named || source == nullptr ? named.get() : source->tokenizer()));
}

std::vector<BoundBatch> further_for(const ModuleRunner& module, const Source* source, const VerifyOptions& options,
                                    const BoundBatch& example) {
  std::vector<BoundBatch> further =
      further_batches(options.check_inputs, options.check_shapes, module.signature(), options.inputs.seed, &example);
  if (source != nullptr) {
    for (const Batch& batch : source->written.check_inputs) {
      further.push_back(module.bind(batch));
    }
  }
  return further;
}

/// Loads the file and what it is compared with, and runs the checks that need them.
void run_on_module(const VerifyOptions& options, VerifyResult& result) {
  LoadedModule loaded = load_module(options.module);
  const DType dtype = floating_dtype_of(loaded);
  std::optional<Source> source;
  if (!options.source.path.empty()) {
    source = open_source_of(options, loaded, dtype);
    result.source_kind = source->kind;
  }
  if (source && source->checkpoint) {
    result.choice = source->checkpoint->choice;
  }
  ModuleRunner module(std::move(loaded), options.module,
                      source && source->checkpoint ? &source->checkpoint->model->description() : nullptr);
  const BoundBatch example = example_for(module, source ? &*source : nullptr, options.inputs);
  std::optional<Reference> reference;
  if (source) {
    reference.emplace(*source, module.signature(), example);
  }
  const VerifyContext context{options,
                              module,
                              reference ? &*reference : nullptr,
                              example,
                              further_for(module, source ? &*source : nullptr, options, example),
                              tolerance_for(dtype, options),
                              dtype};
  result.example = example.origin;
  for (const auto& check : all_checks()) {
    if (wanted(options, check) && check.run != nullptr) {
      result.checks.push_back(check.run(context));
    }
  }
}

}  // namespace

const std::vector<Check>& all_checks() {
  static const std::vector<Check> checks = {
      {"checksum", "the bytes are those that the list names", "that they were right when the list was made",
       check_checksum, nullptr},
      {"grad-mode", "outputs and saved bytes do not depend on the gradient mode; grad_fn is where it belongs",
       "that the values are right", nullptr, check_grad_mode},
      {"roundtrip", "the module survives being saved and loaded again", "that the first file is right", nullptr,
       check_roundtrip},
      {"repeat", "the answer does not depend on how often it ran, on the optimizer or on threads",
       "that the answer is right", nullptr, check_repeat},
      {"train-mode", "no dropout, batch statistics or random operator is active", "that training was finished", nullptr,
       check_train_mode},
      {"shapes", "the batch sizes and lengths of the grid work", "anything of other shapes", nullptr, check_shapes},
      {"check-inputs", "the further inputs give the source's outputs", "anything of other inputs", nullptr,
       check_check_inputs},
      {"source", "every weight and the example's outputs are the source's", "that the source is right", nullptr,
       check_source},
      {"golden", "the outputs are the recorded ones", "that the recorded ones are right", nullptr, check_golden},
  };
  return checks;
}

std::vector<std::string> verify_check_ids() {
  std::vector<std::string> ids;
  for (const auto& check : all_checks()) {
    ids.push_back(check.id);
  }
  return ids;
}

VerifyResult verify(const VerifyOptions& options) {
  check_ids(options.only, "--only");
  check_ids(options.skip, "--skip");
  if (options.check_golden.size() > options.check_inputs.size()) {
    throw Error(ErrorKind::kInvalidArgument, "--check-golden is given " + std::to_string(options.check_golden.size()) +
                                                 " times, --check-inputs " +
                                                 std::to_string(options.check_inputs.size()) + " times");
  }
  const ThreadGuard threads(options.threads);
  VerifyResult result{.module = options.module, .source = options.source.path};
  bool loads = false;
  for (const auto& check : all_checks()) {
    if (wanted(options, check) && check.run_on_file != nullptr) {
      result.checks.push_back(check.run_on_file(options));
    }
    loads = loads || (wanted(options, check) && check.run != nullptr);
  }
  const size_t file_checks = result.checks.size();
  if (loads) {
    try {
      run_on_module(options, result);
    } catch (const Error& error) {
      // The answer is no already; that the file cannot be loaded either belongs to it.
      if (file_checks == 0 || result.checks[file_checks - 1].verdict != Verdict::kFail) {
        throw;
      }
      result.checks.resize(file_checks);
      result.checks.back().evidence.push_back({"then", std::string(error.what())});
    }
  }
  const auto count = [&](Verdict verdict) {
    return std::count_if(result.checks.begin(), result.checks.end(),
                         [&](const CheckResult& c) { return c.verdict == verdict; });
  };
  const auto failed = count(Verdict::kFail) + (options.werror ? count(Verdict::kWarn) : 0);
  result.nothing_checked = count(Verdict::kPass) + count(Verdict::kFail) + count(Verdict::kWarn) == 0;
  result.passed = failed == 0 && !result.nothing_checked;
  return result;
}

}  // namespace bertjit
