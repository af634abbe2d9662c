#include "checksum_meaning.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "support/error.h"

namespace bertjit {

namespace {

/// "BERTJIT-CONTENT".
std::string tag_of(DigestKind kind) {
  std::string tag = std::string("bertjit-") + digest_kind_name(kind);
  std::transform(tag.begin(), tag.end(), tag.begin(), [](unsigned char c) { return std::toupper(c); });
  return tag;
}

/// The reports put the name before the message, which as a rule begins with it.
std::string without_name(const std::string& message, const std::string& name) {
  const std::string prefix = name + ": ";
  return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
}

HashOutcome hash_meaning(DigestKind kind, const std::string& name, const DigestOptions& options) {
  HashOutcome outcome;
  struct stat status;
  if (::stat(name.c_str(), &status) != 0) {
    outcome.absent = errno == ENOENT;
    outcome.problem = std::strerror(errno);
    return outcome;
  }
  try {
    MeaningDigest meaning = digest_meaning(name, kind, options);
    outcome.digest = meaning.digest;
    outcome.notes = std::move(meaning.notes);
  } catch (const Error& error) {
    outcome.problem = without_name(error.what(), name);
  }
  return outcome;
}

}  // namespace

void use_meaning_digest(DigestKind kind, ChecksumOptions& options) {
  const int threads = options.threads;
  options.hash = [kind, threads](const std::string& name, const CountBytes& count) {
    return hash_meaning(kind, name, {.threads = threads, .count = count});
  };
  options.format.tag = tag_of(kind);
  options.hashes_standard_input = false;
  options.threads = 1;
}

std::string find_meaning_conflict(DigestKind kind, const ChecksumOptions& options) {
  const std::string flag = std::string("--") + digest_kind_name(kind);
  if (options.recursive) {
    return flag + " does not go with --recursive: it takes a folder as one checkpoint";
  }
  const bool standard_input = std::find(options.files.begin(), options.files.end(), "-") != options.files.end();
  return standard_input && !options.check ? flag + " cannot read standard input; name a file" : "";
}

}  // namespace bertjit
