#include "tokenize/pipeline.h"

#include "support/error.h"

namespace bertjit {

namespace {

/// No encoder has positions for more; it keeps a wrong model_max_length from asking for all memory.
constexpr int64_t kLongestPadding = int64_t{1} << 20;

std::span<const int32_t> keep(const std::vector<int32_t>& ids, int64_t count, Side truncation_side) {
  const std::span<const int32_t> all = ids;
  const auto kept = static_cast<size_t>(count);
  return truncation_side == Side::kRight ? all.first(kept) : all.last(kept);
}

void check_max_length(int64_t max_length, int64_t special_count, Truncation truncation) {
  const int64_t least = truncation == Truncation::kNone ? 0 : special_count;
  if (max_length < least) {
    throw Error(ErrorKind::kInvalidArgument, "max_length is " + std::to_string(max_length) + ", expected at least " +
                                                 std::to_string(least) +
                                                 (least > 0 ? ", the number of special tokens" : ""));
  }
}

template <typename T>
void extend(std::vector<T>& values, size_t length, const T& value, Side side) {
  values.insert(side == Side::kRight ? values.end() : values.begin(), length - values.size(), value);
}

}  // namespace

void PipelineTokenizer::append_normalized_ids(std::string_view normalized, TextPlace place,
                                              std::vector<int32_t>& ids) const {
  if (!parts_.added_tokens.has_normalized()) {
    parts_.model->append_ids(normalized, place, ids);
    return;
  }
  std::vector<TextPiece> pieces;
  parts_.added_tokens.split_normalized(normalized, pieces);
  for (const TextPiece& piece : pieces) {
    if (piece.id != Vocabulary::kAbsent) {
      ids.push_back(piece.id);
    } else {
      parts_.model->append_ids(piece.text, place, ids);
    }
    place = TextPlace::kInside;
  }
}

std::vector<int32_t> PipelineTokenizer::find_ids(std::string_view text) const {
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 4 + 1);  // what English takes
  std::vector<TextPiece> pieces;
  parts_.added_tokens.split_raw(text, pieces);
  std::string normalized;
  TextPlace place = TextPlace::kTextStart;
  for (const TextPiece& piece : pieces) {
    if (piece.id != Vocabulary::kAbsent) {
      ids.push_back(piece.id);
    } else {
      normalized.clear();
      parts_.model->append_normalized(piece.text, normalized);
      append_normalized_ids(normalized, place, ids);
    }
    place = TextPlace::kInside;
  }
  return ids;
}

Encoding PipelineTokenizer::encode(std::string_view text, std::optional<std::string_view> text_pair,
                                   const EncodeOptions& options) const {
  const std::optional<int64_t> max_length = options.max_length ? options.max_length : parts_.default_max_length;
  const bool is_pair = text_pair && !text_pair->empty();
  const bool add_special = options.special_tokens == SpecialTokens::kAdd;
  const auto& pieces = is_pair ? parts_.encoding_template.pair : parts_.encoding_template.single;
  const int64_t special_count = add_special ? count_special_tokens(pieces) : 0;
  if (max_length) {
    check_max_length(*max_length, special_count, options.truncation);
  }

  const std::vector<int32_t> first = find_ids(text);
  const std::vector<int32_t> second = is_pair ? find_ids(*text_pair) : std::vector<int32_t>();
  TextLengths kept{static_cast<int64_t>(first.size()), std::nullopt};
  if (is_pair) {
    kept.second = static_cast<int64_t>(second.size());
  }
  if (max_length) {
    kept = truncate_lengths(kept, *max_length - special_count, options.truncation, parts_.odd_token);
  }

  Encoding encoding;
  encoding.has_token_type_ids = parts_.has_token_type_ids;
  const auto length = static_cast<size_t>(special_count + kept.first + kept.second.value_or(0));
  encoding.input_ids.reserve(length);
  encoding.tokens.reserve(length);
  encoding.attention_mask.assign(length, 1);
  for (const TemplatePiece& piece : pieces) {
    if (piece.slot == TextSlot::kFirst) {
      append(encoding, keep(first, kept.first, parts_.truncation_side), piece.type_id);
    } else if (piece.slot == TextSlot::kSecond) {
      append(encoding, keep(second, *kept.second, parts_.truncation_side), piece.type_id);
    } else if (add_special) {
      append(encoding, piece.special_ids, piece.type_id);
    }
  }
  if (options.padding == Padding::kMaxLength && max_length) {
    pad(encoding, *max_length);
  }
  return encoding;
}

std::string PipelineTokenizer::decode(std::span<const int64_t> ids, bool skip_special_tokens) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const int64_t id : ids) {
    auto token = find_token(id);
    if (!token && parts_.stand_in_id) {
      token = find_token(*parts_.stand_in_id);
    }
    if (token && !(skip_special_tokens && parts_.added_tokens.is_special(*token))) {
      tokens.emplace_back(*token);
    }
  }
  std::string text = parts_.decoder->decode(std::move(tokens));
  return parts_.cleans_up_spaces ? clean_up_spaces(std::move(text)) : text;
}

void PipelineTokenizer::append(Encoding& encoding, std::span<const int32_t> ids, int64_t type_id) const {
  encoding.input_ids.insert(encoding.input_ids.end(), ids.begin(), ids.end());
  if (encoding.has_token_type_ids) {
    encoding.token_type_ids.insert(encoding.token_type_ids.end(), ids.size(), type_id);
  }
  for (const int32_t id : ids) {
    encoding.tokens.emplace_back(find_token(id).value_or(std::string_view()));
  }
}

void PipelineTokenizer::pad(Encoding& encoding, int64_t length) const {
  if (!pad_id()) {
    throw Error(ErrorKind::kInvalidArgument, "cannot pad: the tokenizer has no padding token");
  }
  if (length > kLongestPadding) {
    throw Error(ErrorKind::kInvalidArgument,
                "max_length is " + std::to_string(length) + "; padding goes up to " + std::to_string(kLongestPadding));
  }
  const auto target = static_cast<size_t>(length);
  if (encoding.input_ids.size() >= target) {
    return;
  }
  const Side side = parts_.padding_side;
  extend(encoding.input_ids, target, *pad_id(), side);
  extend(encoding.attention_mask, target, int64_t{0}, side);
  extend(encoding.tokens, target, id_to_token(*pad_id()).value_or(""), side);
  if (encoding.has_token_type_ids) {
    extend(encoding.token_type_ids, target, int64_t{0}, side);  // whatever the files say, as in transformers
  }
}

int64_t PipelineTokenizer::vocab_size() const {
  return static_cast<int64_t>(parts_.vocabulary->size() + parts_.added_tokens.count_new());
}

std::optional<int64_t> PipelineTokenizer::token_to_id(std::string_view token) const {
  if (const auto id = parts_.added_tokens.find(token)) {
    return *id;
  }
  const int32_t id = parts_.vocabulary->find(token);
  return id == Vocabulary::kAbsent ? std::nullopt : std::optional<int64_t>(id);
}

std::optional<std::string_view> PipelineTokenizer::find_token(int64_t id) const {
  if (parts_.added_tokens.count_new() > 0) {
    if (const auto token = parts_.added_tokens.token(id)) {
      return token;
    }
  }
  return parts_.vocabulary->token(id);
}

std::optional<std::string> PipelineTokenizer::id_to_token(int64_t id) const {
  const auto token = find_token(id);
  return token ? std::optional<std::string>(*token) : std::nullopt;
}

}  // namespace bertjit
