#include "scan/zip_structure.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "container/bytes.h"
#include "container/zip_format.h"
#include "support/error.h"

namespace bertjit {

using namespace zip_format;

namespace {

constexpr uint16_t kEncryptionFlags = 1 << 0 | 1 << 6 | 1 << 13;
constexpr uint16_t kSizesFollowFlag = 1 << 3;
constexpr uint8_t kMadeByUnix = 3;
constexpr uint32_t kFileTypeMask = 0170000;
constexpr uint32_t kRegularFile = 0100000;
constexpr uint32_t kFolder = 0040000;
/// Weights do not shrink to a hundredth; an archive that unpacks to so many times its size, and to this at least, is
/// there to fill a disk or a memory.
constexpr uint64_t kMaxExpansion = 100;
constexpr uint64_t kMinBombBytes = 1u << 30;
/// Deflate spends at least one bit on each of a length and a distance code, for at most 258 bytes.
constexpr uint64_t kMaxDeflateRatio = 1032;

/// One entry of the central directory, and the name in its local header.
struct Entry {
  std::string name;
  uint64_t entry_offset = 0;  ///< in the directory
  uint64_t header_offset = 0;
  uint64_t compressed_size = 0;
  uint64_t size = 0;
  uint16_t flags = 0;
  uint8_t made_by = 0;
  uint32_t attributes = 0;
  std::optional<std::string> local_name;  ///< nullopt: there is no local header
  uint64_t data_offset = 0;
  bool deflated = false;
  /// What stands beside the data, local header or data descriptor, has the same name and sizes. Where it has not, a bit
  /// was flipped in one of the two, as far as can be told: ZipArchive names the record, and what its numbers lead to is
  /// no intent.
  bool confirmed = false;
};

std::optional<size_t> find_end_record(std::span<const std::byte> bytes) {
  const size_t window = std::min(bytes.size(), kEndSize + std::numeric_limits<uint16_t>::max());
  for (size_t back = kEndSize; back <= window; ++back) {
    const size_t offset = bytes.size() - back;
    if (load_le<uint32_t>(bytes, offset) == kEndSignature &&
        load_le<uint16_t>(bytes, offset + kEndSize - 2) == back - kEndSize) {
      return offset;
    }
  }
  return std::nullopt;
}

std::span<const std::byte> from(std::span<const std::byte> bytes, uint64_t offset) {
  return bytes.subspan(std::min<uint64_t>(offset, bytes.size()));
}

/// The directory's bytes; throws where its place does not lie in the file.
std::span<const std::byte> find_directory(std::span<const std::byte> bytes, size_t end) {
  ByteCursor record(from(bytes, end + 12), "end record");
  uint64_t size = record.read<uint32_t>();
  uint64_t offset = record.read<uint32_t>();
  if (end >= kLocator64Size && load_le<uint32_t>(bytes, end - kLocator64Size) == kLocator64Signature) {
    ByteCursor locator(from(bytes, end - kLocator64Size + 8), "zip64 locator");
    ByteCursor record64(from(bytes, locator.read<uint64_t>()), "zip64 end record");
    record64.take(40);
    size = record64.read<uint64_t>();
    offset = record64.read<uint64_t>();
  }
  return ByteCursor(from(bytes, offset), "central directory").take(size);
}

/// Replaces what is saturated by the numbers of the zip64 field.
void widen(std::span<const std::byte> extra, Entry& entry) {
  if (std::max({entry.size, entry.compressed_size, entry.header_offset}) < kSaturated32) {
    return;
  }
  ByteCursor cursor(extra, "extra field");
  while (cursor.remaining() >= 4) {
    const auto id = cursor.read<uint16_t>();
    ByteCursor body(cursor.take(cursor.read<uint16_t>()), "zip64 field");
    for (uint64_t* field : {&entry.size, &entry.compressed_size, &entry.header_offset}) {
      if (id == kZip64ExtraId && *field == kSaturated32) {
        *field = body.read<uint64_t>();
      }
    }
  }
}

/// Whether the data descriptor behind the data (4.3.9), which libtorch writes, has the sizes of the directory.
bool is_described(std::span<const std::byte> bytes, const Entry& entry) {
  constexpr uint32_t kDescriptorSignature = 0x08074b50;
  ByteCursor cursor(from(from(bytes, entry.data_offset), entry.compressed_size), "data descriptor");
  if (cursor.remaining() < 16 || cursor.read<uint32_t>() != kDescriptorSignature) {
    return false;
  }
  cursor.take(4);  // CRC
  const auto sizes = cursor.take(std::min<size_t>(cursor.remaining(), 16));
  const bool narrow = load_le<uint32_t>(sizes, 0) == entry.compressed_size && load_le<uint32_t>(sizes, 4) == entry.size;
  return narrow || (sizes.size() == 16 && load_le<uint64_t>(sizes, 0) == entry.compressed_size &&
                    load_le<uint64_t>(sizes, 8) == entry.size);
}

/// Reads name and place of the data; whether they and the sizes are what the directory says.
bool read_local_header(std::span<const std::byte> bytes, Entry& entry) {
  ByteCursor cursor(from(bytes, entry.header_offset), "local header");
  if (cursor.read<uint32_t>() != kLocalSignature) {
    return false;
  }
  cursor.take(2);
  const bool sizes_follow = (cursor.read<uint16_t>() & kSizesFollowFlag) != 0;
  cursor.take(10);  // method, time, date, CRC
  Entry local;
  local.compressed_size = cursor.read<uint32_t>();
  local.size = cursor.read<uint32_t>();
  const auto name_size = cursor.read<uint16_t>();
  const auto extra_size = cursor.read<uint16_t>();
  entry.local_name = as_text(cursor.take(name_size));
  widen(cursor.take(extra_size), local);
  entry.data_offset = entry.header_offset + cursor.position();
  const bool absent = sizes_follow && local.compressed_size == 0 && local.size == 0;
  const bool same_sizes =
      absent ? is_described(bytes, entry) : local.compressed_size == entry.compressed_size && local.size == entry.size;
  return same_sizes && *entry.local_name == entry.name;
}

bool is_confirmed(std::span<const std::byte> bytes, Entry& entry) {
  try {
    return read_local_header(bytes, entry);
  } catch (const Error&) {
    return false;  // it overruns the file
  }
}

Entry read_entry(ByteCursor& cursor) {
  Entry entry{.entry_offset = cursor.position()};
  if (cursor.read<uint32_t>() != kCentralSignature) {
    throw Error(ErrorKind::kCorrupt,
                "central directory has no entry at its byte " + std::to_string(entry.entry_offset));
  }
  cursor.take(1);
  entry.made_by = cursor.read<uint8_t>();
  cursor.take(2);
  entry.flags = cursor.read<uint16_t>();
  entry.deflated = cursor.read<uint16_t>() == kDeflatedMethod;
  cursor.take(8);  // time, date, CRC
  entry.compressed_size = cursor.read<uint32_t>();
  entry.size = cursor.read<uint32_t>();
  const auto name_size = cursor.read<uint16_t>();
  const auto extra_size = cursor.read<uint16_t>();
  const auto comment_size = cursor.read<uint16_t>();
  cursor.take(4);  // disk, internal attributes
  entry.attributes = cursor.read<uint32_t>();
  entry.header_offset = cursor.read<uint32_t>();
  entry.name = as_text(cursor.take(name_size));
  widen(cursor.take(extra_size), entry);
  cursor.take(comment_size);
  return entry;
}

/// As many entries as can be read.
std::vector<Entry> read_entries(std::span<const std::byte> bytes) {
  std::vector<Entry> entries;
  try {
    const auto end = find_end_record(bytes);
    if (!end) {
      return entries;
    }
    ByteCursor cursor(find_directory(bytes, *end), "central directory");
    while (cursor.remaining() > 0) {
      Entry entry = read_entry(cursor);
      entries.push_back(std::move(entry));
      entries.back().confirmed = is_confirmed(bytes, entries.back());
    }
  } catch (const Error&) {
    // ZipArchive names it.
  }
  return entries;
}

/// At most one byte apart, or cut short: what a fault of a disk or a line does to one of two names, or to its length.
bool could_be_damage(std::string_view a, std::string_view b) {
  if (a.starts_with(b) || b.starts_with(a)) {
    return true;
  }
  size_t differing = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    differing += a[i] != b[i];
  }
  return a.size() == b.size() && differing <= 1;
}

/// What makes a name one that a program may write somewhere else, or read as another; empty if nothing does.
std::string fault_of_name(std::string_view name) {
  if (name.empty()) {
    return "is empty";
  }
  if (std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return "holds a control character";
  }
  if (name.find('\\') != std::string_view::npos) {
    return "holds a backslash, which is a folder to some programs";
  }
  if (name.starts_with('/')) {
    return "is an absolute path";
  }
  if (name.size() > 1 && name[1] == ':') {
    return "begins with a drive";
  }
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    if (name.substr(begin, end - begin) == "..") {
      return "leaves the archive by '..'";
    }
    begin = end + 1;
  }
  return "";
}

