#include "tokenize/bpe.h"

#include <bit>
#include <queue>

#include "support/error.h"
#include "tokenize/unicode.h"

namespace bertjit {

namespace {

/// Up to here looking for the best pair over and over is faster than keeping a heap.
constexpr size_t kShortWord = 40;

size_t character_length(char first_byte) {
  const auto byte = static_cast<uint8_t>(first_byte);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

}  // namespace

Bpe::MergeTable::MergeTable(size_t count) {
  const int bits = std::bit_width(std::max<size_t>(count, 4) * 2);
  slots_.assign(size_t{1} << bits, {0, {0, Vocabulary::kAbsent}});
  shift_ = 64 - bits;
}

void Bpe::MergeTable::insert(int32_t left, int32_t right, Merge merge) {
  const uint64_t pair = key(left, right);
  size_t i = slot(pair);
  while (slots_[i].merge.id != Vocabulary::kAbsent && slots_[i].pair != pair) {
    i = (i + 1) & (slots_.size() - 1);
  }
  slots_[i] = {pair, merge};
}

Bpe::Bpe(std::shared_ptr<const Vocabulary> vocabulary, const Merges& merges, const BpeOptions& options,
         const std::string& file)
    : vocabulary_(std::move(vocabulary)), options_(options), merges_(merges.size()), is_whole_(vocabulary_->size()) {
  const auto require = [&](const std::string& token, const std::string& role) {
    const int32_t id = vocabulary_->find(token);
    if (id == Vocabulary::kAbsent) {
      throw Error(ErrorKind::kCorrupt, file + ": " + role + " '" + token + "' is not in the vocabulary");
    }
    return id;
  };
  if (options_.unk_token) {
    unk_id_ = require(*options_.unk_token, "unk_token");
  }
  const std::string& prefix = options_.continuing_subword_prefix;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    const std::string role = "merge " + std::to_string(rank + 1) + " of '" + left + "' and '" + right + "':";
    const std::string joined = left + right.substr(std::min(prefix.size(), right.size()));
    const int32_t left_id = require(left, role);
    const int32_t right_id = require(right, role);
    merges_.insert(left_id, right_id, {static_cast<uint32_t>(rank), require(joined, role)});
  }
  for (size_t c = 0; c < characters_.size(); ++c) {
    std::string text;
    append_utf8(static_cast<char32_t>(c), text);
    characters_[c] = vocabulary_->find(text);
  }
}

std::string_view Bpe::add_affixes(std::string_view character, bool is_first, bool is_last, std::string& scratch) const {
  const std::string_view prefix = is_first ? std::string_view() : options_.continuing_subword_prefix;
  const std::string_view suffix = is_last ? options_.end_of_word_suffix : std::string_view();
  if (prefix.empty() && suffix.empty()) {
    return character;
  }
  return scratch.assign(prefix).append(character).append(suffix);
}

int32_t Bpe::find_character(std::string_view character) const {
  if (character.size() <= 2) {
    size_t position = 0;
    const char32_t c = next_code_point(character, position);
    if (c < characters_.size() && position == character.size()) {
      return characters_[c];
    }
  }
  return vocabulary_->find(character);
}

bool Bpe::append_byte_tokens(std::string_view text, std::vector<Symbol>& symbols) const {
  constexpr char kDigits[] = "0123456789ABCDEF";
  const size_t old_size = symbols.size();
  std::string token = "<0x00>";
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    token[3] = kDigits[byte >> 4];
    token[4] = kDigits[byte & 0xF];
    const int32_t id = vocabulary_->find(token);
    if (id == Vocabulary::kAbsent) {
      symbols.resize(old_size);
      return false;
    }
    symbols.push_back({id, {}});
  }
  return true;
}

void Bpe::split_word(std::string_view word, Scratch& scratch) const {
  std::vector<Symbol>& symbols = scratch.symbols;
  symbols.clear();
  // An unknown character waits, to be fused with the next; tokens of byte_fallback overtake it, as in tokenizers.
  bool unknown_waits = false;
  for (size_t begin = 0; begin < word.size();) {
    const size_t end = std::min(begin + character_length(word[begin]), word.size());
    const std::string_view character =
        add_affixes(word.substr(begin, end - begin), begin == 0, end == word.size(), scratch.text);
    begin = end;
    const int32_t id = find_character(character);
    if (id != Vocabulary::kAbsent) {
      if (unknown_waits) {
        symbols.push_back({unk_id_, {}});
        unknown_waits = false;
      }
      symbols.push_back({id, {}});
      continue;
    }
    if (options_.byte_fallback && append_byte_tokens(character, symbols)) {
      continue;
    }
    if (unk_id_ != Vocabulary::kAbsent) {
      if (unknown_waits && !options_.fuse_unk) {
        symbols.push_back({unk_id_, {}});
      }
      unknown_waits = true;
    }
  }
  if (unknown_waits) {
    symbols.push_back({unk_id_, {}});
  }
}

