#include "verify/verify.h"

#include <algorithm>
#include <array>
#include <exception>
#include <map>

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include "checkpoint/checkpoint.h"
#include "checkpoint/weights.h"
#include "conform/conform.h"
#include "infer/batch.h"
#include "infer/guards.h"
#include "scan/safety.h"
#include "support/error.h"
#include "support/flight_recorder.h"
#include "support/words.h"
#include "tokenize/load.h"
#include "verify/check.h"
#include "verify/claims_file.h"
#include "verify/dequantized.h"
#include "verify/matching_source.h"
#include "verify/reference.h"

namespace bertjit {

namespace {

const std::string kSafety = "safety";

/// What honest int8 files keep of a float32 model, at the least: per-tensor int8 of a fine-tuned MiniLM has 8.5 dB.
constexpr double kQuantizedSqnrDb = 5;

/// What correct implementations differ by, and faults do not; docs/verification.md says how they were measured.
Tolerance tolerance_for(DType dtype, bool is_quantized, const VerifyOptions& options) {
  Tolerance tolerance{.rtol = 1.3e-6, .atol = 2e-5};
  if (is_quantized && !options.rtol && !options.atol) {
    tolerance.min_sqnr_db = kQuantizedSqnrDb;
  }
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
      throw Error(ErrorKind::kInvalidArgument,
                  std::string(flag) + " " + id + ": no check has that id (known: " + joined(known) + ")");
    }
  }
}

