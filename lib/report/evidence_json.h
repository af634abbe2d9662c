// Evidence as JSON. JSON has no NaN, and nlohmann_json would write null in its place.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "support/evidence.h"

namespace bertjit {

/// A number that reads back to the same double, or the string "nan", "inf" or "-inf".
nlohmann::ordered_json json_number(double value);

/// A string that can be written: bytes that are not UTF-8 (names in hostile files) become U+FFFD.
nlohmann::ordered_json json_text(const std::string& text);

/// The same; null for an empty text.
nlohmann::ordered_json json_text_or_null(const std::string& text);

/// An object with the fields in their order; `{}` if there are none.
nlohmann::ordered_json evidence_to_json(const EvidenceFields& fields);

}  // namespace bertjit
