// What a check found, as plain data: text and JSON are made from the same result.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bertjit {

struct Evidence;

/// A list of named values (a JSON object), in the order they should be read.
using EvidenceFields = std::vector<Evidence>;
/// A list of such lists (a JSON array of objects), e.g. one per tensor that differs.
using EvidenceRows = std::vector<EvidenceFields>;

/// Lines that keep their form: a graph, source lines with a mark under them. In JSON it is a string.
struct TextBlock {
  enum class Kind {
    kPlain,
    kDiff,  ///< lines begin with "  ", "- ", "+ " or "? "; those far from any change need not be shown
  };
  std::string text;
  Kind kind = Kind::kPlain;
};

/// One named fact. Numbers stay numbers so that a reader can recompute the verdict.
struct Evidence {
  std::string key;
  std::variant<bool, int64_t, double, std::string, TextBlock, std::vector<std::string>, std::vector<int64_t>,
               EvidenceFields, EvidenceRows>
      value;
};

enum class Verdict { kPass, kFail, kWarn, kSkip };

/// The outcome of one check, of `trace` or of `verify`.
struct CheckResult {
  std::string id;  ///< frozen name, e.g. "grad-mode"
  Verdict verdict = Verdict::kSkip;
  std::string summary;  ///< one line: what was compared and what came out
  std::string where;    ///< module path, tensor, output or record that is to blame; empty if none
  EvidenceFields evidence;
  std::string advice;  ///< one sentence: how to mend it; empty where nothing is to be done
};

}  // namespace bertjit
