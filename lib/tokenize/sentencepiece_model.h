// What a SentencePiece .model or .spm file holds: a protobuf message ModelProto (sentencepiece_model.proto).
//
// SentencePiece trusts what it reads: a character map with offsets beyond its end is read beyond its end. This reader
// takes the few fields a tokenizer needs, and checks them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace bertjit {

enum class PieceType { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };
enum class PieceModel { kUnigram = 1, kBpe = 2, kWord = 3, kChar = 4 };

/// Named as in sentencepiece_model.proto.
struct NormalizerSpec {
  std::string precompiled_charsmap;  ///< bytes; empty: none
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
};

struct SentencePieceModel {
  struct Piece {
    std::string text;
    float score = 0;
    PieceType type = PieceType::kNormal;
  };
  std::vector<Piece> pieces;  ///< the id of each is its place
  PieceModel model = PieceModel::kUnigram;
  bool byte_fallback = false;
  int32_t unk_id = 0;  ///< as it was trained, which files made by other means may disagree with
  std::string unk_piece = "<unk>";
  bool space_is_suffix = false;  ///< treat_whitespace_as_suffix
  NormalizerSpec normalizer;
  bool has_denormalizer = false;  ///< a denormalizer_spec with a character map
};

/// Reads a ModelProto from memory; `name` stands first in messages.
///
/// Throws Error(kCorrupt) if it ends early or is no such message; if a piece is empty, not UTF-8, or comes twice; if
/// there are no pieces, or not exactly one is of type UNKNOWN; if byte pieces and byte_fallback do not go together; if
/// precompiled_charsmap points outside itself. Throws Error(kUnsupported) if the model is of type WORD or CHAR.
SentencePieceModel parse_sentencepiece_model(std::string_view bytes, const std::string& name);

/// The same for a file. Throws Error(kNotFound, kIo) too.
SentencePieceModel read_sentencepiece_model(const std::filesystem::path& path);

/// Whether pieces of this type are never found in text.
bool is_reserved(PieceType type);

/// What the piece for a byte is called: "<0x0A>".
std::string byte_piece(uint8_t byte);

}  // namespace bertjit
