#include "container/zip.h"

#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include "container/bytes.h"
#include "container/zip_format.h"
#include "support/error.h"

namespace bertjit {

using namespace zip_format;

namespace {

constexpr uint16_t kEncryptionFlags = 1 << 0 | 1 << 6 | 1 << 13;
constexpr uint16_t kSizesFollowFlag = 1 << 3;
/// Deflate spends at least one bit on each of a length and a distance code, for at most 258 bytes.
constexpr uint64_t kMaxDeflateRatio = 1032;
constexpr size_t kPieceBytes = 1u << 20;

std::string hex8(uint32_t value) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", value);
  return text;
}

struct Directory {
  uint64_t offset;
  uint64_t size;
  uint64_t count;
};

/// Reads the directory of one archive. Every offset is compared with the file's size before it is used.
class DirectoryReader {
 public:
  DirectoryReader(std::span<const std::byte> bytes, std::string path) : bytes_(bytes), path_(std::move(path)) {}

  std::vector<ZipRecord> read_records() const {
    const Directory directory = find_directory();
    ByteCursor cursor(bytes_.subspan(directory.offset, directory.size), path_ + ": central directory");
    if (directory.count > directory.size / kCentralSize) {
      fail("central directory of " + std::to_string(directory.size) + " bytes cannot hold " +
           std::to_string(directory.count) + " records");
    }
    std::vector<ZipRecord> records;
    for (uint64_t i = 0; i < directory.count; ++i) {
      records.push_back(read_central_entry(cursor));
    }
    if (cursor.remaining() != 0) {
      fail("central directory has " + std::to_string(cursor.remaining()) + " bytes after its last entry");
    }
    std::ranges::sort(records, {}, &ZipRecord::header_offset);
    for (size_t i = 0; i < records.size(); ++i) {
      locate_data(records[i], directory.offset);
      if (i > 0 && records[i].header_offset < records[i - 1].data_offset + records[i - 1].compressed_size) {
        fail("records " + in_quotes(records[i - 1].name) + " and " + in_quotes(records[i].name) + " overlap");
      }
    }
    return records;
  }

 private:
  [[noreturn]] void fail(const std::string& what, ErrorKind kind = ErrorKind::kCorrupt) const {
    throw Error(kind, path_ + ": " + what);
  }

  ByteCursor cursor_at(uint64_t offset, uint32_t signature, const std::string& what) const {
    ByteCursor cursor(bytes_.subspan(std::min<uint64_t>(offset, bytes_.size())), path_ + ": " + what);
    if (cursor.read<uint32_t>() != signature) {
      fail(what + " is not at byte " + std::to_string(offset));
    }
    return cursor;
  }

  /// The end record is the last thing in the file, but for a comment of up to 65535 bytes that must fit exactly.
  size_t find_end_record() const {
    const size_t window = std::min(bytes_.size(), kEndSize + std::numeric_limits<uint16_t>::max());
    for (size_t back = kEndSize; back <= window; ++back) {
      const size_t offset = bytes_.size() - back;
      if (load_le<uint32_t>(bytes_, offset) == kEndSignature &&
          load_le<uint16_t>(bytes_, offset + kEndSize - 2) == back - kEndSize) {
        return offset;
      }
    }
    fail("is not a complete zip archive: no end-of-central-directory record in its last " + std::to_string(window) +
         " bytes (truncated?)");
  }

