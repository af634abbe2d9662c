#include "tokenize/added_tokens.h"

#include <algorithm>

#include "tokenize/unicode.h"

namespace bertjit {

namespace {

bool is_word_before(std::string_view text, size_t position) {
  return position > 0 && is_word_character(previous_code_point(text, position));
}

bool is_word_at(std::string_view text, size_t position) {
  return position < text.size() && is_word_character(next_code_point(text, position));
}

/// Start of the white space that ends at `end`, not before `floor`.
size_t white_space_begin(std::string_view text, size_t floor, size_t end) {
  size_t begin = end;
  while (begin > floor && is_white_space(previous_code_point(text, end))) {
    begin = end;
  }
  return std::max(begin, floor);
}

size_t white_space_end(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && is_white_space(next_code_point(text, begin))) {
    end = begin;
  }
  return end;
}

}  // namespace

PatternMatcher::PatternMatcher(std::vector<Pattern> patterns) : patterns_(std::move(patterns)) {
  std::erase_if(patterns_, [](const Pattern& pattern) { return pattern.text.empty(); });
  std::stable_sort(patterns_.begin(), patterns_.end(),
                   [](const Pattern& a, const Pattern& b) { return a.text < b.text; });
  const auto same_text = [](const Pattern& a, const Pattern& b) { return a.text == b.text; };
  patterns_.erase(std::unique(patterns_.begin(), patterns_.end(), same_text), patterns_.end());
  for (const Pattern& pattern : patterns_) {
    starts_[static_cast<uint8_t>(pattern.text[0])] = true;
  }
}

const PatternMatcher::Pattern* PatternMatcher::longest_at(std::string_view text) const {
  const Pattern* longest = nullptr;
  auto begin = patterns_.begin();
  auto end = patterns_.end();
  // [begin, end) are the patterns that share the first `depth` bytes with the text; the shortest of them comes first.
  for (size_t depth = 0; begin != end && depth < text.size(); ++depth) {
    const auto byte_at = [depth](const Pattern& p) { return static_cast<uint8_t>(p.text[depth]); };
    const auto byte = static_cast<uint8_t>(text[depth]);
    begin = std::partition_point(begin, end, [&](const Pattern& p) { return byte_at(p) < byte; });
    end = std::partition_point(begin, end, [&](const Pattern& p) { return byte_at(p) == byte; });
    if (begin != end && begin->text.size() == depth + 1) {
      longest = &*begin++;
    }
  }
  return longest;
}

std::optional<PatternMatcher::Match> PatternMatcher::find(std::string_view text, size_t from) const {
  for (size_t i = from; i < text.size(); ++i) {
    if (starts_[static_cast<uint8_t>(text[i])]) {
      if (const Pattern* pattern = longest_at(text.substr(i))) {
        return Match{i, i + pattern->text.size(), pattern->number};
      }
    }
  }
  return std::nullopt;
}

int32_t AddedTokens::next_id(const Vocabulary& vocabulary) const {
  const auto after_vocabulary = static_cast<int32_t>(vocabulary.size());
  return by_id_.empty() ? after_vocabulary
                        : std::max(after_vocabulary, static_cast<int32_t>(by_id_.rbegin()->first) + 1);
}

void AddedTokens::add(const AddedToken& token, const Vocabulary& vocabulary) {
  if (token.content.empty()) {
    return;
  }
  const auto known = by_content_.find(token.content);
  if (known != by_content_.end()) {
    entries_[known->second].token = token;
    return;
  }
  int32_t id = vocabulary.find(token.content);
  if (id == Vocabulary::kAbsent) {
    id = next_id(vocabulary);
    ++count_new_;
  }
  by_content_[token.content] = entries_.size();
  by_id_[id] = entries_.size();
  entries_.push_back({token, id, token.normalized});
}

void AddedTokens::build_matchers(const std::function<std::string(std::string_view)>& normalize) {
  std::vector<PatternMatcher::Pattern> raw;
  std::vector<PatternMatcher::Pattern> normalized;
  // Special tokens first: where two look alike once normalized, tokenizers prefers them.
  for (const bool special : {true, false}) {
    for (size_t i = 0; i < entries_.size(); ++i) {
      const Entry& entry = entries_[i];
      if (entry.token.special != special) {
        continue;
      }
      if (entry.match_normalized) {
        normalized.push_back({normalize(entry.token.content), i});
      } else {
        raw.push_back({entry.token.content, i});
      }
    }
  }
  raw_ = PatternMatcher(std::move(raw));
  normalized_ = PatternMatcher(std::move(normalized));
}

void AddedTokens::split(std::string_view text, const PatternMatcher& matcher, std::vector<TextPiece>& pieces) const {
  size_t done = 0;
  for (auto match = matcher.find(text, 0); match; match = matcher.find(text, match->end)) {
    const Entry& entry = entries_[match->number];
    if (entry.token.single_word && (is_word_before(text, match->begin) || is_word_at(text, match->end))) {
      continue;
    }
    const size_t begin = entry.token.lstrip ? white_space_begin(text, done, match->begin) : match->begin;
    if (begin > done) {
      pieces.push_back({text.substr(done, begin - done)});
    }
    pieces.push_back({{}, entry.id});
    done = entry.token.rstrip ? white_space_end(text, match->end) : match->end;
  }
  if (done < text.size()) {
    pieces.push_back({text.substr(done)});
  }
}

void AddedTokens::split_raw(std::string_view text, std::vector<TextPiece>& pieces) const {
  split(text, raw_, pieces);
}

void AddedTokens::split_normalized(std::string_view text, std::vector<TextPiece>& pieces) const {
  split(text, normalized_, pieces);
}

std::optional<int32_t> AddedTokens::find(std::string_view content) const {
  const auto known = by_content_.find(content);
  return known == by_content_.end() ? std::nullopt : std::optional(entries_[known->second].id);
}

bool AddedTokens::is_special(std::string_view content) const {
  const auto known = by_content_.find(content);
  return known != by_content_.end() && entries_[known->second].token.special;
}

std::vector<std::string> AddedTokens::contents() const {
  std::vector<std::string> contents;
  for (const Entry& entry : entries_) {
    contents.push_back(entry.token.content);
  }
  return contents;
}

std::optional<std::string_view> AddedTokens::token(int64_t id) const {
  const auto known = by_id_.find(id);
  return known == by_id_.end() ? std::nullopt : std::optional<std::string_view>(entries_[known->second].token.content);
}

}  // namespace bertjit
