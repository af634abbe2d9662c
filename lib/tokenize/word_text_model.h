// Normalizer, pre-tokenizer and word model, one after the other: the TextModel of every tokenizer.json.
#pragma once

#include <memory>

#include "tokenize/normalizers.h"
#include "tokenize/pre_tokenizers.h"
#include "tokenize/text_model.h"
#include "tokenize/word_model.h"

namespace bertjit {

class WordTextModel final : public TextModel {
 public:
  /// Without a normalizer the text stays as it is, except that malformed UTF-8 becomes U+FFFD; without a pre-tokenizer
  /// it is one word.
  WordTextModel(std::unique_ptr<Normalizer> normalizer, std::unique_ptr<PreTokenizer> pre_tokenizer,
                std::unique_ptr<WordModel> model);

  void append_normalized(std::string_view text, std::string& out) const override;
  void append_ids(std::string_view normalized, TextPlace place, std::vector<int32_t>& ids) const override;

 private:
  std::unique_ptr<Normalizer> normalizer_;
  std::unique_ptr<PreTokenizer> pre_tokenizer_;
  std::unique_ptr<WordModel> model_;
};

}  // namespace bertjit
