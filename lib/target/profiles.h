// The files of lib/target/profiles, as strings of the program.
#pragma once

#include <span>

#include "support/embedded_file.h"

namespace bertjit {

/// Sorted by path: "cpu.json".
std::span<const EmbeddedFile> target_profiles();

}  // namespace bertjit
