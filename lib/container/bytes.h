// Little-endian numbers in byte ranges, read with every length checked.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "support/error.h"

namespace bertjit {

static_assert(std::endian::native == std::endian::little, "file formats are read in place: little-endian hosts only");

/// The number at `offset`. The caller has checked that it lies within `bytes`.
template <std::integral T>
T load_le(std::span<const std::byte> bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <std::integral T>
void append_le(std::string& out, std::type_identity_t<T> value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads a byte range from front to back. Reading past its end throws Error(kCorrupt) that starts with `source`, the
/// words for the range, e.g. "model.pt: central directory".
class ByteCursor {
 public:
  ByteCursor(std::span<const std::byte> bytes, std::string source) : bytes_(bytes), source_(std::move(source)) {}

  size_t position() const {
    return position_;
  }
  size_t remaining() const {
    return bytes_.size() - position_;
  }

  template <std::integral T>
  T read() {
    return load_le<T>(take(sizeof(T)), 0);
  }

  /// The next `size` bytes, not copied.
  std::span<const std::byte> take(uint64_t size) {
    if (size > remaining()) {
      throw Error(ErrorKind::kCorrupt, source_ + " ends after " + std::to_string(bytes_.size()) + " bytes; at byte " +
                                           std::to_string(position_) + " it should go on for " + std::to_string(size) +
                                           " (truncated?)");
    }
    const auto taken = bytes_.subspan(position_, size);
    position_ += size;
    return taken;
  }

  /// The rest of the line, without its newline, which is skipped.
  std::string_view take_line() {
    const auto rest = as_text(bytes_.subspan(position_));
    const size_t length = rest.find('\n');
    if (length == std::string_view::npos) {
      take(remaining() + 1);
    }
    position_ += length + 1;
    return rest.substr(0, length);
  }

 private:
  std::span<const std::byte> bytes_;
  std::string source_;
  size_t position_ = 0;
};

/// A name out of a file, in quotes and fit for a message: control characters as \xNN, cut after 200 bytes.
std::string in_quotes(std::string_view name);

/// "'a', 'b' and 3 more": the first eight names, quoted.
std::string all_in_quotes(std::span<const std::string> names);

}  // namespace bertjit