  Directory find_directory() const {
    size_t end = find_end_record();
    ByteCursor cursor = cursor_at(end, kEndSignature, "end-of-central-directory record");
    const auto disk = cursor.read<uint16_t>();
    const auto directory_disk = cursor.read<uint16_t>();
    const auto count_on_disk = cursor.read<uint16_t>();
    const auto count = cursor.read<uint16_t>();
    const auto size = cursor.read<uint32_t>();
    const auto offset = cursor.read<uint32_t>();
    if (disk != directory_disk || count_on_disk != count || (disk != 0 && disk != kSaturated16)) {
      fail("is one of several disks of a zip archive", ErrorKind::kUnsupported);
    }
    Directory directory{offset, size, count};
    if (end >= kLocator64Size && load_le<uint32_t>(bytes_, end - kLocator64Size) == kLocator64Signature) {
      const size_t locator = end - kLocator64Size;
      directory = read_zip64_end(locator, end);
      if ((count != kSaturated16 && count != directory.count) || (size != kSaturated32 && size != directory.size) ||
          (offset != kSaturated32 && offset != directory.offset)) {
        fail("its zip64 and its plain end-of-central-directory record disagree");
      }
    }
    if (directory.offset > end || directory.size != end - directory.offset) {
      fail("central directory of " + std::to_string(directory.size) + " bytes at byte " +
           std::to_string(directory.offset) + " does not end at byte " + std::to_string(end) +
           ", where its end record begins");
    }
    return directory;
  }

  /// Moves `end` to where the zip64 end record begins.
  Directory read_zip64_end(size_t locator_offset, size_t& end) const {
    ByteCursor locator = cursor_at(locator_offset, kLocator64Signature, "zip64 locator");
    const auto disk = locator.read<uint32_t>();
    const auto offset = locator.read<uint64_t>();
    const auto disks = locator.read<uint32_t>();
    if (disk != 0 || disks > 1) {
      fail("is one of several disks of a zip archive", ErrorKind::kUnsupported);
    }
    ByteCursor record = cursor_at(offset, kEnd64Signature, "zip64 end-of-central-directory record");
    const auto size = record.read<uint64_t>();
    if (offset > locator_offset || locator_offset - offset < kEnd64Size || size != locator_offset - offset - 12) {
      fail("zip64 end-of-central-directory record at byte " + std::to_string(offset) + " does not end at byte " +
           std::to_string(locator_offset) + ", where its locator begins");
    }
    record.take(12);  // versions and disk numbers
    const auto count_on_disk = record.read<uint64_t>();
    Directory directory{};
    directory.count = record.read<uint64_t>();
    directory.size = record.read<uint64_t>();
    directory.offset = record.read<uint64_t>();
    if (count_on_disk != directory.count) {
      fail("is one of several disks of a zip archive", ErrorKind::kUnsupported);
    }
    end = offset;
    return directory;
  }

  ZipRecord read_central_entry(ByteCursor& cursor) const {
    if (cursor.read<uint32_t>() != kCentralSignature) {
      fail("central directory has no entry at its byte " + std::to_string(cursor.position() - 4));
    }
    cursor.take(4);  // versions
    const auto flags = cursor.read<uint16_t>();
    const auto method = cursor.read<uint16_t>();
    cursor.take(4);  // time and date
    ZipRecord record{};
    record.crc32 = cursor.read<uint32_t>();
    record.compressed_size = cursor.read<uint32_t>();
    record.size = cursor.read<uint32_t>();
    const auto name_size = cursor.read<uint16_t>();
    const auto extra_size = cursor.read<uint16_t>();
    const auto comment_size = cursor.read<uint16_t>();
    cursor.take(8);  // disk number, attributes
    record.header_offset = cursor.read<uint32_t>();
    record.name = as_text(cursor.take(name_size));
    widen(cursor.take(extra_size), record.name, {&record.size, &record.compressed_size, &record.header_offset});
    cursor.take(comment_size);

    const std::string what = "record " + in_quotes(record.name);
    if (record.name.find('\0') != std::string::npos) {
      fail(what + " has a NUL in its name");
    }
    if ((flags & kEncryptionFlags) != 0) {
      fail(what + " is encrypted", ErrorKind::kUnsupported);
    }
    if (method != kStoredMethod && method != kDeflatedMethod) {
      fail(what + " is compressed by method " + std::to_string(method) + ", not stored (0) or deflate (8)",
           ErrorKind::kUnsupported);
    }
    record.method = method == kStoredMethod ? ZipMethod::kStored : ZipMethod::kDeflated;
    check_sizes(record);
    return record;
  }

