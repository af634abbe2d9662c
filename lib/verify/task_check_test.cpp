// Rows and models: testdata/glue. That the figures are right, lib/glue tests against scikit-learn; here it is what the
// check makes of them.
#include <filesystem>

#include "module/load.h"
#include "module/module_testing.h"
#include "verify/int8_testing.h"
#include "verify/verify_testing.h"

namespace bertjit {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using testing::change_weight;
using testing::evidence;
using testing::one_check;
using testing::TempDir;
using testing::testdata;

namespace {

std::string source() {
  return testdata("glue/two").string();
}

VerifyOptions options_for(const std::string& module) {
  VerifyOptions options = testing::options_for(module, "task");
  options.source.path = source();
  options.task.data = testdata("glue").string();
  options.task.max_seq_length = 48;
  options.threads = 1;
  return options;
}

std::string traced(const TempDir& folder) {
  return testing::traced("glue/two", folder / "traced.pt");
}

/// The trace as int8, changed by `change` before it was put to int8.
template <typename Change>
std::string as_int8(const TempDir& folder, Change change) {
  const std::string path = traced(folder);
  change(path);
  LoadedModule loaded = load_module(path);
  REQUIRE(testing::quantize_linear_layers(loaded.module) == 8);
  loaded.claims->dtype = "int8";
  return testing::save(loaded.module, folder / "int8.pt", loaded.claims);
}

}  // namespace

TEST_CASE("task: a trace answers as its checkpoint does, and without rows or source the check says what it needs") {
  const TempDir folder;
  VerifyOptions options = options_for(traced(folder));
  const CheckResult result = one_check(options);
  CHECK(result.verdict == Verdict::kPass);
  CHECK(evidence<int64_t>(result, "rows") == 21);
  CHECK(evidence<int64_t>(result, "changed") == 0);
  // scripts/testdata_glue.py: metrics of mrpc with glue/two.
  CHECK(evidence<double>(result, "expected_metric") == Approx(0.6363636363636364));
  CHECK(evidence<double>(result, "actual_metric") == Approx(0.6363636363636364));
  options.task.data.clear();
  CHECK_THAT(one_check(options).summary, Contains("no --data DIR given"));
  options = options_for(options.module);
  options.source.path.clear();
  CHECK_THAT(one_check(options).summary, Contains("no --source SOURCE given"));
}

TEST_CASE("task: one changed weight that changes an answer fails, with both metrics, unless a limit allows it") {
  const TempDir folder;
  const std::string path = traced(folder);
  change_weight(path, "classifier.bias", 100);
  VerifyOptions options = options_for(path);
  const CheckResult result = one_check(options);
  CHECK(result.verdict == Verdict::kFail);
  CHECK_THAT(result.summary, Contains("rows are answered otherwise, and not for rounding"));
  const auto changed = evidence<int64_t>(result, "changed");
  CHECK(changed > 0);
  CHECK(evidence<int64_t>(result, "beyond_ties") == changed);
  // All answers are the first class: of that which is counted, the second, none is right.
  CHECK(evidence<double>(result, "actual_metric") == 0);
  options.limits.max_flips = changed;
  CHECK(one_check(options).verdict == Verdict::kPass);
  options.limits.max_flips = changed - 1;
  CHECK(one_check(options).verdict == Verdict::kFail);
  options.limits = {.max_metric_drop = 0.6};
  CHECK(one_check(options).verdict == Verdict::kFail);
  options.limits = {.max_metric_drop = 0.7};
  CHECK(one_check(options).verdict == Verdict::kPass);
}

TEST_CASE("task: answers between which rounding decides may differ") {
  const TempDir folder;
  const std::string path = traced(folder);
  LoadedModule tied = load_module(path);
  {
    const at::NoGradGuard no_grad;
    for (const auto& parameter : tied.module.named_parameters()) {
      if (parameter.name.starts_with("classifier.")) {
        at::Tensor values = parameter.value.detach();
        values[1].copy_(values[0]);
      }
    }
  }
  const std::string reference = testing::save(tied.module, folder / "tied.pt", tied.claims);
  fs::copy_file(reference, folder / "near.pt");
  change_weight((folder / "near.pt").string(), "classifier.bias", -1e-6);
  VerifyOptions options = options_for((folder / "near.pt").string());
  options.source.path = reference;
  options.inputs.tokenizer = source();
  const CheckResult near = one_check(options);
  CHECK(near.verdict == Verdict::kPass);
  CHECK(evidence<int64_t>(near, "changed") == 21);
  CHECK(evidence<int64_t>(near, "beyond_ties") == 0);
  change_weight(reference, "classifier.bias", 1e-3);
  const CheckResult apart = one_check(options);
  CHECK(apart.verdict == Verdict::kFail);
  CHECK(evidence<int64_t>(apart, "beyond_ties") == 21);
}

TEST_CASE("task: honest int8 passes and tells which layer brings most noise; one that lost its answers fails") {
  const TempDir folder;
  const CheckResult honest = one_check(options_for(as_int8(folder, [](const std::string&) {})));
  INFO(honest.summary);
  CHECK(honest.verdict == Verdict::kPass);
  CHECK(honest.where.empty());
  const auto noise = evidence<EvidenceRows>(honest, "noise");
  REQUIRE(!noise.empty());
  double sum = 0;
  for (const EvidenceFields& row : noise) {
    sum += testing::field<double>(row, "share");
    CHECK(testing::field<double>(row, "input_sqnr_db") > testing::field<double>(row, "sqnr_db"));
  }
  CHECK(sum <= 1 + 1e-9);
  CHECK_THAT(honest.summary, Contains("most comes from " + testing::field<std::string>(noise[0], "module")));
  const CheckResult broken = one_check(
      options_for(as_int8(folder, [](const std::string& path) { change_weight(path, "classifier.bias", 100); })));
  CHECK(broken.verdict == Verdict::kFail);
  CHECK(broken.where == "classifier");
}

TEST_CASE("task: a model that has no answers to the task, and rows that are none, are no answer") {
  const TempDir folder;
  const auto complaint = [&](auto change) {
    VerifyOptions options = options_for((folder / "traced.pt").string());
    change(options);
    return std::string(testing::error_of([&] { verify(options); }).what());
  };
  traced(folder);
  CHECK_THAT(complaint([](auto& options) { options.task.task = "mnli"; }), Contains("mnli has 3 labels"));
  CHECK_THAT(complaint([](auto& options) { options.task.data = "no/where"; }), Contains("no/where: no such file"));
  CHECK_THAT(complaint([](auto& options) {
               options.task.task = "sts-b";
               options.limits.max_flips = 1;
             }),
             Contains("which do not flip"));
  testing::write_bytes(folder / "dev.tsv", "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n");
  CHECK_THAT(complaint([&](auto& options) { options.task.data = folder.path().string(); }),
             Contains("has a header and no rows"));
}

}  // namespace bertjit
