// The flags of `bertjit checksum`, read as getopt_long reads sha512sum's.
//
// CLI11 knows neither abbreviations (`--che`) nor getopt's words for what is wrong, and takes some file names for
// lists. So `checksum` reads its own arguments; CLI11 only prints the help.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checksum/checksum.h"
#include "common_options.h"
#include "digest/digest.h"

namespace bertjit {

/// What the command line asks for.
struct ChecksumCommand {
  ChecksumOptions options;
  Format format = Format::kText;
  std::optional<DigestKind> meaning;  ///< not SHA-512 of the bytes, but this
  std::string output;                 ///< file in place of standard output; empty if there is none
  bool help = false;
  bool version = false;
  std::string usage_error;  ///< empty if there is none
};

struct ChecksumFlag {
  char letter;            ///< 0: none
  std::string_view name;  ///< without the dashes
  const char* value;      ///< what follows it, for the help; null: nothing does
  const char* help;
  /// Empty, or what is wrong with `value`.
  std::string (*apply)(ChecksumCommand& command, const std::string& value);
  /// A flag of sha512sum: it may be abbreviated to what no other such flag begins with. The others may not, so that no
  /// abbreviation means here what it does not mean there.
  bool of_sha512sum;
};

/// In the order in which getopt lists those that an abbreviation could mean; those of sha512sum first.
std::span<const ChecksumFlag> checksum_flags();

/// `arguments` are those after "checksum". Flags may stand anywhere before "--"; the first wrong one is the only one
/// told, and nothing after --help or --version is looked at.
ChecksumCommand parse_checksum_arguments(const std::vector<std::string>& arguments);

}  // namespace bertjit
