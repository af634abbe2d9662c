// `checksum`: is this, byte for byte, the file that was approved?
//
// Proves that the bytes are those the list names. Does not prove that they were right when the list was made.
#include "verify/check.h"
#include "checksum/checksum_list.h"
#include "checksum/sha512.h"
#include "support/error.h"
#include "support/file.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;

/// The list's entry for `path`: the name as given, or the same file seen from the list's folder.
std::optional<ListedChecksum> find_entry(const fs::path& list, const fs::path& path) {
  const std::string text = read_text_file(list);
  ChecksumListParser parser;
  std::optional<ListedChecksum> found;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const ListedChecksum entry = parser.parse_line(std::string_view(text).substr(begin, end - begin));
    begin = end + 1;
    if (entry.kind != ListedChecksum::Kind::kEntry) {
      continue;
    }
    std::error_code ignored;
    if (fs::path(entry.name) == path || fs::equivalent(list.parent_path() / entry.name, path, ignored)) {
      return entry;
    }
    // A list made elsewhere: the base name is what is left to go by.
    if (!found && fs::path(entry.name).filename() == path.filename()) {
      found = entry;
    }
  }
  return found;
}

}  // namespace

CheckResult check_checksum(const VerifyOptions& options) {
  if (options.checksums.empty()) {
    return skipped("checksum", "no --checksums SHA512SUMS given");
  }
  const auto entry = find_entry(options.checksums, options.module);
  if (!entry) {
    throw Error(ErrorKind::kNotFound, options.checksums + ": lists no checksum for " + options.module);
  }
  const Sha512Digest digest = hash_file(options.module);
  CheckResult result{"checksum", Verdict::kPass, "SHA-512 is the listed one", "", {}};
  result.evidence = {{"list", options.checksums},
                     {"listed_name", entry->name},
                     {"expected", to_hex(entry->digest)},
                     {"actual", to_hex(digest)}};
  if (digest != entry->digest) {
    result.verdict = Verdict::kFail;
    result.where = options.module;
    result.summary = "SHA-512 is not the one listed in " + options.checksums;
  }
  return result;
}

}  // namespace bertjit
