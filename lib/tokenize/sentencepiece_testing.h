// Makes SentencePiece model files piece by piece, for tests of what reads them.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "tokenize/sentencepiece_model.h"

namespace bertjit::testing {

inline std::string proto_varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) {
    out.push_back(static_cast<char>(value | 0x80));
  }
  out.push_back(static_cast<char>(value));
  return out;
}

inline std::string proto_number(uint32_t field, uint64_t value) {
  return proto_varint(field << 3) + proto_varint(value);
}

inline std::string proto_bytes(uint32_t field, std::string_view value) {
  return proto_varint(field << 3 | 2) + proto_varint(value.size()) + std::string(value);
}

inline std::string little_endian(uint32_t value) {
  std::string out;
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
  return out;
}

inline std::string proto_piece(std::string_view text, float score, PieceType type = PieceType::kNormal) {
  const std::string number = proto_varint(2 << 3 | 5) + little_endian(std::bit_cast<uint32_t>(score));
  return proto_bytes(1, proto_bytes(1, text) + number + proto_number(3, static_cast<uint64_t>(type)));
}

/// trainer_spec with a model type.
inline std::string proto_model_type(PieceModel type) {
  return proto_bytes(2, proto_number(3, static_cast<uint64_t>(type)));
}

inline std::string proto_charsmap(std::string_view charsmap) {
  return proto_bytes(3, proto_bytes(2, charsmap));
}

}  // namespace bertjit::testing
