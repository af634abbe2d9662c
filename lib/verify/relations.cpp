#include "verify/relations.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace bertjit {

namespace {

constexpr int64_t kFewTokens = 3;

TokenSpan hidden_tokens(const ProbeShape& shape) {
  return {(shape.tokens + 1) / 2, shape.tokens};
}

size_t mask_of(const Probes& probes) {
  return *probes.find(Role::kMask);
}

BoundBatch with_hidden_end(const Probes& probes, const ProbeShape& shape) {
  return probes.fill(probes.make(shape), mask_of(probes), hidden_tokens(shape), 0);
}

BoundBatch with_other_hidden_words(const Probes& probes, const BoundBatch& batch, TokenSpan hidden) {
  hidden.start += probes.reach();
  const BoundBatch changed = probes.other_words(batch, hidden);
  const auto segments = probes.find(Role::kSegments);
  return segments ? probes.fill(changed, *segments, hidden, 0) : changed;
}

/// What both say of the tokens that are not hidden.
Asked compare_seen(Probes& probes, const ProbeShape& shape, const BoundBatch& first, const BoundBatch& second) {
  const TokenSpan seen{0, hidden_tokens(shape).start};
  return {probes.compare(probes.part(probes.run(first), shape.tokens, seen),
                         probes.part(probes.run(second), shape.tokens, seen), Strictness::kSameSums),
          first, second};
}

Asked other_hidden_words(Probes& probes, const ProbeShape& shape) {
  const BoundBatch first = with_hidden_end(probes, shape);
  return compare_seen(probes, shape, first, with_other_hidden_words(probes, first, hidden_tokens(shape)));
}

/// Rows that are hidden unlike: one mask for all of them shows.
Asked other_hidden_words_of_one_row(Probes& probes, const ProbeShape& shape) {
  const BoundBatch first = probes.last_row_of(with_hidden_end(probes, shape), probes.make(shape));
  const BoundBatch changed = with_other_hidden_words(probes, first, hidden_tokens(shape));
  return compare_seen(probes, shape, first, probes.last_row_of(changed, first));
}

Asked padded_to(Probes& probes, const ProbeShape& shape, int64_t tokens) {
  // Where a hidden word may reach its neighbour, those that are added stand behind others that are hidden.
  const bool is_hidden = probes.reach() > 0;
  const TokenSpan seen{0, is_hidden ? hidden_tokens(shape).start : shape.tokens};
  const BoundBatch first = is_hidden ? with_hidden_end(probes, shape) : probes.make(shape);
  const BoundBatch second = probes.extend(first, tokens - shape.tokens);
  const ProbeOutputs expected = probes.run(first);
  const ProbeOutputs actual = probes.narrowed(probes.run(second), expected, shape.tokens, tokens);
  return {probes.compare(probes.part(expected, shape.tokens, seen), probes.part(actual, shape.tokens, seen),
                         Strictness::kRegroupedSums),
          first, second};
}

/// One row where others may be asked for: long ones take time.
int64_t fewest_rows(const Probes& probes, const ProbeShape& shape) {
  return probes.may_change_rows() ? 1 : shape.rows;
}

Asked padded(Probes& probes, const ProbeShape& shape) {
  return padded_to(probes, shape, shape.tokens + kFewTokens);
}

Asked padded_to_longest(Probes& probes, const ProbeShape& shape) {
  return padded_to(probes, {fewest_rows(probes, shape), shape.tokens}, probes.longest());
}

ProbeOutputs rows_of(const ProbeOutputs& outputs, const std::vector<int64_t>& rows) {
  ProbeOutputs result = outputs;
  for (ProbeOutput& output : result) {
    if (output.value.defined()) {
      output.value = output.value.index_select(0, at::tensor(rows, at::kLong));
    }
  }
  return result;
}

Asked row_alone(Probes& probes, const ProbeShape& shape) {
  const BoundBatch all = probes.make(shape);
  const ProbeOutputs together = probes.run(all);
  std::optional<Asked> worst;
  for (int64_t row = 0; row < shape.rows; ++row) {
    const BoundBatch alone = probes.select_rows(all, {row});
    Gap gap = probes.compare(rows_of(together, {row}), probes.run(alone), Strictness::kRegroupedSums);
    if (!worst || gap.violated() || gap.share > worst->gap.share) {
      worst = Asked{std::move(gap), all, alone};
    }
    if (worst->gap.violated()) {
      break;
    }
  }
  return *worst;
}

Asked other_order_of_rows(Probes& probes, const ProbeShape& shape) {
  const BoundBatch first = probes.make(shape);
  std::vector<int64_t> reversed;
  for (int64_t row = shape.rows - 1; row >= 0; --row) {
    reversed.push_back(row);
  }
  const BoundBatch second = probes.select_rows(first, reversed);
  return {probes.compare(rows_of(probes.run(first), reversed), probes.run(second), Strictness::kRegroupedSums), first,
          second};
}

Asked row_twice(Probes& probes, const ProbeShape& shape) {
  const BoundBatch first = probes.make(shape);
  std::vector<int64_t> twice;
  for (int64_t row = 0; row < 2 * shape.rows; ++row) {
    twice.push_back(row % shape.rows);
  }
  const BoundBatch second = probes.select_rows(first, twice);
  return {probes.compare(rows_of(probes.run(first), twice), probes.run(second), Strictness::kRegroupedSums), first,
          second};
}

BoundBatch with_dtype(const Probes& probes, const BoundBatch& batch, bool of_masks, at::ScalarType dtype) {
  BoundBatch result = batch;
  for (size_t i = 0; i < probes.inputs().size(); ++i) {
    const Role role = probes.inputs()[i].role;
    if (role != Role::kOther && (role == Role::kMask) == of_masks) {
      result.values[i] = batch.tensor(i).to(dtype);
    }
  }
  return result;
}

Asked of_dtype(Probes& probes, const ProbeShape& shape, bool of_masks, at::ScalarType dtype) {
  const BoundBatch first = of_masks ? with_hidden_end(probes, shape) : probes.make(shape);
  const BoundBatch second = with_dtype(probes, first, of_masks, dtype);
  return {probes.compare(probes.run(first), probes.run(second), Strictness::kRegroupedSums), first, second};
}

Asked ids_of_32_bits(Probes& probes, const ProbeShape& shape) {
  return of_dtype(probes, shape, false, at::kInt);
}

Asked mask_of_floats(Probes& probes, const ProbeShape& shape) {
  return of_dtype(probes, shape, true, at::kFloat);
}

Asked mask_of_bools(Probes& probes, const ProbeShape& shape) {
  return of_dtype(probes, shape, true, at::kBool);
}

BoundBatch with_reversed_words(const Probes& probes, const BoundBatch& batch, const TokenSpan& tokens) {
  BoundBatch result = batch;
  const size_t ids = *probes.find(Role::kIds);
  at::Tensor words = batch.tensor(ids).clone();
  words.slice(-1, tokens.start, tokens.end).copy_(batch.tensor(ids).slice(-1, tokens.start, tokens.end).flip(-1));
  result.values[ids] = words;
  return result;
}

/// Other words must change the answer by so many times what rounding does, for their order to show.
constexpr double kTellingShare = 1000;

/// The words of `tokens` in another order, as seen by the tokens before them; where those do not see them, behind a
/// causal mask, by the last.
Asked reversed_words(Probes& probes, const ProbeShape& shape, TokenSpan tokens) {
  BoundBatch first = probes.make(shape);
  if (const auto segments = probes.find(Role::kSegments)) {
    first = probes.fill(first, *segments, {0, shape.tokens}, 0);
  }
  const ProbeOutputs answer = probes.run(first);
  TokenSpan seen{0, tokens.start};
  bool is_causal = false;
  const auto compare = [&](const BoundBatch& second) {
    return probes.compare(probes.part(answer, shape.tokens, seen, is_causal),
                          probes.part(probes.run(second), shape.tokens, seen, is_causal), Strictness::kRoundingAlone);
  };
  Gap control = compare(probes.other_words(first, tokens));
  if (!control.violated()) {
    is_causal = true;
    --tokens.end;
    seen = {tokens.end, shape.tokens};
    control = compare(probes.other_words(first, tokens));
  }
  const BoundBatch second = with_reversed_words(probes, first, tokens);
  // Where other words change little, as before any training, another order may be lost in rounding.
  return {control.share < kTellingShare ? Gap{} : compare(second), first, second};
}

Asked order_of_words(Probes& probes, const ProbeShape& shape) {
  return reversed_words(probes, shape, {1, shape.tokens});
}

/// First of the positions that neither the example nor other probes reach.
int64_t first_far_position(const Probes& probes, const ProbeShape& shape) {
  return std::max(probes.example_shape().tokens, shape.tokens);
}

Asked order_of_far_words(Probes& probes, const ProbeShape& shape) {
  return reversed_words(probes, {fewest_rows(probes, shape), probes.longest()},
                        {first_far_position(probes, shape), probes.longest()});
}

}  // namespace

