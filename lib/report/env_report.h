// `bertjit env` for people and programs.
#pragma once

#include <ostream>

#include <nlohmann/json.hpp>

#include "env/env_result.h"

namespace bertjit {

/// A line a fact, with its name in front.
void print_text(const EnvResult& result, std::ostream& out);

/// docs/formats/env.md.
nlohmann::ordered_json to_json(const EnvResult& result);

}  // namespace bertjit
