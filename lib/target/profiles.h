// The files of lib/target/profiles, as strings of the program.
#pragma once

#include <span>
#include <string_view>

namespace bertjit {

struct TargetProfile {
  std::string_view name;  ///< without ".json"
  std::string_view text;
};

/// Sorted by name.
std::span<const TargetProfile> target_profiles();

}  // namespace bertjit
