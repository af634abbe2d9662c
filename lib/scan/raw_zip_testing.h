// Zip archives whose headers say what a test wants them to. The layout is PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12
// and 4.3.16.
#pragma once

#include <zlib.h>

#include <optional>
#include <string>
#include <vector>

#include "container/script_archive_testing.h"
#include "container/zip_format.h"

namespace bertjit::testing {

/// One record of a zip archive whose headers may say anything.
struct RawRecord {
  std::string name;
  std::string bytes;
  std::string local_name = "=";  ///< "=": as name
  uint16_t made_by = 0;
  uint32_t attributes = 0;
  uint16_t flags = 0;
  uint32_t size = UINT32_MAX;                  ///< unpacked; UINT32_MAX: as `bytes` are, which are stored
  std::optional<uint32_t> crc = std::nullopt;  ///< nullopt: that of `bytes`
  int64_t overlaps = -1;                       ///< index of the record whose local header it shares
};

inline uint32_t crc_of(const std::string& bytes) {
  return static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

/// `bytes` compressed, headers that are true.
inline RawRecord deflated(const std::string& name, const std::string& bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::string packed(size, '\0');
  REQUIRE(compress2(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                    static_cast<uLong>(bytes.size()), Z_BEST_COMPRESSION) == Z_OK);
  // Without the header of two bytes and the checksum of four that zlib puts around (RFC 1950).
  return {.name = name,
          .bytes = packed.substr(2, size - 6),
          .size = static_cast<uint32_t>(bytes.size()),
          .crc = crc_of(bytes)};
}

inline std::string make_raw_zip(const std::vector<RawRecord>& records) {
  using namespace zip_format;
  std::string archive;
  std::string directory;
  std::vector<uint32_t> offsets;
  for (const RawRecord& record : records) {
    const bool deflated = record.size != UINT32_MAX;
    const uint32_t crc = record.crc.value_or(crc_of(record.bytes));
    const std::string local_name = record.local_name == "=" ? record.name : record.local_name;
    const auto shared = [&](const std::string& name) {
      std::string fields;
      append_le<uint16_t>(fields, 20);
      append_le<uint16_t>(fields, record.flags);
      append_le<uint16_t>(fields, deflated ? kDeflatedMethod : kStoredMethod);
      append_le<uint32_t>(fields, 0);
      append_le<uint32_t>(fields, crc);
      append_le<uint32_t>(fields, static_cast<uint32_t>(record.bytes.size()));
      append_le<uint32_t>(fields, deflated ? record.size : static_cast<uint32_t>(record.bytes.size()));
      append_le<uint16_t>(fields, static_cast<uint16_t>(name.size()));
      append_le<uint16_t>(fields, 0);
      return fields;
    };
    offsets.push_back(record.overlaps >= 0 ? offsets[static_cast<size_t>(record.overlaps)]
                                           : static_cast<uint32_t>(archive.size()));
    if (record.overlaps < 0) {
      append_le<uint32_t>(archive, kLocalSignature);
      archive += shared(local_name) + local_name + record.bytes;
    }
    append_le<uint32_t>(directory, kCentralSignature);
    append_le<uint16_t>(directory, static_cast<uint16_t>(record.made_by << 8));
    directory += shared(record.name);
    append_le<uint16_t>(directory, 0);  // comment
    append_le<uint16_t>(directory, 0);  // disk
    append_le<uint16_t>(directory, 0);  // internal attributes
    append_le<uint32_t>(directory, record.attributes);
    append_le<uint32_t>(directory, offsets.back());
    directory += record.name;
  }
  const auto start = static_cast<uint32_t>(archive.size());
  archive += directory;
  append_le<uint32_t>(archive, kEndSignature);
  append_le<uint32_t>(archive, 0);  // disks
  append_le<uint16_t>(archive, static_cast<uint16_t>(records.size()));
  append_le<uint16_t>(archive, static_cast<uint16_t>(records.size()));
  append_le<uint32_t>(archive, static_cast<uint32_t>(directory.size()));
  append_le<uint32_t>(archive, start);
  append_le<uint16_t>(archive, 0);
  return archive;
}

/// The records of an archive, and `more` after them.
inline std::vector<RawRecord> with_records(const std::filesystem::path& path, const std::vector<RawRecord>& more) {
  std::vector<RawRecord> records;
  for (const auto& [name, bytes] : read_records(path)) {
    records.push_back({.name = name, .bytes = bytes});
  }
  records.insert(records.end(), more.begin(), more.end());
  return records;
}

}  // namespace bertjit::testing
