#include "report/diff_report.h"

#include <cmath>
#include <sstream>

#include "testing/testing.h"

using namespace bertjit;

namespace {

DiffResult make_result() {
  DiffResult result;
  result.a = {.path = "a.pt", .kind = "TorchScript archive", .size_bytes = 1000, .tensor_count = 1, .element_count = 4};
  result.b = {.path = "b.pt", .kind = "TorchScript archive", .size_bytes = 1};
  result.effect = DiffEffect::kOutputs;
  result.causes = {{"one-weight", DiffEffect::kOutputs, "one changed weight"},
                   {"archive-name", DiffEffect::kBytes, "archive name: a and b"}};
  result.tensors_compared = 1;
  DiffTensor tensor{.name = "w", .name_in_b = "w", .dtype_a = "float32", .dtype_b = "float32"};
  tensor.shape_a = tensor.shape_b = {4};
  tensor.measured = true;
  tensor.elements = 4;
  tensor.differing = 1;
  tensor.first = tensor.max_abs_at = tensor.max_rel_at = {{2}, 0, 1};
  tensor.max_abs = 1;
  tensor.max_rel = INFINITY;
  tensor.nan_b = 3;
  result.tensors = {tensor};
  result.only_in_b = {{.name = "v\x1b[2J", .role = "buffer", .dtype = "int64", .shape = {}, .same_as = "w"}};
  result.facts = {
      {DiffSubject::kTraining, DiffEffect::kOutputs, "training", "True", "False"},
      {DiffSubject::kFile, DiffEffect::kOutputs, "vocab.txt", "1 byte", std::nullopt, "@@ -1 +1 @@\n-a\n+b\n"}};
  return result;
}

std::string text_of(const DiffResult& result, const DiffTextOptions& options = {}) {
  std::ostringstream out;
  print_text(result, options, out);
  return out.str();
}

}  // namespace

TEST_CASE("diff report: the first line has verdict and cause, the rest follows worst first") {
  CHECK(text_of(make_result()) == R"(a.pt and b.pt: differ: one changed weight
  A  a.pt: TorchScript archive, 1,000 bytes, 1 tensor of 4 elements
  B  b.pt: TorchScript archive, 1 byte
also: archive name: a and b

tensors: 1 of 1 tensor differs
  w  float32 [4]
      1 of 4 elements differs; greatest difference 1 at [2] (0 became 1), relative inf at [2]
      mean 0, cosine 0, SQNR 0 dB; NaN 0 and 3

only in B: 1 tensor
  v\x1b[2J  int64 [], buffer, the same as w

training flags
            A     B
  training  True  False

files
             A       B
  vocab.txt  1 byte  -
  vocab.txt:
    @@ -1 +1 @@
    -a
    +b
)");
}

TEST_CASE("diff report: verdicts that are no difference say so") {
  DiffResult result = make_result();
  result.verdict = DiffVerdict::kIdentical;
  result.causes.clear();
  CHECK(text_of(result) == "a.pt and b.pt: identical bytes\n");
  result.verdict = DiffVerdict::kSame;
  CHECK(text_of(result).starts_with("a.pt and b.pt: the same model, other bytes\n"));
  result.level = DiffLevel::kWeights;
  CHECK(text_of(result).starts_with("a.pt and b.pt: the same weights, other bytes\n"));
  result.verdict = DiffVerdict::kDifferent;
  result.effect = DiffEffect::kGradients;
  CHECK(text_of(result).starts_with("a.pt and b.pt: differ, if they are trained\n"));
  result.effect = DiffEffect::kDescription;
  CHECK(text_of(result).starts_with("a.pt and b.pt: differ in what they say of themselves\n"));
}

TEST_CASE("diff report: long lists are shortened, and whole with --full") {
  DiffResult result = make_result();
  result.tensors.resize(14, result.tensors[0]);
  CHECK(text_of(result).find("  ... and 4 tensors more (--full shows all)\n") != std::string::npos);
  CHECK(text_of(result, {.full = true}).find("--full") == std::string::npos);
}

TEST_CASE("diff report: the JSON document has no null in place of a number that is not finite") {
  const auto document = to_json(make_result());
  CHECK(document["schema"] == "bertjit.diff/1");
  CHECK(document["verdict"] == "fail");
  CHECK(document["effect"] == "outputs");
  CHECK(document["tensors"][0]["values"]["max_rel"] == "inf");
  CHECK(document["tensors"][0]["values"]["nan"] == nlohmann::ordered_json::array({0, 3}));
  CHECK(document["facts"][1]["b"].is_null());
  CHECK(document["only_in_b"][0]["same_as"] == "w");
}
