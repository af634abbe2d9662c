// TorchScript code: the scan of operators and hooks, and the split into classes that digests are made of.
#include "digest/canonical_code.h"
#include "fuzz/fuzz.h"
#include "scan/code_limits.h"
#include "scan/code_scan.h"
#include "scan/code_tokens.h"

using namespace bertjit;

namespace {

void scan_code(std::string_view text) {
  const OperatorRules rules({});
  ScanResult result;
  ScanFindings findings(result);
  CodeScan scan(rules, result, findings);
  scan.add("code/__torch__.py", std::string(text));
  scan.require("__torch__.Model", "data.pkl", 0);
  scan.run();
  findings.finish();
}

void check_tokens(std::string_view text) {
  size_t end = 0;
  for (const auto& token : split_code_tokens(text)) {
    fuzz::require(token.begin >= end && token.size > 0, "tokens follow one another");
    end = token.begin + token.size;
    fuzz::require(end <= text.size(), "tokens lie in the text");
    if (token.kind == CodeToken::Kind::kString) {
      string_contents(token_text(text, token));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = fuzz::as_text(data, size);
  check_tokens(text);
  fuzz::answers([&] { scan_code(text); });
  fuzz::answers([&] {
    CanonicalCode code(split_code("__torch__", text), "input",
                       [](size_t index) { return "CONSTANTS#" + std::to_string(index); });
    code.name_of("__torch__.Model");
    code.take_named();
    code.take_rest();
  });
  return 0;
}
