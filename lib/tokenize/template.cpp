#include "tokenize/template.h"

#include <algorithm>
#include <string>

#include "support/error.h"

namespace bertjit {

namespace {

TextLengths truncate_longest_first(const TextLengths& lengths, int64_t room, OddToken odd) {
  if (!lengths.second) {
    return {room, std::nullopt};
  }
  int64_t shorter = std::min(lengths.first, *lengths.second);
  int64_t longer = std::max(shorter, room - shorter);
  if (shorter + longer > room) {
    shorter = room / 2;
    longer = room - shorter;
    if (odd == OddToken::kToFirst) {
      return {longer, shorter};
    }
  }
  return lengths.first > *lengths.second ? TextLengths{longer, shorter} : TextLengths{shorter, longer};
}

int64_t truncate_one(int64_t length, int64_t excess, const char* name) {
  if (length <= excess) {
    throw Error(ErrorKind::kInvalidArgument, std::string("the ") + name + " text has " + std::to_string(length) +
                                                 " tokens, too few to cut " + std::to_string(excess) +
                                                 " from it alone; truncate longest_first instead");
  }
  return length - excess;
}

}  // namespace

EncodingTemplate bert_template(int32_t cls, int32_t sep, int separators, int64_t second_type_id) {
  const std::vector<int32_t> between(static_cast<size_t>(separators), sep);
  return {.single = {{TextSlot::kNone, {cls}, 0}, {TextSlot::kFirst, {}, 0}, {TextSlot::kNone, {sep}, 0}},
          .pair = {{TextSlot::kNone, {cls}, 0},
                   {TextSlot::kFirst, {}, 0},
                   {TextSlot::kNone, between, 0},
                   {TextSlot::kSecond, {}, second_type_id},
                   {TextSlot::kNone, {sep}, second_type_id}}};
}

EncodingTemplate marian_template(int32_t eos) {
  return {.single = {{TextSlot::kFirst, {}, 0}, {TextSlot::kNone, {eos}, 0}},
          .pair = {{TextSlot::kFirst, {}, 0}, {TextSlot::kSecond, {}, 0}, {TextSlot::kNone, {eos}, 0}}};
}

int64_t count_special_tokens(const std::vector<TemplatePiece>& pieces) {
  int64_t count = 0;
  for (const TemplatePiece& piece : pieces) {
    count += static_cast<int64_t>(piece.special_ids.size());
  }
  return count;
}

TextLengths truncate_lengths(const TextLengths& lengths, int64_t room, Truncation truncation, OddToken odd) {
  const int64_t excess = lengths.first + lengths.second.value_or(0) - room;
  if (truncation == Truncation::kNone || excess <= 0) {
    return lengths;
  }
  TextLengths kept = lengths;
  if (room == 0) {
    kept.first = 0;
    kept.second = lengths.second ? std::optional<int64_t>(0) : std::nullopt;
  } else if (truncation == Truncation::kLongestFirst) {
    kept = truncate_longest_first(lengths, room, odd);
  } else if (truncation == Truncation::kOnlyFirst) {
    kept.first = truncate_one(lengths.first, excess, "first");
  } else if (!lengths.second) {
    throw Error(ErrorKind::kInvalidArgument, "cannot truncate only the second text: there is none");
  } else {
    kept.second = truncate_one(*lengths.second, excess, "second");
  }
  return kept;
}

}  // namespace bertjit
