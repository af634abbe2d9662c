// What can be told of a damaged file from the other one, which it may be a copy of.
#pragma once

#include <filesystem>
#include <string>

namespace bertjit {

/// "it is the first 1000 of a.pt's 3000 bytes", "it differs from a.pt, which is whole, in 1 byte, at 517 (record
/// 'a/data/3')"; empty where the two have too little in common to say, or either cannot be read.
std::string describe_damage(const std::filesystem::path& damaged, const std::filesystem::path& other);

}  // namespace bertjit