  void check_sizes(const ZipRecord& record) const {
    if (record.method == ZipMethod::kStored && record.size != record.compressed_size) {
      fail("record " + in_quotes(record.name) + " is stored in " + std::to_string(record.compressed_size) +
           " bytes but declares " + std::to_string(record.size));
    }
    if (record.size / kMaxDeflateRatio > record.compressed_size) {
      fail("record " + in_quotes(record.name) + " declares " + std::to_string(record.size) + " bytes from " +
           std::to_string(record.compressed_size) + " compressed ones, more than deflate can hold");
    }
  }

  /// Replaces each field that is saturated by the next number in the zip64 extra field.
  void widen(std::span<const std::byte> extra, const std::string& name, std::initializer_list<uint64_t*> fields) const {
    const auto saturated = [](const uint64_t* field) { return *field == kSaturated32; };
    if (std::ranges::none_of(fields, saturated)) {
      return;
    }
    ByteCursor cursor(extra, path_ + ": extra field of record " + in_quotes(name));
    while (cursor.remaining() >= 4) {
      const auto id = cursor.read<uint16_t>();
      const auto body = cursor.take(cursor.read<uint16_t>());
      if (id == kZip64ExtraId) {
        ByteCursor numbers(body, path_ + ": zip64 field of record " + in_quotes(name));
        for (uint64_t* field : fields) {
          *field = saturated(field) ? numbers.read<uint64_t>() : *field;
        }
        return;
      }
    }
    fail("record " + in_quotes(name) + " lacks the zip64 field its header announces");
  }

  /// Finds where the data begin, after the local header, which must agree with the directory.
  void locate_data(ZipRecord& record, uint64_t directory_offset) const {
    const std::string what = "local header of record " + in_quotes(record.name);
    ByteCursor cursor = cursor_at(record.header_offset, kLocalSignature, what);
    cursor.take(2);  // version
    const auto flags = cursor.read<uint16_t>();
    const auto method = cursor.read<uint16_t>();
    cursor.take(4);  // time and date
    const auto crc32 = cursor.read<uint32_t>();
    uint64_t compressed_size = cursor.read<uint32_t>();
    uint64_t size = cursor.read<uint32_t>();
    const auto name_size = cursor.read<uint16_t>();
    const auto extra_size = cursor.read<uint16_t>();
    const auto name = as_text(cursor.take(name_size));
    widen(cursor.take(extra_size), record.name, {&size, &compressed_size});

    if (name != record.name) {
      fail(what + " names it " + in_quotes(name));
    }
    if ((flags & kEncryptionFlags) != 0 ||
        method != (record.method == ZipMethod::kStored ? kStoredMethod : kDeflatedMethod)) {
      fail(what + " has another method than the central directory");
    }
    // With this flag the numbers come after the data, and may be 0 here.
    const bool absent = (flags & kSizesFollowFlag) != 0 && crc32 == 0 && compressed_size == 0 && size == 0;
    if (!absent && (crc32 != record.crc32 || compressed_size != record.compressed_size || size != record.size)) {
      fail(what + " declares " + std::to_string(size) + " bytes with CRC-32 " + hex8(crc32) +
           ", the central directory " + std::to_string(record.size) + " with " + hex8(record.crc32));
    }
    record.data_offset = record.header_offset + cursor.position();
    if (record.data_offset > directory_offset || record.compressed_size > directory_offset - record.data_offset) {
      fail("record " + in_quotes(record.name) + " has " + std::to_string(record.compressed_size) + " bytes at byte " +
           std::to_string(record.data_offset) + ", which overruns the central directory at byte " +
           std::to_string(directory_offset));
    }
  }

