// What the tests of verify's reports share: a result made by hand that has everything, and judges of documents.
#pragma once

#include <cmath>
#include <iostream>
#include <limits>
#include <string>

#include "testing/testing.h"
#include "verify/verify_result.h"

namespace bertjit::testing {

/// Bytes that break what does not escape them: markup, quotes, ends of comments and of CDATA, a NUL, an escape
/// sequence, bytes that are no UTF-8, a surrogate in UTF-8, U+FFFE, an override of the writing direction, a line end.
inline std::string hostile() {
  using namespace std::string_literals;
  return "</title><script>alert(1)</script><img src=\"//x\" onerror='x'>&amp;-->]]>\0\x1b[2J\xff\xed\xa0\x80"
         "\xef\xbf\xbe\xe2\x80\xae\n\tä𝄞"s;
}

/// The error of 12 layers of three tensors each: rounding until layer 7's query, 1e-2 from there on.
inline EvidenceRows layer_rows() {
  EvidenceRows rows;
  rows.push_back({{"module", std::string("bert.embeddings")},
                  {"operator", std::string("aten::layer_norm")},
                  {"max_abs_error", 0.0},
                  {"sqnr_db", std::numeric_limits<double>::infinity()},
                  {"elements", int64_t{768}}});
  for (int layer = 0; layer < 12; ++layer) {
    for (const char* part : {"attention.self.query", "attention.output", "output"}) {
      const bool broken = layer >= 7;
      rows.push_back({{"module", "bert.encoder.layer." + std::to_string(layer) + "." + part},
                      {"operator", std::string("aten::linear")},
                      {"max_abs_error", broken ? 0.011 * (1 + layer) : 1e-7 * (1 + layer)},
                      {"sqnr_db", broken ? 31.5 : 128.25},
                      {"elements", int64_t{768}}});
    }
  }
  return rows;
}

inline EvidenceRows grid_rows() {
  EvidenceRows rows;
  for (const int64_t batch : {1, 2, 3}) {
    for (const int64_t length : {1, 2, 3, 7, 14, 33, 64, 65}) {
      const bool too_long = length > 64;
      const bool wrong = length == 33 && batch > 1;
      const bool fails = batch == 3 && length > 7 && !too_long;
      rows.push_back({{"batch", batch},
                      {"length", length},
                      {"outcome", std::string(too_long ? "refused"
                                              : fails  ? "fails"
                                              : wrong  ? "wrong numbers"
                                                       : "works")},
                      {"detail", std::string(too_long ? "index out of range in self"
                                             : fails  ? "The size of tensor a (14) must match\nthe size of tensor b (7)"
                                             : wrong  ? "pooler_output differs by up to 0.31"
                                                      : "")}});
    }
  }
  return rows;
}

inline EvidenceRows histogram_rows() {
  EvidenceRows rows;
  for (const std::string output : {"last_hidden_state", "pooler_output"}) {
    const auto add = [&](double from, double to, int64_t count) {
      rows.push_back({{"output", output}, {"from", from}, {"to", to}, {"count", count}});
    };
    add(0, 0, 12);
    add(1e-8, 1e-7, 2048);
    add(1e-7, 1e-6, 151296);
    add(1e-6, 1e-5, 999);
    add(1e-2, 1e-1, 1);
  }
  return rows;
}

inline TextBlock graph_diff() {
  std::string text;
  for (int i = 0; i < 40; ++i) {
    text += "  %" + std::to_string(i) + " : Tensor = aten::linear(%x, %weight, %bias)\n";
  }
  text +=
      "- %40 : int = prim::Constant[value=7]()\n?                                  ^\n"
      "+ %40 : int = prim::Constant[value=9]()\n?                                  ^\n"
      "  %41 : Tensor = aten::add(%40, %39, %alpha)\n"
      "- %42 : Tensor = aten::gelu(%41, %none)\n"
      "+ %42 : Tensor = aten::tanh(%41)\n"
      "+ %43 : Tensor = aten::mul(%42, %half) # größer <b>\n"
      "  return (%42)";
  return {text, TextBlock::Kind::kDiff};
}

/// All verdicts, everything that is drawn, every kind of evidence.
inline VerifyResult sample_result() {
  VerifyResult result{.module = "models/traced_bert.pt", .source = "./bert-base-uncased"};
  result.source_kind = SourceKind::kCheckpoint;
  result.example = "the guide's sentence pair";
  result.claims_from = "extra/bertjit.json";
  result.recognised = "bert BertModel";
  result.environment = {"0.6.0", "2.13.0", "AVX512", 4, 8, 18446744073709551615u};
  const EvidenceFields output = {{"name", std::string("pooler_output")},
                                 {"matches", false},
                                 {"max_abs_error", std::nan("")},
                                 {"index", std::vector<int64_t>{0, 3}}};
  result.checks = {
      {"checksum", Verdict::kSkip, "no --checksums SHA512SUMS given", "", {}},
      {"grad-mode",
       Verdict::kPass,
       "grad, no-grad and inference mode give the same bits",
       "",
       {{"outputs", int64_t{2}}}},
      {"shapes",
       Verdict::kFail,
       "wrong numbers at 2x33: pooler_output differs by up to 0.31",
       "2x33",
       {{"works", int64_t{14}}, {"grid", grid_rows()}},
       "Trace with sizes recorded (without --fixed-shapes)."},
      {"source",
       Verdict::kFail,
       "pooler_output differs in 768 of 768 elements, by up to 0.13",
       "bert.encoder.layer.7.attention.self.query",
       {{"weights_compared", int64_t{199}},
        {"different_weights", std::vector<std::string>{"bert.encoder.layer.7.attention.self.query.weight"}},
        {"layers", layer_rows()},
        {"error_histogram", histogram_rows()},
        {"outputs", EvidenceRows{output, output}}},
       "Export again from the checkpoint."},
      {"check-inputs",
       Verdict::kFail,
       "1 of 2 further inputs differs",
       "inputs 1",
       {{"inputs", EvidenceRows{{{"origin", std::string("b.npz")}, {"graph_diff", graph_diff()}}}}},
       "Script the loop, or record it for this input."},
      {"weights",
       Verdict::kWarn,
       "the decoder is stored twice (93763584 bytes)",
       "cls.predictions.decoder.weight",
       {{"bytes", int64_t{93763584}}, {"message", std::string("two\nlines")}},
       "Save with --tie share."},
      {"golden", Verdict::kSkip, "no --golden FILE given", "", {}},
  };
  return result;
}

/// Every text of a result replaced by hostile().
inline VerifyResult hostile_result() {
  const std::string bad = hostile();
  VerifyResult result{.module = bad, .source = bad};
  result.example = result.claims_from = result.recognised = bad;
  result.choice = SourceChoice{.path = bad, .architecture = bad, .head = bad, .dtype = bad};
  result.environment = {bad, bad, bad, -1, 0, 0};
  const EvidenceFields row = {
      {bad, bad},
      {"n", TextBlock{bad, TextBlock::Kind::kPlain}},
      {"graph_diff", TextBlock{"- " + bad + "\n+ " + bad + "\n? " + bad, TextBlock::Kind::kDiff}}};
  const EvidenceFields all = {
      {bad, bad},
      {"names", std::vector<std::string>{bad, bad}},
      {"fields", row},
      {"rows", EvidenceRows{row, {}}},
      {"layers", EvidenceRows{{{"module", bad}, {"operator", bad}, {"max_abs_error", std::nan("")}}}},
      {"grid",
       EvidenceRows{
           {{"batch", int64_t{-1}}, {"length", INT64_MAX}, {"outcome", std::string("fails")}, {"detail", bad}}}},
      {"error_histogram", EvidenceRows{{{"output", bad}, {"from", std::nan("")}, {"to", 1.0}, {"count", INT64_MAX}}}}};
  for (const Verdict verdict : {Verdict::kPass, Verdict::kFail, Verdict::kWarn, Verdict::kSkip}) {
    result.checks.push_back({bad, verdict, bad, bad, all, bad});
  }
  return result;
}

inline bool has_python3() {
  static const bool found = run_command("python3 -c 'import xml.etree.ElementTree' 2>&1").exit_code == 0;
  if (!found) {
    std::cerr << "SKIPPED: " << Catch::getResultCapture().getCurrentTestName() << ": no python3\n";
  }
  return found;
}

/// What a Python script with the document as sys.argv[1] prints; it must succeed. Python's parsers are the judges from
/// outside.
inline std::string judge(const std::string& document, const std::string& script) {
  const TempDir folder;
  write_bytes(folder / "document", document);
  write_bytes(folder / "judge.py", script);
  const CommandOutput output =
      run_command("python3 '" + (folder / "judge.py").string() + "' '" + (folder / "document").string() + "' 2>&1");
  INFO(output.out);
  REQUIRE(output.exit_code == 0);
  return output.out;
}

}  // namespace bertjit::testing
