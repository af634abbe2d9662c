// What stands around the texts: [CLS] A [SEP] B [SEP] (tokenizers' TemplateProcessing), and how they are cut to fit.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tokenize/tokenizer.h"

namespace bertjit {

enum class TextSlot { kNone, kFirst, kSecond };

/// One place of a template: a text, or special tokens.
struct TemplatePiece {
  TextSlot slot = TextSlot::kNone;
  std::vector<int32_t> special_ids;  ///< empty unless slot is kNone
  int64_t type_id = 0;
};

/// The default puts nothing around the texts and gives the second one type 1.
struct EncodingTemplate {
  std::vector<TemplatePiece> single = {{TextSlot::kFirst, {}, 0}};
  std::vector<TemplatePiece> pair = {{TextSlot::kFirst, {}, 0}, {TextSlot::kSecond, {}, 1}};
};

/// `cls A sep`, and `cls A sep B sep` with `separators` times sep between the texts (MPNet and RoBERTa have two). The
/// second text and the sep that ends it have type `second_type_id` (BERT 1, RoBERTa 0), all else 0.
EncodingTemplate bert_template(int32_t cls, int32_t sep, int separators, int64_t second_type_id = 1);

/// `A eos`, and `A B eos`: all of type 0.
EncodingTemplate marian_template(int32_t eos);

/// Number of special tokens in a template.
int64_t count_special_tokens(const std::vector<TemplatePiece>& pieces);

struct TextLengths {
  int64_t first = 0;
  std::optional<int64_t> second;  ///< absent: there is no pair

  bool operator==(const TextLengths&) const = default;
};

/// Which text keeps one more where kLongestFirst cuts both to halves and the room is odd.
enum class OddToken {
  kToLonger,  ///< the second if they are equally long: fast tokenizers
  kToFirst,   ///< slow ones (Marian)
};

/// How many tokens of each text stay so that both together have at most `room`, special tokens not counted.
///
/// As tokenizers' truncate_encodings: with kLongestFirst the shorter text stays whole while it fits, otherwise each
/// gets half and `odd` says which the odd one. A room of 0 empties both, whatever the strategy.
/// Throws Error(kInvalidArgument) if the one text to be cut is absent, or would have to become empty.
TextLengths truncate_lengths(const TextLengths& lengths, int64_t room, Truncation truncation,
                             OddToken odd = OddToken::kToLonger);

}  // namespace bertjit
