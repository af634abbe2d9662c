// Is the file that we ship the model that we approved?
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

#include "support/error.h"
#include "trace/trace.h"
#include "verify/verify.h"

namespace {

/// What the checks that failed have found, one below the other.
std::string failures(const bertjit::VerifyResult& result) {
  std::string text;
  for (const bertjit::CheckResult& check : result.checks) {
    if (check.verdict == bertjit::Verdict::kFail) {
      text += check.id + (check.where.empty() ? "" : " (" + check.where + ")") + ": " + check.summary + "\n  " +
              check.advice + "\n";
    }
  }
  return text;
}

}  // namespace

TEST_CASE("the exported model is the checkpoint") {
  bertjit::TraceOptions how;
  how.source.path = CHECKPOINT;
  how.output = "exported_model.pt";
  REQUIRE(bertjit::trace(how).passed);

  bertjit::VerifyOptions options;
  options.module = "exported_model.pt";
  options.source.path = CHECKPOINT;
  options.check_shapes = {"1x7", "8x32"};
  const bertjit::VerifyResult result = bertjit::verify(options);
  INFO(failures(result));
  REQUIRE(result.passed);
}

TEST_CASE("a file that cannot be judged is an error, not a pass") {
  bertjit::VerifyOptions options;
  options.module = "no_such_file.pt";
  try {
    bertjit::verify(options);
    FAIL("there is nothing to judge");
  } catch (const bertjit::Error& error) {
    CHECK(error.kind() == bertjit::ErrorKind::kNotFound);
  }
}
