// How many bytes there will be to hash, for a progress bar.
#pragma once

#include <cstdint>

#include "checksum/checksum.h"

namespace bertjit {

/// The sizes of all files that run_checksum would read by these options, as far as that can be known without reading
/// standard input or a pipe. Walks folders and reads lists for it, so it is for when somebody waits.
uint64_t measure_work(const ChecksumOptions& options);

}  // namespace bertjit