/// The folder of data.pkl, which libtorch and Python read first.
std::string find_root(const std::vector<Entry>& entries) {
  for (const std::string_view mark : {"/data.pkl", "/constants.pkl", "/version"}) {
    for (const Entry& entry : entries) {
      const size_t slash = entry.name.find('/');
      if (entry.local_name == entry.name && slash != std::string::npos && slash > 0 &&
          std::string_view(entry.name).substr(slash) == mark && fault_of_name(entry.name).empty()) {
        return entry.name.substr(0, slash);
      }
    }
  }
  return "";
}

class StructureScan {
 public:
  StructureScan(std::span<const std::byte> bytes, ScanFindings& findings)
      : bytes_(bytes), findings_(findings), entries_(read_entries(bytes)), root_(find_root(entries_)) {}

  ZipStructure run() {
    check_end();
    if (entries_.empty()) {
      return {};
    }
    for (const Entry& entry : entries_) {
      check_name(entry);
      check_kind(entry);
    }
    check_duplicates();
    check_layout();
    return {root_, check_expansion()};
  }

 private:
  /// The end record is the last in the file to Python and to libtorch (miniz), whatever the length of its comment says;
  /// to others, and here, the one whose comment ends with the file.
  void check_end() {
    const auto end = find_end_record(bytes_);
    for (size_t at = end ? *end + 1 : bytes_.size(); at + kEndSize <= bytes_.size(); ++at) {
      if (load_le<uint32_t>(bytes_, at) == kEndSignature) {
        findings_.add({.rule = "zip-two-ends",
                       .offset = at,
                       .found = "the archive has a second end record, in the comment of the first",
                       .why = "two programs read two different archives out of it"});
        return;
      }
    }
  }