void Bpe::merge_short(std::vector<Symbol>& symbols) const {
  const auto look_up = [&](size_t i) {
    symbols[i].with_next =
        i + 1 < symbols.size() ? merges_.find(symbols[i].id, symbols[i + 1].id) : Merge{0, Vocabulary::kAbsent};
  };
  for (size_t i = 0; i < symbols.size(); ++i) {
    look_up(i);
  }
  while (true) {
    size_t best = symbols.size();
    for (size_t i = 0; i < symbols.size(); ++i) {
      const Merge& merge = symbols[i].with_next;
      if (merge.id != Vocabulary::kAbsent && (best == symbols.size() || merge.rank < symbols[best].with_next.rank)) {
        best = i;
      }
    }
    if (best == symbols.size()) {
      return;
    }
    symbols[best].id = symbols[best].with_next.id;
    symbols.erase(symbols.begin() + static_cast<ptrdiff_t>(best) + 1);
    look_up(best);
    if (best > 0) {
      look_up(best - 1);
    }
  }
}

void Bpe::merge_long(std::vector<Symbol>& symbols) const {
  // A linked list of what is left, and a heap of the pairs that were seen; an entry whose pair is gone is passed over.
  struct Link {
    size_t previous;
    size_t next;
  };
  struct Candidate {
    uint32_t rank;
    int32_t id;
    size_t position;

    bool operator<(const Candidate& other) const {  // the greatest comes first out of the heap
      return rank != other.rank ? rank > other.rank : position > other.position;
    }
  };
  const size_t none = symbols.size();
  std::vector<Link> links(symbols.size());
  std::vector<Candidate> seen;
  seen.reserve(symbols.size());
  for (size_t i = 0; i < symbols.size(); ++i) {
    links[i] = {i == 0 ? none : i - 1, i + 1};
    if (i + 1 < symbols.size()) {
      if (const Merge merge = merges_.find(symbols[i].id, symbols[i + 1].id); merge.id != Vocabulary::kAbsent) {
        seen.push_back({merge.rank, merge.id, i});
      }
    }
  }
  std::priority_queue<Candidate> queue({}, std::move(seen));
  const auto push = [&](size_t left, size_t right) {
    const Merge merge = merges_.find(symbols[left].id, symbols[right].id);
    if (merge.id != Vocabulary::kAbsent) {
      queue.push({merge.rank, merge.id, left});
    }
  };
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    const size_t right = symbols[top.position].id == Vocabulary::kAbsent ? none : links[top.position].next;
    if (right == none || merges_.find(symbols[top.position].id, symbols[right].id).id != top.id) {
      continue;
    }
    symbols[top.position].id = top.id;
    symbols[right].id = Vocabulary::kAbsent;
    const size_t next = links[right].next;
    links[top.position].next = next;
    if (links[top.position].previous != none) {
      push(links[top.position].previous, top.position);
    }
    if (next != none) {
      links[next].previous = top.position;
      push(top.position, next);
    }
  }
  std::erase_if(symbols, [](const Symbol& symbol) { return symbol.id == Vocabulary::kAbsent; });
}

void Bpe::append_word(std::string_view word, Scratch& scratch, std::vector<int32_t>& ids) const {
  int32_t whole = Vocabulary::kAbsent;
  if (word.size() <= vocabulary_->longest_token_bytes()) {
    whole = vocabulary_->find(word);
  }
  const bool is_cached = whole != Vocabulary::kAbsent && static_cast<size_t>(whole) < is_whole_.size();
  if (whole != Vocabulary::kAbsent &&
      (options_.ignore_merges ||
       (is_cached && is_whole_[static_cast<size_t>(whole)].load(std::memory_order_relaxed) == kYes))) {
    ids.push_back(whole);
    return;
  }
  split_word(word, scratch);
  if (scratch.symbols.size() <= kShortWord) {
    merge_short(scratch.symbols);
  } else {
    merge_long(scratch.symbols);
  }
  for (const Symbol& symbol : scratch.symbols) {
    ids.push_back(symbol.id);
  }
  if (is_cached) {
    const bool is_itself = scratch.symbols.size() == 1 && scratch.symbols[0].id == whole;
    is_whole_[static_cast<size_t>(whole)].store(is_itself ? kYes : kNo, std::memory_order_relaxed);
  }
}

void Bpe::append_ids(std::span<const std::string_view> words, std::vector<int32_t>& ids) const {
  Scratch scratch;
  for (const std::string_view word : words) {
    append_word(word, scratch, ids);
  }
}

}  // namespace bertjit
