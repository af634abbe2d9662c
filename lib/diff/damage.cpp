#include "diff/damage.h"

#include <algorithm>
#include <cstring>

#include "container/bytes.h"
#include "container/zip.h"
#include "support/error.h"
#include "support/file.h"

namespace bertjit {

namespace {

constexpr size_t kMaxDifferences = 1000;

/// The record of a whole archive that holds the byte at `offset`: " (record 'a/data/3')".
std::string record_at(const std::filesystem::path& path, uint64_t offset) {
  try {
    const ZipArchive archive(path);
    archive.check_all();
    for (const ZipRecord& record : archive.records()) {
      if (offset >= record.data_offset && offset < record.data_offset + record.compressed_size) {
        return " (record " + in_quotes(record.name) + ")";
      }
    }
    return " (between records)";
  } catch (const Error&) {
    return "";
  }
}

std::string compare(const std::filesystem::path& damaged, const std::filesystem::path& other) {
  const MappedFile file(damaged);
  const MappedFile whole(other);
  const auto bytes = file.bytes();
  const auto expected = whole.bytes();
  const size_t common = std::min(bytes.size(), expected.size());
  const bool same_start = common > 0 && std::memcmp(bytes.data(), expected.data(), common) == 0;
  if (same_start && bytes.size() < expected.size()) {
    return "it is the first " + std::to_string(bytes.size()) + " of " + other.string() + "'s " +
           std::to_string(expected.size()) + " bytes";
  }
  if (same_start && bytes.size() > expected.size()) {
    return "it is " + other.string() + " with " + std::to_string(bytes.size() - expected.size()) + " bytes after it";
  }
  if (bytes.size() != expected.size()) {
    return "";
  }
  size_t differing = 0;
  size_t first = 0;
  for (size_t i = 0; i < common && differing <= kMaxDifferences; ++i) {
    if (bytes[i] != expected[i]) {
      first = differing++ == 0 ? i : first;
    }
  }
  if (differing == 0 || differing > kMaxDifferences) {
    return "";
  }
  return "it differs from " + other.string() + " in " + std::to_string(differing) +
         (differing == 1 ? " byte, at " : " bytes, the first at ") + std::to_string(first) + record_at(other, first);
}

}  // namespace

std::string describe_damage(const std::filesystem::path& damaged, const std::filesystem::path& other) {
  try {
    return compare(damaged, other);
  } catch (const Error&) {
    return "";
  }
}

}  // namespace bertjit
