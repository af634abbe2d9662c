#include "container/archive_listing.h"

#include "container/bytes.h"
#include "support/error.h"

namespace bertjit {

namespace {

/// The records that say something of the archive are a few bytes long; a longer one is something else.
constexpr uint64_t kMaxNoteBytes = 256;

/// The folder that all records lie in; empty if there is none.
std::string common_root(const std::vector<ZipRecord>& records) {
  if (records.empty()) {
    return "";
  }
  const std::string& first = records.front().name;
  const size_t slash = first.find('/');
  if (slash == std::string::npos) {
    return "";
  }
  for (const auto& record : records) {
    if (record.name.compare(0, slash + 1, first, 0, slash + 1) != 0) {
      return "";
    }
  }
  return first.substr(0, slash);
}

/// A small record's text without the line end; empty if there is none.
std::string note(const ZipArchive& archive, const std::string& name) {
  const ZipRecord* record = archive.find(name);
  if (record == nullptr || record->size > kMaxNoteBytes) {
    return "";
  }
  const auto bytes = archive.read(*record);
  std::string text(as_text(bytes));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
    text.pop_back();
  }
  return text;
}

}  // namespace

const char* archive_kind_name(ArchiveKind kind) {
  switch (kind) {
    case ArchiveKind::kTorchScript:
      return "torchscript";
    case ArchiveKind::kTorchSave:
      return "torch.save";
    case ArchiveKind::kOther:
      return "other";
  }
  return "";
}

std::string name_in_archive(const ArchiveListing& listing, const ZipRecord& record) {
  return listing.root.empty() ? record.name : record.name.substr(listing.root.size() + 1);
}

ArchiveListing list_archive(const std::filesystem::path& path) {
  return list_archive(ZipArchive(path));
}

ArchiveListing list_archive(const ZipArchive& archive) {
  ArchiveListing listing;
  listing.path = archive.path().string();
  listing.size_bytes = archive.size_bytes();
  listing.records = archive.records();
  listing.root = common_root(listing.records);
  bool has_code = false;
  bool has_data = false;
  for (const auto& record : listing.records) {
    const std::string name = name_in_archive(listing, record);
    has_code |= name.starts_with("code/");
    has_data |= name == "data.pkl";
    listing.has_claims |= name == "extra/bertjit.json";
    listing.has_traced_inputs |= name == "traced_inputs.pkl";
    listing.has_bytecode |= name == "bytecode.pkl";
  }
  listing.kind = has_code && has_data ? ArchiveKind::kTorchScript
                 : has_data           ? ArchiveKind::kTorchSave
                                      : ArchiveKind::kOther;
  const std::string prefix = listing.root.empty() ? "" : listing.root + "/";
  // Files from PyTorch 1.10 on that need a newer operator have the number in .data/version.
  for (const char* name : {"version", ".data/version"}) {
    listing.version = listing.version.empty() ? note(archive, prefix + name) : listing.version;
  }
  listing.byteorder = note(archive, prefix + "byteorder");
  listing.serialization_id = note(archive, prefix + ".data/serialization_id");
  return listing;
}

}  // namespace bertjit
