// A drawn graph in Graphviz's language (graphviz.org/doc/info/lang.html).
#pragma once

#include <ostream>
#include <string>

#include "inspect/inspect_result.h"

namespace bertjit {

/// One digraph: a node for each operator, arrows labelled with the names of values, branches and loop bodies as
/// clusters. What `dot` accepts, whatever the names hold.
void print_dot(const DrawnGraph& graph, std::ostream& out);

/// Text in double quotes that Graphviz shows as it is: quotes, backslashes, entities and line ends are escaped, other
/// control characters are \xNN, and bytes that are not UTF-8 are U+FFFD.
std::string dot_quoted(const std::string& text);

}  // namespace bertjit
