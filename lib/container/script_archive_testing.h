// TorchScript archives of testdata/torchscript (make.py), taken apart and put together again with one thing changed.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "container/bytes.h"
#include "container/container_testing.h"
#include "container/zip.h"

namespace bertjit::testing {

/// Records by their full names, in no particular order: the file's is that of `records`.
using RecordMap = std::map<std::string, std::string>;

inline RecordMap read_records(const std::filesystem::path& path) {
  const ZipArchive archive(path);
  RecordMap records;
  for (const ZipRecord& record : archive.records()) {
    records[record.name] = std::string(as_text(archive.read(record)));
  }
  return records;
}

inline void write_records(const RecordMap& records, const std::filesystem::path& path) {
  std::vector<NamedBytes> list;
  for (const auto& [name, bytes] : records) {
    list.push_back({name, bytes});
  }
  write_bytes(path, make_zip(list));
}

/// A copy of `source` in which `edit` changed the records; CRCs fit.
inline void edit_archive(const std::filesystem::path& source, const std::filesystem::path& target,
                         const std::function<void(RecordMap&)>& edit) {
  RecordMap records = read_records(source);
  edit(records);
  write_records(records, target);
}

inline void replace_once(std::string& text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
}

/// A copy of `source` with one bit of a stored record's data flipped, and nothing else.
inline void flip_bit(const std::filesystem::path& source, const std::filesystem::path& target,
                     const std::string& record_name) {
  std::string bytes = read_bytes(source);
  const ZipArchive archive(source);
  const ZipRecord* record = archive.find(record_name);
  REQUIRE(record != nullptr);
  bytes[record->data_offset] = static_cast<char>(bytes[record->data_offset] ^ 1);
  write_bytes(target, bytes);
}

}  // namespace bertjit::testing
