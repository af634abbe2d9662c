// One line of JSON out of a file.
#pragma once

#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

namespace bertjit {

/// The value; nothing where the text is no JSON, or is nested deeper than any that is meant: writing such a value
/// recurses, and would overflow the stack.
std::optional<nlohmann::ordered_json> parse_json_line(std::string_view text);

}  // namespace bertjit