  std::string record_of(std::string_view name) const {
    return std::string(!root_.empty() && name.starts_with(root_ + "/") ? name.substr(root_.size() + 1) : name);
  }

  void add(ScanEffect effect, const char* rule, const Entry& entry, const std::string& found, const char* why) {
    findings_.add({.effect = effect,
                   .rule = rule,
                   .record = record_of(entry.name),
                   .offset = entry.header_offset,
                   .found = found,
                   .why = why});
  }

  void check_name(const Entry& entry) {
    if (!entry.local_name || *entry.local_name != entry.name) {
      if (entry.local_name && !could_be_damage(entry.name, *entry.local_name)) {
        add(ScanEffect::kUnsafe, "zip-two-names", entry,
            "the directory calls a record " + in_quotes(entry.name) + ", its own header " +
                in_quotes(*entry.local_name),
            "two programs read two different files out of it");
      }
      return;  // damaged: ZipArchive says so, and the name is not to be believed
    }
    const std::string fault = fault_of_name(entry.name);
    if (!fault.empty()) {
      add(ScanEffect::kUnsafe, "zip-name", entry, "record name " + in_quotes(entry.name) + " " + fault,
          "unpacking the archive writes outside its folder, or over another file");
    } else if (!root_.empty() && !entry.name.starts_with(root_ + "/")) {
      add(ScanEffect::kUnsafe, "zip-outside-root", entry,
          "record " + in_quotes(entry.name) + " lies outside the root folder " + in_quotes(root_),
          "loaders do not see it, whoever unpacks the archive does");
    }
  }

