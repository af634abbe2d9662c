// What is wrong with a zip archive as an archive: before anything in it is read.
//
// container/zip.h refuses what lenient readers disagree on, with the first fault it meets. A scan must tell an archive
// that was made to deceive (names that leave it, two records of one name, sizes that overlap) from one that was damaged
// on its way, and name them all.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "scan/findings.h"

namespace bertjit {

/// Whether an end-of-central-directory record closes `bytes`: whether a zip reader would take them for an archive,
/// whatever they begin with.
bool ends_as_zip(std::span<const std::byte> bytes);

/// With small letters for A to Z.
std::string lower_case(std::string text);

struct ZipStructure {
  /// The folder in which a TorchScript or torch.save archive keeps its records, as far as can be told; empty if there
  /// is none.
  std::string root;
  bool is_bomb = false;  ///< nothing of it should be unpacked
};

/// Adds what is wrong with names, directory, headers and sizes.
///
/// Never throws for what the bytes hold. What cannot be followed at all is left for ZipArchive to name.
ZipStructure scan_zip_structure(std::span<const std::byte> bytes, ScanFindings& findings);

}  // namespace bertjit