bool contains(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool wanted(const VerifyOptions& options, const Check& check) {
  return (options.only.empty() || contains(options.only, check.id)) && !contains(options.skip, check.id);
}

/// Tells whoever listens what is known, and which checks are yet to come.
void tell_progress(const VerifyOptions& options, const VerifyResult& so_far) {
  if (!options.progress) {
    return;
  }
  std::vector<std::string> to_come;
  for (const auto& check : all_checks()) {
    if (wanted(options, check) && std::ranges::find(so_far.checks, check.id, &CheckResult::id) == so_far.checks.end()) {
      to_come.push_back(check.id);
    }
  }
  options.progress(so_far, to_come);
}

/// Whether some module of the tree holds weights packed for quantized operators.
bool holds_packed_weights(const torch::jit::Module& module) {
  for (const auto& part : module.modules()) {
    for (const auto& attribute : part.named_attributes(/*recurse=*/false)) {
      if (attribute.value.isObject() && attribute.value.toObject()->type()->name() &&
          attribute.value.toObject()->type()->name()->qualifiedName().find("PackedParamsBase") != std::string::npos) {
        return true;
      }
    }
  }
  return false;
}

/// The file as it is loaded, with the claims it is held to. Its own go to `own_claims` if --claims takes their place.
LoadedModule load_judged(const VerifyOptions& options, VerifyResult& result, std::optional<Claims>& own_claims) {
  LoadedModule loaded = load_module(options.module);
  if (!options.claims.empty()) {
    if (loaded.claims) {
      own_claims = with_class_name(*std::move(loaded.claims));
    }
    loaded.claims = read_claims(options.claims);
    result.claims_from = options.claims;
  } else if (loaded.claims) {
    loaded.claims = with_class_name(*std::move(loaded.claims));
    result.claims_from = std::string("extra/") + kClaimsRecord;
  }
  return loaded;
}

VerifyEnvironment environment_of(const VerifyOptions& options) {
  return {BERTJIT_VERSION,
          TORCH_VERSION,
          at::get_cpu_capability(),
          at::get_num_threads(),
          static_cast<int>(at::get_num_interop_threads()),
          options.inputs.seed};
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

/// Binds what is given for the claimed arguments, without those that forward has not: `claims` says that they are
/// missing.
BoundBatch bind_taken(const ModuleRunner& module, Batch batch) {
  const auto& arguments = module.signature().inputs;
  std::erase_if(batch.values, [&](const NamedInput& given) {
    return module.claims() && std::ranges::count(module.claims()->inputs, given.name) > 0 &&
           std::ranges::find(arguments, given.name, &Argument::name) == arguments.end();
  });
  return module.bind(batch);
}

/// What the flags give, else what the source's own torch.jit.trace(…) was given, else what is made up.
BoundBatch example_for(const ModuleRunner& module, const Source* source, const VerifyOptions& verify_options) {
  if (source != nullptr && source->written.example && !names_inputs(verify_options.inputs)) {
    return module.bind(*source->written.example);
  }
  const InputOptions options = verify_options.target
                                   ? inputs_for(*verify_options.target, module.signature(), verify_options.inputs)
                                   : verify_options.inputs;
  const bool names_tokenizer = !options.tokenizer.empty() && (source == nullptr || source->tokenizer() == nullptr);
  const std::unique_ptr<Tokenizer> named = names_tokenizer ? load_tokenizer(options.tokenizer) : nullptr;
  return bind_taken(
      module, make_batch(options, module.signature(), named || source == nullptr ? named.get() : source->tokenizer()));
}

std::vector<BoundBatch> further_for(const ModuleRunner& module, const Source* source, const VerifyOptions& options,
                                    const BoundBatch& example) {
  std::vector<BoundBatch> further;
  for (const auto& file : options.check_inputs) {
    further.push_back(bind_taken(module, read_batch(file, module.signature())));
  }
  for (auto& made : further_batches({}, options.check_shapes, module.signature(), options.inputs.seed, &example)) {
    further.push_back(std::move(made));
  }
  if (source != nullptr) {
    for (const Batch& batch : source->written.check_inputs) {
      further.push_back(module.bind(batch));
    }
  }
  return further;
}

bool has_failed(const std::vector<CheckResult>& checks) {
  return std::ranges::any_of(checks, [](const CheckResult& check) { return check.verdict == Verdict::kFail; });
}

/// Whether the module is to run on the example: it claims to, or its source does. Where it claims one shape alone, or
/// nothing is known, the inputs may be to blame.
bool is_to_run(const VerifyContext& context) {
  if (const auto& claims = context.claims) {
    return claims->dynamic_length != false || claims->dynamic_batch == true;
  }
  try {
    return context.source != nullptr && (context.source->run(context.example.copy(), GradMode::kOff), true);
  } catch (const Error&) {
    return false;
  }
}

/// Runs one check. A module that does not run where it is to is answered by the check; every other error is no answer,
/// and goes to `first_error` if it is the first.
CheckResult run_check(const Check& check, const VerifyContext& context, std::exception_ptr& first_error) {
  const Stage stage(std::string(kCheckStage) + check.id);
  CheckResult result;
  try {
    result = check.run(context);
  } catch (const Error& error) {
    if (dynamic_cast<const RunError*>(&error) != nullptr && is_to_run(context)) {
      result = {check.id, Verdict::kFail, error.what(), "", {}};
    } else {
      first_error = first_error ? first_error : std::current_exception();
      result = skipped(check.id, std::string("no answer: ") + error.what());
    }
  }
  if (result.advice.empty() && (result.verdict == Verdict::kFail || result.verdict == Verdict::kWarn)) {
    result.advice = check.advice;
  }
  return result;
}

/// The module as it is recognised. A frozen one has no names that tell its head; what it is compared with does.
LoadedModule with_head_of(const Source* source, LoadedModule loaded) {
  const bool is_frozen = loaded.module.parameters().size() == 0;
  if (is_frozen && source != nullptr && source->checkpoint && (!loaded.claims || loaded.claims->head.empty())) {
    loaded.claims = loaded.claims.value_or(Claims());
    loaded.claims->architecture = source->checkpoint->choice.architecture;
    loaded.claims->head = source->checkpoint->choice.head;
  }
  return loaded;
}

/// The argument that a claimed input belongs to: "state" of "state.1.0", what it holds.
std::string argument_of(const std::string& claimed) {
  return claimed.substr(0, claimed.find('.'));
}

/// Of the claimed arguments the first that forward has no place for, as a failed check; nullopt if it has enough.
std::optional<CheckResult> missing_argument(const LoadedModule& loaded) {
  const auto forward = loaded.module.find_method("forward");
  if (!forward || !loaded.claims) {
    return std::nullopt;
  }
  std::vector<std::string> own, claimed;
  const auto& arguments = forward->function().getSchema().arguments();
  for (size_t i = 1; i < arguments.size(); ++i) {
    own.push_back(arguments[i].name());
  }
  for (const auto& name : loaded.claims->inputs) {
    if (!contains(claimed, argument_of(name))) {
      claimed.push_back(argument_of(name));
    }
  }
  if (own.size() >= claimed.size()) {
    return std::nullopt;
  }
  const auto unknown = std::ranges::find_if(claimed, [&](const auto& name) { return !contains(own, name); });
  return CheckResult{
      "claims",
      Verdict::kFail,
      "claims to take " + joined(claimed) + ", forward takes " + joined(own) + "; no other check could run",
      unknown == claimed.end() ? claimed[own.size()] : *unknown,
      {},
      "trace with the inputs that are claimed"};
}

/// Loads the file and what it is compared with, and runs the checks that need them.
void run_on_module(const VerifyOptions& options, VerifyResult& result) {
  std::optional<Claims> own_claims;
  LoadedModule loaded = load_judged(options, result, own_claims);
  const DType dtype = floating_dtype_of(loaded);
  const bool is_quantized = holds_packed_weights(loaded.module) || computes_in_integers(loaded.module);
  std::optional<Source> source;
  if (!options.source.path.empty()) {
    const Stage stage("open source", options.source.path);
    source = open_source_of(options, loaded, dtype);
    result.source_kind = source->kind;
  }
  if (source && source->checkpoint) {
    result.choice = source->checkpoint->choice;
  }
  ModuleRunner module(loaded, options.module,
                      source && source->checkpoint ? &source->checkpoint->model->description() : nullptr);
  if (auto missing = missing_argument(loaded)) {
    result.checks.push_back(*std::move(missing));
    return;
  }
  const BoundBatch example = example_for(module, source ? &*source : nullptr, options);
  std::optional<Reference> reference;
  if (source) {
    reference.emplace(*source, module.signature(), example,
                      loaded.claims ? loaded.claims->outputs : std::vector<std::string>());
  }
  RebuiltNetwork network(with_head_of(source ? &*source : nullptr, loaded), module.signature());
  const VerifyContext context{options,
                              module,
                              reference ? &*reference : nullptr,
                              example,
                              further_for(module, source ? &*source : nullptr, options, example),
                              tolerance_for(dtype, is_quantized, options),
                              dtype,
                              is_quantized,
                              loaded.claims,
                              network,
                              std::move(own_claims)};
  result.example = example.origin;
  std::exception_ptr error;
  for (const auto& check : all_checks()) {
    if (wanted(options, check) && check.run != nullptr) {
      result.checks.push_back(options.fail_fast && has_failed(result.checks)
                                  ? skipped(check.id, "an earlier check failed, and --fail-fast was given")
                                  : run_check(check, context, error));
      tell_progress(options, result);
    }
  }
  result.recognised = network.name();
  if (error && !has_failed(result.checks)) {
    std::rethrow_exception(error);
  }
}

/// Of the checks that failed, the one that says most: what looks at the cause comes before what looks at an effect.
void blame(VerifyResult& result) {
  static constexpr std::array kTelling = {
      "safety", "checksum",    "weights", "source", "rebuilt", "constants", "train-mode",   "inputs",    "claims",
      "target", "metamorphic", "repeat",  "shapes", "golden",  "task",      "check-inputs", "roundtrip", "grad-mode"};
  for (const bool needs_place : {true, false}) {
    for (const char* id : kTelling) {
      const auto check = std::ranges::find(result.checks, id, &CheckResult::id);
      if (result.blamed.empty() && check != result.checks.end() && check->verdict == Verdict::kFail &&
          !(needs_place && check->where.empty())) {
        result.blamed = check->id;
        result.where = check->where;
      }
    }
  }
}

bool loads_module(const VerifyOptions& options) {
  return std::ranges::any_of(all_checks(),
                             [&](const Check& check) { return check.run != nullptr && wanted(options, check); });
}

/// Runs the checks that look at bytes alone; `safety` also unasked where the file is to be loaded, and then it is
/// reported if it has something to say. A file that is damaged, or cannot be read as far as safety needs, has no
/// answer, unless it is other than the one that is listed.
void run_file_checks(const VerifyOptions& options, VerifyResult& result) {
  for (const auto& check : all_checks()) {
    const bool is_guard = check.id == kSafety && !contains(options.skip, kSafety) && loads_module(options);
    if (check.run_on_file == nullptr || !(is_guard || wanted(options, check))) {
      continue;
    }
    const Stage stage(std::string(kCheckStage) + check.id);
    CheckResult done = check.run_on_file(options);
    result.unsafe = result.unsafe || found_unsafe(done);
    done.advice = done.advice.empty() && done.verdict == Verdict::kFail ? check.advice : done.advice;
    if (wanted(options, check) || done.verdict != Verdict::kPass) {
      result.checks.push_back(std::move(done));
    }
    tell_progress(options, result);
  }
  const auto failed = std::ranges::find(result.checks, Verdict::kFail, &CheckResult::verdict);
  if (!result.unsafe && failed != result.checks.end() && failed->id == kSafety) {
    const bool is_listed_wrong = std::any_of(failed + 1, result.checks.end(),
                                             [](const CheckResult& check) { return check.verdict == Verdict::kFail; });
    if (!is_listed_wrong) {
      throw Error(ErrorKind::kCorrupt, options.module + ": " + (failed->where.empty() ? "" : failed->where + ": ") +
                                           failed->summary + "; " + failed->advice);
    }
  }
}

}  // namespace

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
  result.environment = environment_of(options);
  tell_progress(options, result);
  run_file_checks(options, result);
  const size_t file_checks = result.checks.size();
  const bool answered = has_failed(result.checks);
  const bool may_load = std::ranges::none_of(
      result.checks, [](const CheckResult& check) { return check.id == kSafety && check.verdict == Verdict::kFail; });
  if (may_load && loads_module(options)) {
    try {
      run_on_module(options, result);
    } catch (const Error& error) {
      // The answer is no already; that the file cannot be loaded either belongs to it.
      if (!answered) {
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
  blame(result);
  return result;
}

}  // namespace bertjit
