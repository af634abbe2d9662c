#include "container/zip_writer.h"

#include <zlib.h>

#include <algorithm>

#include "container/bytes.h"
#include "container/zip_format.h"
#include "support/error.h"

namespace bertjit {

using namespace zip_format;

namespace {

constexpr uint64_t kAlignment = 64;
constexpr uint16_t kPaddingExtraId = 0x4246;  // "FB", as PyTorch's writer
constexpr uint16_t kUtf8NamesFlag = 1 << 11;
constexpr uint16_t kVersion = 20;
constexpr uint16_t kZip64Version = 45;
constexpr uint32_t kDosDate1980 = 0x0021u << 16;

uint32_t saturate32(uint64_t value) {
  return static_cast<uint32_t>(std::min<uint64_t>(value, kSaturated32));
}

uint16_t saturate16(uint64_t value) {
  return static_cast<uint16_t>(std::min<uint64_t>(value, kSaturated16));
}

/// The zip64 extra field for those of `values` that do not fit in 32 bits; empty if all do.
std::string zip64_extra(std::initializer_list<uint64_t> values) {
  std::string numbers;
  for (const uint64_t value : values) {
    if (value >= kSaturated32) {
      append_le<uint64_t>(numbers, value);
    }
  }
  std::string extra;
  if (!numbers.empty()) {
    append_le<uint16_t>(extra, kZip64ExtraId);
    append_le<uint16_t>(extra, static_cast<uint16_t>(numbers.size()));
  }
  return extra + numbers;
}

/// An extra field that moves what follows it from `offset` to the next multiple of kAlignment.
std::string padding_extra(uint64_t offset) {
  const uint64_t size = (kAlignment - (offset + 4) % kAlignment) % kAlignment;
  std::string extra;
  append_le<uint16_t>(extra, kPaddingExtraId);
  append_le<uint16_t>(extra, static_cast<uint16_t>(size));
  return extra + std::string(size, '\0');
}

/// The fields that local header and central entry share, from "version needed" to "extra field length".
std::string shared_fields(const std::string& name, uint64_t size, uint32_t crc32, bool is_zip64, size_t extra_size) {
  std::string fields;
  append_le<uint16_t>(fields, is_zip64 ? kZip64Version : kVersion);
  append_le<uint16_t>(fields, kUtf8NamesFlag);
  append_le<uint16_t>(fields, kStoredMethod);
  append_le<uint32_t>(fields, kDosDate1980);
  append_le<uint32_t>(fields, crc32);
  append_le<uint32_t>(fields, saturate32(size));
  append_le<uint32_t>(fields, saturate32(size));
  append_le<uint16_t>(fields, static_cast<uint16_t>(name.size()));
  append_le<uint16_t>(fields, static_cast<uint16_t>(extra_size));
  return fields;
}

}  // namespace

void ZipWriter::write(std::span<const std::byte> bytes) {
  sink_(bytes);
  offset_ += bytes.size();
}

void ZipWriter::add(const std::string& name, const Parts& parts) {
  if (name.empty() || name.size() > kSaturated16 || name.find('\0') != std::string::npos) {
    throw Error(ErrorKind::kInvalidArgument, "zip record " + in_quotes(name) + " cannot have that name");
  }
  if (!names_.insert(name).second) {
    throw Error(ErrorKind::kInvalidArgument, "zip record " + in_quotes(name) + " is added twice");
  }
  uint64_t size = 0;
  uLong crc = 0;
  for (const auto part : parts) {
    size += part.size();
    if (!part.empty()) {  // for zlib a null pointer means: start again
      crc = crc32_z(crc, reinterpret_cast<const Bytef*>(part.data()), part.size());
    }
  }
  const uint64_t header_offset = offset_;
  const auto crc32 = static_cast<uint32_t>(crc);

  std::string extra = zip64_extra({size, size});
  const bool is_zip64_size = !extra.empty();
  extra += padding_extra(header_offset + kLocalSize + name.size() + extra.size());
  std::string header;
  append_le<uint32_t>(header, kLocalSignature);
  header += shared_fields(name, size, crc32, is_zip64_size, extra.size()) + name + extra;
  write(std::as_bytes(std::span(header)));
  for (const auto part : parts) {
    write(part);
  }

  const std::string central_extra = zip64_extra({size, size, header_offset});
  append_le<uint32_t>(directory_, kCentralSignature);
  append_le<uint16_t>(directory_, kZip64Version);
  directory_ += shared_fields(name, size, crc32, !central_extra.empty(), central_extra.size());
  append_le<uint16_t>(directory_, 0);  // comment
  append_le<uint16_t>(directory_, 0);  // disk
  append_le<uint16_t>(directory_, 0);  // internal attributes
  append_le<uint32_t>(directory_, 0);  // external attributes
  append_le<uint32_t>(directory_, saturate32(header_offset));
  directory_ += name + central_extra;
  ++count_;
}

void ZipWriter::finish() {
  const uint64_t start = offset_;
  const uint64_t size = directory_.size();
  const uint64_t end = start + size;
  if (count_ >= kSaturated16 || start >= kSaturated32 || size >= kSaturated32) {
    append_le<uint32_t>(directory_, kEnd64Signature);
    append_le<uint64_t>(directory_, kEnd64Size - 12);
    append_le<uint16_t>(directory_, kZip64Version);
    append_le<uint16_t>(directory_, kZip64Version);
    append_le<uint32_t>(directory_, 0);  // disk
    append_le<uint32_t>(directory_, 0);  // disk of the directory
    append_le<uint64_t>(directory_, count_);
    append_le<uint64_t>(directory_, count_);
    append_le<uint64_t>(directory_, size);
    append_le<uint64_t>(directory_, start);
    append_le<uint32_t>(directory_, kLocator64Signature);
    append_le<uint32_t>(directory_, 0);  // disk
    append_le<uint64_t>(directory_, end);
    append_le<uint32_t>(directory_, 1);  // disks in all
  }
  append_le<uint32_t>(directory_, kEndSignature);
  append_le<uint16_t>(directory_, 0);  // disk
  append_le<uint16_t>(directory_, 0);  // disk of the directory
  append_le<uint16_t>(directory_, saturate16(count_));
  append_le<uint16_t>(directory_, saturate16(count_));
  append_le<uint32_t>(directory_, saturate32(size));
  append_le<uint32_t>(directory_, saturate32(start));
  append_le<uint16_t>(directory_, 0);  // comment
  write(std::as_bytes(std::span(directory_)));
}

}  // namespace bertjit
