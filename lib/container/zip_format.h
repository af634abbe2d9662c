// What the zip reader and the zip writer must agree on (PKWARE APPNOTE 6.3).
#pragma once

#include <cstddef>
#include <cstdint>

namespace bertjit::zip_format {

constexpr uint32_t kLocalSignature = 0x04034b50;      // 4.3.7
constexpr uint32_t kCentralSignature = 0x02014b50;    // 4.3.12
constexpr uint32_t kEnd64Signature = 0x06064b50;      // 4.3.14
constexpr uint32_t kLocator64Signature = 0x07064b50;  // 4.3.15
constexpr uint32_t kEndSignature = 0x06054b50;        // 4.3.16

constexpr size_t kLocalSize = 30;
constexpr size_t kCentralSize = 46;
constexpr size_t kEnd64Size = 56;
constexpr size_t kLocator64Size = 20;
constexpr size_t kEndSize = 22;

constexpr uint16_t kStoredMethod = 0;
constexpr uint16_t kDeflatedMethod = 8;

/// A 16- or 32-bit field that holds this has its value in the zip64 extra field or end record.
constexpr uint16_t kSaturated16 = 0xffff;
constexpr uint32_t kSaturated32 = 0xffffffff;
constexpr uint16_t kZip64ExtraId = 0x0001;

}  // namespace bertjit::zip_format
