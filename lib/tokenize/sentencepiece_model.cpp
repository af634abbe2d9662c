#include "tokenize/sentencepiece_model.h"

#include <bit>
#include <string>
#include <unordered_set>

#include "support/error.h"
#include "support/file.h"
#include "tokenize/charsmap.h"
#include "tokenize/unicode.h"

namespace bertjit {

namespace {

/// Field numbers of sentencepiece_model.proto.
namespace field {
constexpr uint32_t kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3, kDenormalizerSpec = 5;
constexpr uint32_t kPieceText = 1, kPieceScore = 2, kPieceType = 3;
constexpr uint32_t kModelType = 3, kSpaceIsSuffix = 24, kByteFallback = 35, kUnkId = 40, kUnkPiece = 45;
constexpr uint32_t kPrecompiledCharsmap = 2, kAddDummyPrefix = 3, kRemoveExtraWhitespaces = 4, kEscapeWhitespaces = 5;
}  // namespace field

/// One field of a protobuf message.
struct Field {
  enum class Wire { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
  uint32_t number;
  Wire wire;
  uint64_t value = 0;      ///< kVarint, kFixed64, kFixed32
  std::string_view bytes;  ///< kBytes
};

/// Reads the fields of a message one by one, never beyond its end.
class MessageReader {
 public:
  /// `message` names it in errors, after the file.
  MessageReader(std::string_view bytes, std::string message) : bytes_(bytes), message_(std::move(message)) {}

  /// False at the end.
  bool next(Field& field) {
    if (position_ == bytes_.size()) {
      return false;
    }
    const uint64_t key = varint();
    field.number = static_cast<uint32_t>(key >> 3);
    field.wire = static_cast<Field::Wire>(key & 7);
    if (key > UINT32_MAX || field.number == 0) {
      fail("has a field with key " + std::to_string(key));
    }
    switch (field.wire) {
      case Field::Wire::kVarint:
        field.value = varint();
        return true;
      case Field::Wire::kFixed64:
        field.value = fixed(8);
        return true;
      case Field::Wire::kFixed32:
        field.value = fixed(4);
        return true;
      case Field::Wire::kBytes: {
        const uint64_t size = varint();
        if (size > bytes_.size() - position_) {
          fail("ends early: field " + std::to_string(field.number) + " is " + std::to_string(size) + " bytes, " +
               std::to_string(bytes_.size() - position_) + " are left");
        }
        field.bytes = bytes_.substr(position_, size);
        position_ += size;
        return true;
      }
    }
    fail("has a field of wire type " + std::to_string(key & 7) + ", expected 0, 1, 2 or 5");
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kCorrupt, message_ + " " + what);
  }

 private:
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (position_ == bytes_.size()) {
        fail("ends early, within a number");
      }
      const auto byte = static_cast<uint8_t>(bytes_[position_++]);
      value |= static_cast<uint64_t>(byte & 0x7F) << (shift < 64 ? shift : 63);
      if (byte < 0x80) {
        return value;
      }
    }
    fail("has a number of more than 10 bytes");
  }

  uint64_t fixed(size_t size) {
    if (size > bytes_.size() - position_) {
      fail("ends early, within a number");
    }
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) {
      value = value << 8 | static_cast<uint8_t>(bytes_[position_ + i]);
    }
    position_ += size;
    return value;
  }

  std::string_view bytes_;
  std::string message_;
  size_t position_ = 0;
};

bool is(const Field& field, uint32_t number, Field::Wire wire) {
  return field.number == number && field.wire == wire;
}

std::string read_text(const Field& field, const MessageReader& reader, const char* name) {
  if (find_malformed_utf8(field.bytes) != std::string_view::npos) {
    reader.fail(std::string("has a '") + name + "' that is not UTF-8");
  }
  return std::string(field.bytes);
}

SentencePieceModel::Piece parse_piece(std::string_view bytes, const std::string& message) {
  SentencePieceModel::Piece piece;
  MessageReader reader(bytes, message);
  for (Field field; reader.next(field);) {
    if (is(field, field::kPieceText, Field::Wire::kBytes)) {
      piece.text = read_text(field, reader, "piece");
    } else if (is(field, field::kPieceScore, Field::Wire::kFixed32)) {
      piece.score = std::bit_cast<float>(static_cast<uint32_t>(field.value));
    } else if (is(field, field::kPieceType, Field::Wire::kVarint) && field.value >= 1 && field.value <= 6) {
      piece.type = static_cast<PieceType>(field.value);
    }
  }
  return piece;
}

void parse_trainer_spec(std::string_view bytes, const std::string& name, SentencePieceModel& model) {
  MessageReader reader(bytes, name + ": trainer_spec");
  for (Field field; reader.next(field);) {
    if (is(field, field::kModelType, Field::Wire::kVarint) && field.value >= 1 && field.value <= 4) {
      model.model = static_cast<PieceModel>(field.value);
    } else if (is(field, field::kByteFallback, Field::Wire::kVarint)) {
      model.byte_fallback = field.value != 0;
    } else if (is(field, field::kSpaceIsSuffix, Field::Wire::kVarint)) {
      model.space_is_suffix = field.value != 0;
    } else if (is(field, field::kUnkId, Field::Wire::kVarint)) {
      model.unk_id = static_cast<int32_t>(static_cast<uint32_t>(field.value));
    } else if (is(field, field::kUnkPiece, Field::Wire::kBytes)) {
      model.unk_piece = read_text(field, reader, "unk_piece");
    }
  }
}

