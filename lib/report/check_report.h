// Check results, of `trace` and of `verify`, as text for people and as JSON.
#pragma once

#include <ostream>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/evidence.h"

namespace bertjit {

enum class Color { kNo, kYes };

/// "pass", "fail", "warn", "skip".
const char* verdict_name(Verdict verdict);

/// One line a check: verdict, id, summary. A check that failed or warned is followed by what it blames, how to mend it,
/// and its evidence, where long lists are cut with a note of how much is left out. Of a diff the equal lines that are
/// far from a change are counted only; a grid of shapes is drawn, and of errors by layer those near the blamed one are
/// listed (report/drawn_evidence.h).
///
/// Text is wrapped at 100 columns, blocks are not. Control characters, which names in hostile files may hold, are shown
/// as \x1b.
void print_checks(const std::vector<CheckResult>& checks, Color color, std::ostream& out);

/// [{"id", "verdict", "summary", "where", "advice", "evidence": {…}}], complete and in the order given.
nlohmann::ordered_json checks_to_json(const std::vector<CheckResult>& checks);

}  // namespace bertjit
