#include "tokenize/sentencepiece_text.h"

#include "tokenize/unicode.h"

namespace bertjit {

namespace {

constexpr std::string_view kMark = "▁";

}  // namespace

std::vector<std::pair<std::string_view, int32_t>> user_defined_pieces(const SentencePieceModel& model) {
  std::vector<std::pair<std::string_view, int32_t>> pieces;
  for (const auto& piece : model.pieces) {
    if (piece.type == PieceType::kUserDefined) {
      pieces.emplace_back(piece.text, 0);
    }
  }
  return pieces;
}

SentencePieceText::SentencePieceText(const SentencePieceModel& model, const std::string& name)
    : spec_(model.normalizer), space_is_suffix_(model.space_is_suffix), user_defined_(user_defined_pieces(model)) {
  if (!spec_.precompiled_charsmap.empty()) {
    map_.emplace(spec_.precompiled_charsmap, name);
  }
}

SentencePieceText::Prefix SentencePieceText::normalize_prefix(std::string_view text) const {
  size_t user_defined = 0;
  user_defined_.visit_prefixes(text, [&](size_t length, int32_t) { user_defined = length; });
  if (user_defined > 0) {
    return {text.substr(0, user_defined), user_defined};
  }
  if (map_) {
    if (const auto match = map_->find_longest(text)) {
      return {match->mapped, match->length};
    }
  }
  size_t length = 0;
  next_code_point(text, length);
  return {text.substr(0, length), length};
}

std::string_view SentencePieceText::skip_spaces(std::string_view text) const {
  while (!text.empty()) {
    const Prefix prefix = normalize_prefix(text);
    if (prefix.normal != " ") {
      break;
    }
    text.remove_prefix(prefix.length);
  }
  return text;
}

std::string SentencePieceText::normalize(std::string_view text) const {
  const std::string_view space = spec_.escape_whitespaces ? kMark : std::string_view(" ");
  const bool single = spec_.remove_extra_whitespaces;
  std::string out;
  if (single) {
    text = skip_spaces(text);
  }
  if (text.empty()) {
    return out;
  }
  if (!space_is_suffix_ && spec_.add_dummy_prefix) {
    out += space;
  }
  bool after_space = single;
  while (!text.empty()) {
    const Prefix prefix = normalize_prefix(text);
    text.remove_prefix(prefix.length);
    std::string_view normal = prefix.normal;
    while (after_space && normal.starts_with(' ')) {
      normal.remove_prefix(1);
    }
    if (normal.empty()) {
      continue;
    }
    for (const char c : normal) {
      if (c == ' ') {
        out += space;
      } else {
        out += c;
      }
    }
    after_space = single && normal.ends_with(' ');
  }
  while (single && out.ends_with(space)) {
    out.resize(out.size() - space.size());
  }
  if (space_is_suffix_ && spec_.add_dummy_prefix) {
    out += space;
  }
  return out;
}

}  // namespace bertjit
