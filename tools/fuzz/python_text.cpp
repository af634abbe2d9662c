// Python text to tokens, logical lines, and text for TorchScript's parser.
#include "fuzz/fuzz.h"
#include "script/python_rewrite.h"

using namespace bertjit;

namespace {

template <typename Rewrite>
void check_rewrite(size_t size, const Rewrite& rewrite) {
  try {
    const RewrittenText rewritten = rewrite();
    fuzz::require(rewritten.origin.size() == rewritten.text.size(), "every byte has an origin");
    for (const size_t origin : rewritten.origin) {
      fuzz::require(origin <= size, "an origin lies in the text");
    }
  } catch (const TextFault& fault) {
    fuzz::require(fault.begin <= size && fault.end <= size, "a fault lies in the text");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = fuzz::as_text(data, size);
  const auto lines = split_logical_lines(text);
  if (lines.empty()) {
    return 0;
  }
  for (const auto nesting : {Nesting::kAsIs, Nesting::kInFunction}) {
    check_rewrite(size, [&] { return rewrite_lines(text, lines, nesting); });
  }
  for (const auto& line : lines) {
    fuzz::require(!line.tokens.empty(), "a logical line has tokens");
    check_rewrite(size, [&] { return rewrite_expression(text, line.tokens); });
  }
  return 0;
}
