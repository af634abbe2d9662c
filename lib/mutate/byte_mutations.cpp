// The archive: bits, records, and what a stranger could hide in it.
#include <map>

#include "container/bytes.h"
#include "container/zip.h"
#include "container/zip_writer.h"
#include "mutate/mutation_entry.h"
#include "support/file.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;

struct NamedRecord {
  std::string name;   ///< with the root folder
  std::string plain;  ///< without: "data/3"
  std::string bytes;
};

std::string without_root(const std::string& name) {
  return name.substr(name.find('/') + 1);
}

std::vector<NamedRecord> read_records(const fs::path& path) {
  const ZipArchive archive(path);
  std::vector<NamedRecord> records;
  for (const ZipRecord& record : archive.records()) {
    records.push_back({record.name, without_root(record.name), std::string(as_text(archive.read(record)))});
  }
  return records;
}

/// An archive of the records, whose CRCs fit.
std::string write_records(const std::vector<NamedRecord>& records) {
  std::string archive;
  ZipWriter writer([&](std::span<const std::byte> bytes) { archive += as_text(bytes); });
  for (const NamedRecord& record : records) {
    writer.add(record.name, {std::as_bytes(std::span(record.bytes))});
  }
  writer.finish();
  return archive;
}

/// Index of one of the records that hold weights and are not empty.
std::optional<size_t> pick_storage(const std::vector<NamedRecord>& records, Dice& dice) {
  std::vector<size_t> storages;
  for (size_t i = 0; i < records.size(); ++i) {
    if (records[i].plain.starts_with("data/") && !records[i].bytes.empty()) {
      storages.push_back(i);
    }
  }
  return storages.empty() ? std::nullopt : std::optional(dice.one_of(storages));
}

/// Changes the list of records, which is then written with CRCs that fit.
using RecordEdit = std::function<std::optional<Mutated>(std::vector<NamedRecord>&, Dice&)>;

MutationEntry record_mutation(const char* name, const char* description, RecordEdit edit) {
  return {{name, description, MutationKind::kBytes, ShownBy::kFile},
          nullptr,
          [edit = std::move(edit)](const fs::path& good, std::string& broken, Dice& dice) {
            std::vector<NamedRecord> records = read_records(good);
            std::optional<Mutated> mutated = edit(records, dice);
            if (mutated) {
              broken = write_records(records);
            }
            return mutated;
          }};
}

/// One bit of a record whose plain name begins with `prefix`; its CRC stays as it was.
std::optional<Mutated> flip_bit(const fs::path& good, std::string& broken, Dice& dice, const std::string& prefix) {
  const ZipArchive archive(good);
  std::vector<const ZipRecord*> records;
  for (const ZipRecord& record : archive.records()) {
    if (without_root(record.name).starts_with(prefix) && record.size > 0) {
      records.push_back(&record);
    }
  }
  if (records.empty()) {
    return std::nullopt;
  }
  const ZipRecord& record = *dice.one_of(records);
  broken = as_text(archive.file().bytes());
  const size_t byte = dice.below(record.compressed_size);
  const int bit = static_cast<int>(dice.below(8));
  broken[record.data_offset + byte] = static_cast<char>(broken[record.data_offset + byte] ^ (1 << bit));
  return Mutated{{without_root(record.name)},
                 "bit " + std::to_string(bit) + " of byte " + std::to_string(byte) + " of " + record.name};
}

MutationEntry bit_mutation(const char* name, const char* description, const char* prefix) {
  return {
      {name, description, MutationKind::kBytes, ShownBy::kFile},
      nullptr,
      [prefix](const fs::path& good, std::string& broken, Dice& dice) { return flip_bit(good, broken, dice, prefix); }};
}

