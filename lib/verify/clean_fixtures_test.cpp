// No alarm on clean exports: what bertjit makes of checkpoints, in both attentions and three dtypes.
//
// That these exports are right is shown elsewhere: lib/models compares them with the outputs of transformers 4.57.6
// that lie beside the checkpoints.
#include "verify/clean_testing.h"

namespace bertjit {

using testing::CleanTally;
using testing::Export;
using testing::judge_exports;
using testing::testdata;

namespace {

std::vector<Export> both_attentions(const std::string& dtype) {
  return {{AttentionKind::kSdpa, dtype}, {AttentionKind::kEager, dtype}};
}

void check_clean(const std::vector<std::filesystem::path>& checkpoints, const std::string& dtype) {
  const CleanTally tally = judge_exports(checkpoints, both_attentions(dtype));
  WARN(dtype << ": " << tally.judged << " clean exports");
  CHECK(tally.judged > 0);
  CHECK(tally.accused == "");
}

std::vector<std::filesystem::path> own_checkpoints() {
  auto checkpoints = testing::checkpoints_below(testdata(""));
  const auto family = testing::checkpoints_below(testdata("family"));
  checkpoints.insert(checkpoints.end(), family.begin(), family.end());
  return checkpoints;
}

}  // namespace

TEST_CASE("verify: no clean float32 export of any checkpoint is accused") {
  check_clean(own_checkpoints(), "float32");
}

TEST_CASE("verify: no clean float16 export of any checkpoint is accused") {
  check_clean(own_checkpoints(), "float16");
}

TEST_CASE("verify: no clean bfloat16 export of any checkpoint is accused") {
  check_clean(own_checkpoints(), "bfloat16");
}

TEST_CASE("verify: no clean export of a shared fixture is accused, in any attention and dtype") {
  SKIP_WITHOUT_SHARED("fixtures");
  for (const char* dtype : {"float32", "float16", "bfloat16"}) {
    check_clean(testing::checkpoints_below(testing::shared("fixtures")), dtype);
  }
}

}  // namespace bertjit
