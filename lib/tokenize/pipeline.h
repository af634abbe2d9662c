// A tokenizer put together from its parts, whatever its model: added tokens → normalization → model → truncation →
// template → padding.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenize/added_tokens.h"
#include "tokenize/decoders.h"
#include "tokenize/template.h"
#include "tokenize/text_model.h"
#include "tokenize/tokenizer.h"
#include "tokenize/vocabulary.h"

namespace bertjit {

enum class Side { kRight, kLeft };

/// Ids of the tokens that play a part; absent if the tokenizer has none.
struct SpecialTokenIds {
  std::optional<int64_t> cls;
  std::optional<int64_t> sep;
  std::optional<int64_t> mask;
  std::optional<int64_t> pad;
  std::optional<int64_t> unk;
};

struct PipelineParts {
  std::shared_ptr<const Vocabulary> vocabulary;
  std::unique_ptr<TextModel> model;
  std::unique_ptr<Decoder> decoder;
  bool cleans_up_spaces = false;       ///< after decoding
  std::optional<int64_t> stand_in_id;  ///< for ids without a token when decoding; else they are left out
  AddedTokens added_tokens;            ///< matchers built
  EncodingTemplate encoding_template;
  SpecialTokenIds special_ids;
  bool has_token_type_ids = true;
  Side padding_side = Side::kRight;
  Side truncation_side = Side::kRight;  ///< the end that is cut off
  OddToken odd_token = OddToken::kToLonger;
  std::optional<int64_t> default_max_length;  ///< model_max_length
};

class PipelineTokenizer final : public Tokenizer {
 public:
  explicit PipelineTokenizer(PipelineParts parts) : parts_(std::move(parts)) {}

  Encoding encode(std::string_view text, std::optional<std::string_view> text_pair,
                  const EncodeOptions& options) const override;

  std::string decode(std::span<const int64_t> ids, bool skip_special_tokens) const override;

  std::optional<int64_t> cls_id() const override {
    return parts_.special_ids.cls;
  }
  std::optional<int64_t> sep_id() const override {
    return parts_.special_ids.sep;
  }
  std::optional<int64_t> mask_id() const override {
    return parts_.special_ids.mask;
  }
  std::optional<int64_t> pad_id() const override {
    return parts_.special_ids.pad;
  }
  std::optional<int64_t> unk_id() const override {
    return parts_.special_ids.unk;
  }
  int64_t vocab_size() const override;
  std::optional<int64_t> token_to_id(std::string_view token) const override;
  std::optional<std::string> id_to_token(int64_t id) const override;

 private:
  std::optional<std::string_view> find_token(int64_t id) const;
  std::vector<int32_t> find_ids(std::string_view text) const;
  void append_normalized_ids(std::string_view normalized, TextPlace place, std::vector<int32_t>& ids) const;
  void append(Encoding& encoding, std::span<const int32_t> ids, int64_t type_id) const;
  void pad(Encoding& encoding, int64_t length) const;

  PipelineParts parts_;
};

}  // namespace bertjit
