#include "tokenize/sentencepiece_processor.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

#include "support/error.h"
#include "tokenize/score_bpe.h"
#include "tokenize/sentencepiece_text.h"
#include "tokenize/unicode.h"
#include "tokenize/unigram_lattice.h"

namespace bertjit {

namespace {

using Lattice = UnigramLattice<float>;
using Segment = ScoreBpe::Segment;

constexpr float kUnknownPenalty = 10;
constexpr std::string_view kMark = "▁";
constexpr std::string_view kUnknownSurface = " \u2047 ";

/// User-defined pieces have a score that all but always wins.
float score_of(const SentencePieceModel::Piece& piece) {
  constexpr float kBonus = 0.1F;
  return piece.type == PieceType::kUserDefined ? static_cast<float>(piece.text.size()) * kBonus - kBonus : piece.score;
}

/// Only normal and user-defined pieces are found in text.
Lattice make_lattice(const SentencePieceModel& model) {
  std::vector<std::pair<std::string_view, int32_t>> pieces;
  std::vector<float> scores;
  int32_t unk_id = Lattice::kNone;
  float least = std::numeric_limits<float>::max();
  for (const auto& piece : model.pieces) {
    const auto id = static_cast<int32_t>(scores.size());
    scores.push_back(score_of(piece));
    if (piece.type == PieceType::kUnknown) {
      unk_id = id;
    } else if (piece.type == PieceType::kNormal || piece.type == PieceType::kUserDefined) {
      pieces.emplace_back(piece.text, id);
      least = piece.type == PieceType::kNormal ? std::min(least, piece.score) : least;
    }
  }
  return {std::move(pieces), std::move(scores), unk_id, least - kUnknownPenalty};
}

std::vector<Segment> read_path(std::string_view text, const Lattice& lattice) {
  std::vector<Lattice::Node> nodes;
  lattice.find_best_path(text, nodes);
  std::vector<Segment> segments;
  for (size_t end = text.size(); end > 0; end = nodes[end].begin) {
    segments.push_back({text.substr(nodes[end].begin, end - nodes[end].begin), nodes[end].id != lattice.unk_id()});
  }
  std::reverse(segments.begin(), segments.end());
  return segments;
}

/// Pieces of the segments: neighbours that are unknown count as one, or as bytes.
std::vector<std::string> name_pieces(const std::vector<Segment>& segments, bool byte_fallback) {
  std::vector<std::string> pieces;
  bool after_unknown = false;
  for (const Segment& segment : segments) {
    if (!segment.is_known && byte_fallback) {
      for (const char c : segment.text) {
        pieces.push_back(byte_piece(static_cast<uint8_t>(c)));
      }
    } else if (!segment.is_known && after_unknown) {
      pieces.back() += segment.text;
    } else {
      pieces.emplace_back(segment.text);
    }
    after_unknown = !segment.is_known;
  }
  return pieces;
}

/// Unlike elsewhere, each byte that is not part of a character becomes a U+FFFD of its own.
void append_characters(std::string_view bytes, std::string& text) {
  constexpr std::string_view kReplacement = "\uFFFD";
  for (size_t i = 0; i < bytes.size();) {
    size_t end = i;
    const char32_t c = next_code_point(bytes, end);
    const std::string_view character = bytes.substr(i, end - i);
    const bool is_malformed = c == 0xFFFD && character != kReplacement;
    text += is_malformed ? kReplacement : character;
    i = is_malformed ? i + 1 : end;
  }
}

void append_unmarked(std::string_view piece, std::string& text) {
  for (size_t begin = 0; begin < piece.size();) {
    const size_t mark = std::min(piece.find(kMark, begin), piece.size());
    text += piece.substr(begin, mark - begin);
    text += mark < piece.size() ? " " : "";
    begin = mark + kMark.size();
  }
}

}  // namespace

struct SentencePieceProcessor::Parts {
  Parts(const SentencePieceModel& model, const std::string& file);

  SentencePieceText text;
  std::optional<Lattice> lattice;
  std::optional<ScoreBpe> bpe;
  bool byte_fallback;
  bool drops_first_mark;
  bool drops_first_marks;                            ///< those of several pieces, while there is nothing else
  std::unordered_map<std::string, PieceType> types;  ///< by piece
};

SentencePieceProcessor::Parts::Parts(const SentencePieceModel& model, const std::string& file)
    : text(model, file),
      byte_fallback(model.byte_fallback),
      drops_first_mark(model.normalizer.add_dummy_prefix || model.normalizer.remove_extra_whitespaces),
      drops_first_marks(model.normalizer.remove_extra_whitespaces) {
  if (model.has_denormalizer) {
    throw Error(ErrorKind::kUnsupported, file + ": has a denormalizer_spec; supported: none");
  }
  if (model.model == PieceModel::kBpe) {
    bpe.emplace(model, file);
  } else {
    lattice.emplace(make_lattice(model));
  }
  for (const auto& piece : model.pieces) {
    if (is_reserved(piece.type)) {
      types[piece.text] = piece.type;
    } else {
      types.emplace(piece.text, piece.type);
    }
  }
}

SentencePieceProcessor::SentencePieceProcessor(const std::filesystem::path& path)
    : parts_(std::make_unique<Parts>(read_sentencepiece_model(path), path.string())) {}

SentencePieceProcessor::~SentencePieceProcessor() = default;

std::vector<std::string> SentencePieceProcessor::encode(std::string_view text) const {
  const std::string normalized = parts_->text.normalize(text);
  return name_pieces(parts_->bpe ? parts_->bpe->segment(normalized) : read_path(normalized, *parts_->lattice),
                     parts_->byte_fallback);
}

std::string SentencePieceProcessor::decode(const std::vector<std::string>& pieces) const {
  std::string text;
  std::string bytes;
  bool may_drop = parts_->drops_first_mark;
  for (const std::string& piece : pieces) {
    const auto known = parts_->types.find(piece);
    const PieceType type = known == parts_->types.end() ? PieceType::kUnused : known->second;
    if (type == PieceType::kByte) {
      bytes.push_back(static_cast<char>(std::stoi(piece.substr(3, 2), nullptr, 16)));
      continue;
    }
    append_characters(bytes, text);
    bytes.clear();
    if (type == PieceType::kUnknown) {
      text += kUnknownSurface;
    } else if (known == parts_->types.end()) {
      text += piece;
    } else if (type != PieceType::kControl) {
      const bool drops_mark = may_drop && text.empty() && piece.starts_with(kMark);
      may_drop = may_drop && (!drops_mark || parts_->drops_first_marks);
      append_unmarked(std::string_view(piece).substr(drops_mark ? kMark.size() : 0), text);
    }
  }
  append_characters(bytes, text);
  return text;
}

}  // namespace bertjit