  std::span<const std::byte> bytes_;
  std::string path_;
};

/// Raw deflate, piece by piece. False unless the stream ends exactly where `packed` does, after `size` bytes.
bool inflate_exactly(std::span<const std::byte> packed, uint64_t size,
                     const std::function<void(std::span<const std::byte>)>& sink) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
    throw std::bad_alloc();
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  constexpr size_t kMaxInput = 1u << 30;  // zlib counts in 32 bits
  std::vector<std::byte> buffer(256u << 10);
  uint64_t left = size;
  int status = Z_OK;
  while (status == Z_OK) {
    const auto input = packed.first(std::min(packed.size(), kMaxInput));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = inflate(&stream, Z_NO_FLUSH);
    packed = packed.subspan(input.size() - stream.avail_in);
    const size_t produced = buffer.size() - stream.avail_out;
    if (produced > left) {
      return false;
    }
    left -= produced;
    sink(std::span(buffer).first(produced));
  }
  return status == Z_STREAM_END && packed.empty() && left == 0;
}

uint32_t update_crc(uint32_t crc, std::span<const std::byte> bytes) {
  // For zlib a null pointer means: start again.
  return bytes.empty()
             ? crc
             : static_cast<uint32_t>(crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

ZipArchive::ZipArchive(const std::filesystem::path& path) : file_(path) {
  records_ = DirectoryReader(file_.bytes(), path.string()).read_records();
  for (size_t i = 0; i < records_.size(); ++i) {
    if (!index_.emplace(records_[i].name, i).second) {
      throw Error(ErrorKind::kCorrupt, path.string() + ": record " + in_quotes(records_[i].name) + " occurs twice");
    }
  }
}

const ZipRecord* ZipArchive::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &records_[found->second];
}

std::span<std::byte> ZipArchive::stored_bytes(const ZipRecord& record) const {
  if (record.method != ZipMethod::kStored) {
    throw Error(ErrorKind::kUnsupported,
                path().string() + ": record " + in_quotes(record.name) + " is compressed; it must be stored");
  }
  return file_.bytes().subspan(record.data_offset, record.compressed_size);
}

std::vector<std::byte> ZipArchive::read(const ZipRecord& record) const {
  return read_start(record, record.size);
}

std::vector<std::byte> ZipArchive::read_start(const ZipRecord& record, uint64_t max_bytes) const {
  std::vector<std::byte> bytes;
  bytes.reserve(std::min(record.size, max_bytes));  // bounded by check_sizes; growing would take twice as much
  read_pieces(record, [&](std::span<const std::byte> piece) {
    const auto kept = piece.first(std::min<uint64_t>(piece.size(), max_bytes - bytes.size()));
    bytes.insert(bytes.end(), kept.begin(), kept.end());
  });
  return bytes;
}

void ZipArchive::check_crc(const ZipRecord& record) const {
  read_pieces(record, [](std::span<const std::byte>) {});
}

void ZipArchive::read_pieces(const ZipRecord& record, const Sink& sink) const {
  const auto packed = file_.bytes().subspan(record.data_offset, record.compressed_size);
  const std::string what = path().string() + ": record " + in_quotes(record.name);
  uint32_t crc = 0;
  if (record.method == ZipMethod::kStored) {
    for (size_t begin = 0; begin < packed.size(); begin += kPieceBytes) {
      const auto piece = packed.subspan(begin, std::min(kPieceBytes, packed.size() - begin));
      crc = update_crc(crc, piece);
      sink(piece);
    }
  } else if (!inflate_exactly(packed, record.size, [&](std::span<const std::byte> piece) {
               crc = update_crc(crc, piece);
               sink(piece);
             })) {
    throw Error(ErrorKind::kCorrupt,
                what + " does not inflate to the " + std::to_string(record.size) + " bytes it declares");
  }
  if (crc != record.crc32) {
    throw Error(ErrorKind::kCorrupt, what + " has CRC-32 " + hex8(crc) + ", its directory says " + hex8(record.crc32));
  }
}

void ZipArchive::check_all() const {
  for (const ZipRecord& record : records_) {
    check_crc(record);
  }
}

}  // namespace bertjit