const std::vector<Relation>& relations() {
  constexpr const char* kHiddenWords = "other words under the mask change the answer";
  constexpr const char* kHiddenTokens = "more tokens under the mask change the answer";
  static const std::vector<Relation> all = {
      {.name = "hidden words", .breach = kHiddenWords, .least = {1, 2}, .needs_mask = true, .ask = other_hidden_words},
      {.name = "hidden words of one row",
       .breach = kHiddenWords,
       .least = {2, 2},
       .needs_mask = true,
       .ask = other_hidden_words_of_one_row},
      {.name = "padding", .breach = kHiddenTokens, .changes_tokens = true, .needs_mask = true, .ask = padded},
      {.name = "padding to the longest length",
       .breach = kHiddenTokens,
       .changes_tokens = true,
       .needs_mask = true,
       .ask = padded_to_longest},
      {.name = "row alone",
       .breach = "a row alone has another answer than in its batch",
       .fault = Fault::kOfNetworks,
       .least = {2, 1},
       .changes_rows = true,
       .ask = row_alone},
      {.name = "order of rows",
       .breach = "a row has another answer in another place of its batch",
       .fault = Fault::kOfNetworks,
       .least = {2, 1},
       .ask = other_order_of_rows},
      {.name = "rows twice",
       .breach = "the same row has two answers in one batch",
       .fault = Fault::kOfNetworks,
       .changes_rows = true,
       .ask = row_twice},
      {.name = "ids of 32 bits",
       .breach = "the same ids as int32 have another answer",
       .ask = ids_of_32_bits,
       .may_be_refused = true},
      {.name = "mask of floats",
       .breach = "the same mask as float32 has another answer",
       .fault = Fault::kWarning,
       .least = {1, 2},
       .needs_mask = true,
       .ask = mask_of_floats,
       .may_be_refused = true},
      {.name = "mask of bools",
       .breach = "the same mask as bool has another answer",
       .fault = Fault::kWarning,
       .least = {1, 2},
       .needs_mask = true,
       .ask = mask_of_bools,
       .may_be_refused = true},
      {.name = "order of words",
       .breach = "words in another order have the same answer: positions are lost",
       .least = {1, 4},
       .ask = order_of_words,
       .must_differ = true},
      {.name = "order of far words",
       .breach = "words behind the example's length have one position",
       .changes_tokens = true,
       .ask = order_of_far_words,
       .must_differ = true},
  };
  return all;
}

bool applies(const Probes& probes, const Relation& relation, const ProbeShape& shape) {
  const bool is_of_text = relation.needs_mask || relation.fault != Fault::kOfNetworks;
  return (!is_of_text || probes.takes_text()) && (!relation.needs_mask || probes.find(Role::kMask)) &&
         (!relation.changes_rows || probes.may_change_rows()) &&
         (!relation.changes_tokens || probes.may_change_tokens()) && shape.rows >= relation.least.rows &&
         shape.tokens >=
             (probes.takes_text() ? relation.least.tokens : 0) + (relation.needs_mask ? 2 * probes.reach() : 0) &&
         (relation.ask != padded_to_longest || probes.longest() > shape.tokens) &&
         (!relation.must_differ || probes.knows_positions()) &&
         (relation.ask != order_of_far_words || probes.longest() >= first_far_position(probes, shape) + 4) &&
         (relation.ask != padded || probes.longest() == 0 || probes.longest() >= shape.tokens + kFewTokens);
}

}  // namespace bertjit