std::optional<Mutated> truncate(const fs::path& good, std::string& broken, Dice& dice) {
  const MappedFile file(good);
  const size_t kept = 1 + dice.below(file.bytes().size() - 1);
  broken = as_text(file.bytes().first(kept));
  return Mutated{{""}, "the first " + std::to_string(kept) + " of " + std::to_string(file.bytes().size()) + " bytes"};
}

std::optional<Mutated> drop_record(std::vector<NamedRecord>& records, Dice& dice) {
  const auto index = pick_storage(records, dice);
  if (!index) {
    return std::nullopt;
  }
  const std::string name = records[*index].plain;
  records.erase(records.begin() + static_cast<ptrdiff_t>(*index));
  return Mutated{{name}, name + " left out"};
}

std::optional<Mutated> rename_record(std::vector<NamedRecord>& records, Dice& dice) {
  const auto index = pick_storage(records, dice);
  if (!index) {
    return std::nullopt;
  }
  const std::string name = records[*index].plain;
  records[*index].name += "_";
  return Mutated{{name}, name + " renamed " + name + "_"};
}

std::optional<Mutated> shorten_record(std::vector<NamedRecord>& records, Dice& dice) {
  const auto index = pick_storage(records, dice);
  if (!index) {
    return std::nullopt;
  }
  NamedRecord& record = records[*index];
  const size_t removed = 1 + dice.below(record.bytes.size());
  record.bytes.resize(record.bytes.size() - removed);
  return Mutated{{record.plain}, "the last " + std::to_string(removed) + " bytes of " + record.plain + " left out"};
}

/// Sets the text of a small record. Every other record is then read wrongly, so that any may be named.
std::optional<Mutated> set_record(std::vector<NamedRecord>& records, const std::string& plain, const char* text) {
  for (NamedRecord& record : records) {
    if (record.plain == plain) {
      record.bytes = text;
      return Mutated{{""}, plain + " says " + text};
    }
  }
  return std::nullopt;
}

/// A pickle that calls posix.getpid() and throws the answer away, before it says anything else. Opcodes as in CPython's
/// Lib/pickle.py: c GLOBAL, ) EMPTY_TUPLE, R REDUCE, 0 POP; the first two bytes are PROTO.
std::optional<Mutated> call_from_pickle(std::vector<NamedRecord>& records, Dice&) {
  for (NamedRecord& record : records) {
    if (record.plain == "data.pkl") {
      record.bytes.insert(2, "cposix\ngetpid\n)R0");
      return Mutated{{"data.pkl"}, "data.pkl calls posix.getpid"};
    }
  }
  return std::nullopt;
}

std::optional<Mutated> leave_archive(std::vector<NamedRecord>& records, Dice&) {
  records.push_back({"../outside.txt", "outside.txt", "one line\n"});
  return Mutated{{"../outside.txt"}, "a record ../outside.txt"};
}

}  // namespace

std::vector<MutationEntry> byte_mutations() {
  return {
      bit_mutation("weight_bit_rotten", "one bit of a storage, with the CRC it had", "data/"),
      bit_mutation("code_bit_rotten", "one bit of a record of code, with the CRC it had", "code/"),
      {{"truncated", "the end of the file is missing", MutationKind::kBytes, ShownBy::kFile}, nullptr, truncate},
      record_mutation("record_dropped", "a storage is left out", drop_record),
      record_mutation("record_renamed", "a storage lies under another name", rename_record),
      record_mutation("record_shortened", "a storage lacks its last bytes", shorten_record),
      record_mutation("byteorder_wrong", "the file says that it is big-endian",
                      [](auto& records, Dice&) { return set_record(records, "byteorder", "big"); }),
      record_mutation("version_unknown", "the file is of a format that is not written yet",
                      [](auto& records, Dice&) { return set_record(records, ".data/version", "9999\n"); }),
      record_mutation("pickle_calls", "loading would call a function of Python's", call_from_pickle),
      record_mutation("record_outside", "unpacking would write outside of the folder", leave_archive),
  };
}

}  // namespace bertjit
