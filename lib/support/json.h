// Reading JSON files with messages that say where.
#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace bertjit {

/// Parses a whole JSON document; `name` stands first in messages. Throws Error(kCorrupt) with line and column.
nlohmann::json parse_json(const std::string& text, const std::string& name);

/// The same for a file. Throws Error(kNotFound, kIo, kCorrupt).
nlohmann::json read_json_file(const std::filesystem::path& path);

}  // namespace bertjit