void parse_normalizer_spec(std::string_view bytes, const std::string& message, NormalizerSpec& spec) {
  MessageReader reader(bytes, message);
  for (Field field; reader.next(field);) {
    if (is(field, field::kPrecompiledCharsmap, Field::Wire::kBytes)) {
      spec.precompiled_charsmap = field.bytes;
    } else if (is(field, field::kAddDummyPrefix, Field::Wire::kVarint)) {
      spec.add_dummy_prefix = field.value != 0;
    } else if (is(field, field::kRemoveExtraWhitespaces, Field::Wire::kVarint)) {
      spec.remove_extra_whitespaces = field.value != 0;
    } else if (is(field, field::kEscapeWhitespaces, Field::Wire::kVarint)) {
      spec.escape_whitespaces = field.value != 0;
    }
  }
}

[[noreturn]] void fail(const std::string& name, const std::string& what) {
  throw Error(ErrorKind::kCorrupt, name + ": " + what);
}

bool is_byte_piece(const std::string& text) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); };
  return text.size() == 6 && text.starts_with("<0x") && is_digit(text[3]) && is_digit(text[4]) && text[5] == '>';
}

/// The rules of ModelInterface::InitializePieces in SentencePiece, which a file must pass there too.
void check_pieces(const SentencePieceModel& model, const std::string& name) {
  std::unordered_set<std::string_view> normal;
  std::unordered_set<std::string_view> reserved;
  size_t unknown = 0;
  size_t bytes = 0;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const auto& piece = model.pieces[id];
    if (piece.text.empty()) {
      fail(name, "piece " + std::to_string(id) + " is empty");
    }
    if (!(is_reserved(piece.type) ? reserved : normal).insert(piece.text).second) {
      fail(name, "piece " + std::to_string(id) + ", '" + piece.text + "', is there twice");
    }
    unknown += piece.type == PieceType::kUnknown ? 1 : 0;
    if (piece.type == PieceType::kByte) {
      ++bytes;
      if (!is_byte_piece(piece.text)) {
        fail(name,
             "piece " + std::to_string(id) + ", '" + piece.text + "', is of type BYTE, expected <0x00> to <0xFF>");
      }
    }
  }
  if (unknown != 1) {
    fail(name, "has " + std::to_string(unknown) + " pieces of type UNKNOWN, expected 1");
  }
  const size_t expected = model.byte_fallback ? 256 : 0;
  if (bytes != expected) {
    fail(name, "has " + std::to_string(bytes) + " pieces of type BYTE and byte_fallback is " +
                   (model.byte_fallback ? "true" : "false") + ", expected " + std::to_string(expected));
  }
}

}  // namespace

SentencePieceModel parse_sentencepiece_model(std::string_view bytes, const std::string& name) {
  SentencePieceModel model;
  MessageReader reader(bytes, name + ": ModelProto");
  for (Field field; reader.next(field);) {
    if (is(field, field::kPieces, Field::Wire::kBytes)) {
      model.pieces.push_back(parse_piece(field.bytes, name + ": piece " + std::to_string(model.pieces.size())));
    } else if (is(field, field::kTrainerSpec, Field::Wire::kBytes)) {
      parse_trainer_spec(field.bytes, name, model);
    } else if (is(field, field::kNormalizerSpec, Field::Wire::kBytes)) {
      parse_normalizer_spec(field.bytes, name + ": normalizer_spec", model.normalizer);
    } else if (is(field, field::kDenormalizerSpec, Field::Wire::kBytes)) {
      NormalizerSpec denormalizer;
      parse_normalizer_spec(field.bytes, name + ": denormalizer_spec", denormalizer);
      model.has_denormalizer |= !denormalizer.precompiled_charsmap.empty();
    }
  }
  if (model.pieces.empty()) {
    fail(name, "has no pieces, so it is no SentencePiece model");
  }
  if (model.model == PieceModel::kWord || model.model == PieceModel::kChar) {
    throw Error(ErrorKind::kUnsupported, name + ": SentencePiece model is of type " +
                                             (model.model == PieceModel::kWord ? "WORD" : "CHAR") +
                                             "; supported: UNIGRAM, BPE");
  }
  check_pieces(model, name);
  if (!model.normalizer.precompiled_charsmap.empty()) {
    Charsmap(model.normalizer.precompiled_charsmap, name);
  }
  return model;
}

SentencePieceModel read_sentencepiece_model(const std::filesystem::path& path) {
  return parse_sentencepiece_model(read_text_file(path), path.string());
}

bool is_reserved(PieceType type) {
  return type == PieceType::kUnknown || type == PieceType::kControl || type == PieceType::kByte;
}

std::string byte_piece(uint8_t byte) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  return std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">";
}

}  // namespace bertjit
