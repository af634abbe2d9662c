// What `bertjit inspect` prints.
#pragma once

#include <ostream>

#include <nlohmann/json.hpp>

#include "inspect/inspect_result.h"

namespace bertjit {

/// Each part that was asked for. One alone comes as it is (code to paste, a graph for `dot`); several have a heading
/// each, a line that begins with "# ".
void print_text(const InspectResult& result, std::ostream& out);

/// Schema "bertjit.inspect/1"; docs/formats/inspect.md. The drawing as Graphviz text.
nlohmann::ordered_json to_json(const InspectResult& result);

/// "bertjit", "torch.jit.trace" or "torch.jit.save", by what only that program writes.
const char* producer_name(const ArchiveListing& archive);

}  // namespace bertjit
