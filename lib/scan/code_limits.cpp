#include "scan/code_limits.h"

#include <algorithm>
#include <vector>

namespace bertjit {

namespace {

/// Python's own parser allows 200 brackets and 100 blocks. libtorch's printer breaks expressions up long before: in
/// 55,000 records of code of the models that operator_names.h names, the deepest nests 4 brackets and 5 blocks, and no
/// line has more than 15 operators.
constexpr size_t kMaxBrackets = 200;
constexpr size_t kMaxBlocks = 100;
/// "a + b + c + …": a tree as deep as it is long. Lists of numbers, as long as they like, have commas alone.
constexpr size_t kMaxOperators = 5000;

const char* const kWhy = "libtorch walks programs recursively, and crashes";

bool is_chaining(std::string_view token) {
  constexpr std::string_view kWords[] = {"not", "if", "and", "or", "in", "is"};
  constexpr std::string_view kSigns = "+-*/%~<>&|^@.";
  return token.size() == 1 ? kSigns.find(token[0]) != std::string_view::npos
                           : std::ranges::find(kWords, token) != std::end(kWords);
}

}  // namespace

ScanFinding code_finding(const CodeRecord& record, size_t token, const char* rule, const std::string& found,
                         const std::string& why) {
  return {.effect = ScanEffect::kUnsafe,
          .rule = rule,
          .record = record.name,
          .offset = record.tokens[token].begin,
          .line = line_of(record, token),
          .found = found,
          .why = why};
}

void check_code_limits(const CodeRecord& record, ScanFindings& findings) {
  size_t brackets = 0;
  size_t chain = 0;
  std::vector<uint32_t> blocks;
  for (size_t i = 0; i < record.tokens.size(); ++i) {
    const CodeToken& token = record.tokens[i];
    const std::string_view text = record.token(i);
    if (token.first) {
      chain = 0;
      while (!blocks.empty() && token.indent < blocks.back()) {
        blocks.pop_back();
      }
      if (blocks.empty() || token.indent > blocks.back()) {
        blocks.push_back(token.indent);
      }
    }
    brackets += text == "(" || text == "[" || text == "{";
    brackets -= (text == ")" || text == "]" || text == "}") && brackets > 0;
    chain += token.kind != CodeToken::Kind::kString && is_chaining(text);
    const std::string found = brackets > kMaxBrackets ? "nests brackets deeper than " + std::to_string(kMaxBrackets)
                              : blocks.size() > kMaxBlocks ? "nests blocks deeper than " + std::to_string(kMaxBlocks)
                              : chain > kMaxOperators
                                  ? "chains more than " + std::to_string(kMaxOperators) + " operators in one line"
                                  : "";
    if (!found.empty()) {
      findings.add(code_finding(record, i, "nesting", found, kWhy));
      return;
    }
  }
}

}  // namespace bertjit