  void check_kind(const Entry& entry) {
    if ((entry.flags & kEncryptionFlags) != 0) {
      add(ScanEffect::kUnread, "zip-encrypted", entry, "record " + in_quotes(entry.name) + " is encrypted",
          "what was not read cannot be vouched for");
    }
    const uint32_t type = entry.made_by == kMadeByUnix ? (entry.attributes >> 16) & kFileTypeMask : 0;
    if (type != 0 && type != kRegularFile && type != kFolder) {
      add(ScanEffect::kUnsafe, "zip-link", entry,
          "record " + in_quotes(entry.name) + " is a link or a device, by its attributes",
          "unpacking the archive makes a file that leads elsewhere");
    }
  }

  /// libtorch finds records without regard to case (miniz), Python with; of two of one name one takes the first, the
  /// other the last.
  void check_duplicates() {
    std::map<std::string, const Entry*> names;
    for (const Entry& entry : entries_) {
      const bool is_code = record_of(entry.name).starts_with("code/");
      const auto [first, is_new] = names.try_emplace(is_code ? entry.name : lower_case(entry.name), &entry);
      if (!is_new) {
        add(ScanEffect::kUnsafe, "zip-duplicate", entry,
            "record " + in_quotes(entry.name) + " comes twice" +
                (entry.name == first->second->name ? "" : ", once as " + in_quotes(first->second->name)),
            "two programs read two different files out of it");
      }
    }
  }

  void check_layout() {
    std::vector<const Entry*> order;
    for (const Entry& entry : entries_) {
      if (entry.confirmed) {
        order.push_back(&entry);
      }
    }
    std::ranges::sort(order, {}, &Entry::header_offset);
    if (order.size() == entries_.size() && order.front()->header_offset > 0) {
      add(ScanEffect::kUnsafe, "zip-prefix", *order.front(),
          "the archive begins after " + std::to_string(order.front()->header_offset) + " other bytes",
          "it is a file of another kind too, and programs take it for the one or the other");
    }
    for (size_t i = 1; i < order.size(); ++i) {
      const Entry& before = *order[i - 1];
      if (order[i]->header_offset < before.data_offset ||
          order[i]->header_offset - before.data_offset < before.compressed_size) {
        add(ScanEffect::kUnsafe, "zip-overlap", *order[i],
            "records " + in_quotes(before.name) + " and " + in_quotes(order[i]->name) + " overlap",
            "the same bytes are read as two things, or unpack to any size");
      }
    }
  }

  bool check_expansion() {
    uint64_t total = 0;
    const Entry* largest = &entries_.front();
    for (const Entry& entry : entries_) {
      // What is stored, or said to hold more than deflate can, is damaged where its size is too large.
      if (entry.deflated && entry.size / kMaxDeflateRatio <= entry.compressed_size) {
        total = __builtin_add_overflow(total, entry.size, &total) ? UINT64_MAX : total;
        largest = !largest->deflated || entry.size > largest->size ? &entry : largest;
      }
    }
    if (total <= kMinBombBytes || total / kMaxExpansion <= bytes_.size()) {
      return false;
    }
    add(ScanEffect::kUnsafe, "zip-bomb", *largest,
        "the archive of " + std::to_string(bytes_.size()) + " bytes unpacks to " + std::to_string(total),
        "reading it fills the memory or the disk");
    return true;
  }

  std::span<const std::byte> bytes_;
  ScanFindings& findings_;
  std::vector<Entry> entries_;
  std::string root_;
};

}  // namespace

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return text;
}

bool ends_as_zip(std::span<const std::byte> bytes) {
  return find_end_record(bytes).has_value();
}

ZipStructure scan_zip_structure(std::span<const std::byte> bytes, ScanFindings& findings) {
  return StructureScan(bytes, findings).run();
}

}  // namespace bertjit
