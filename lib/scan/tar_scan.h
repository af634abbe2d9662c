// The form in which torch.save wrote before PyTorch 0.1.10: a tar archive of pickles.
//
// torch.load still reads it, and asks for it before it asks for any other form but zip: a file can be a tar archive
// and, in the hundred bytes of its first name, begin as an honest pickle.
#pragma once

#include <cstddef>
#include <span>

#include "scan/findings.h"

namespace bertjit {

/// Whether `bytes` begin with a header of a tar archive (POSIX ustar, and what was before it): its checksum fits.
bool is_tar(std::span<const std::byte> bytes);

/// Adds what the pickles in it import. That none imports anything bad makes it no file that bertjit reads: then it is
/// one that the scan cannot tell of. Sets the result's kind.
void scan_tar(std::span<const std::byte> bytes, ScanResult& result, ScanFindings& findings);

}  // namespace bertjit
