// Byte-pair encoding: a word's characters, joined two by two in the order the pairs were learnt (Sennrich et al. 2016;
// tokenizers' BPE). Byte-level BPE is this after byte_level.h.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenize/vocabulary.h"
#include "tokenize/word_model.h"

namespace bertjit {

/// Named as in tokenizer.json.
struct BpeOptions {
  std::optional<std::string> unk_token;   ///< for a character the vocabulary lacks; absent: it is left out
  std::string continuing_subword_prefix;  ///< before each character of a word but the first
  std::string end_of_word_suffix;         ///< after the last one
  bool fuse_unk = false;                  ///< one unk_token for neighbours, rather than one for each
  bool byte_fallback = false;             ///< "<0xE2>" and so on for a character's bytes, before unk_token
  bool ignore_merges = false;             ///< a word of the vocabulary is itself, whatever the merges make of it
};

/// The two parts of each merge, by rank.
using Merges = std::vector<std::pair<std::string, std::string>>;

class Bpe final : public WordModel {
 public:
  /// A merge that is listed twice has the later rank. `file` stands first in messages. Throws Error(kCorrupt) if the
  /// vocabulary lacks unk_token, or a merge's parts or their union.
  Bpe(std::shared_ptr<const Vocabulary> vocabulary, const Merges& merges, const BpeOptions& options,
      const std::string& file);

  void append_ids(std::span<const std::string_view> words, std::vector<int32_t>& ids) const override;

 private:
  struct Merge {
    uint32_t rank;
    int32_t id;  ///< of the union; kAbsent: no merge
  };
  /// Pairs of ids to merges: open addressing, as this is looked up more than anything else.
  class MergeTable {
   public:
    explicit MergeTable(size_t count);
    void insert(int32_t left, int32_t right, Merge merge);
    Merge find(int32_t left, int32_t right) const {
      const uint64_t pair = key(left, right);
      for (size_t i = slot(pair);; i = (i + 1) & (slots_.size() - 1)) {
        if (slots_[i].pair == pair || slots_[i].merge.id == Vocabulary::kAbsent) {
          return slots_[i].merge;
        }
      }
    }

   private:
    struct Slot {
      uint64_t pair;
      Merge merge;
    };
    static uint64_t key(int32_t left, int32_t right) {
      return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
    }
    size_t slot(uint64_t pair) const {
      return (pair * 0x9E3779B97F4A7C15) >> shift_;
    }
    std::vector<Slot> slots_;
    int shift_;
  };
  struct Symbol {
    int32_t id;
    Merge with_next;  ///< kAbsent: does not join with the next one
  };
  struct Scratch {
    std::vector<Symbol> symbols;
    std::string text;
  };

  std::string_view add_affixes(std::string_view character, bool is_first, bool is_last, std::string& scratch) const;
  int32_t find_character(std::string_view character) const;
  bool append_byte_tokens(std::string_view text, std::vector<Symbol>& symbols) const;
  void split_word(std::string_view word, Scratch& scratch) const;
  void merge_short(std::vector<Symbol>& symbols) const;
  void merge_long(std::vector<Symbol>& symbols) const;
  void append_word(std::string_view word, Scratch& scratch, std::vector<int32_t>& ids) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  BpeOptions options_;
  MergeTable merges_;
  int32_t unk_id_ = Vocabulary::kAbsent;
  std::array<int32_t, 0x200> characters_;  ///< ids of the first characters, the byte-level alphabet among them
  /// What is known of each id's own token, taken as a word: nothing yet, that it is encoded as itself, or that it is
  /// not. Most words are in the vocabulary, and this saves them the merging; threads may find out the same at once.
  enum Whole : uint8_t { kUnknown, kYes, kNo };
  mutable std::vector<std::atomic<uint8_t>> is_whole_;
};

}  // namespace bertjit
