#include "tokenize/word_text_model.h"

#include <utility>

#include "tokenize/unicode.h"

namespace bertjit {

WordTextModel::WordTextModel(std::unique_ptr<Normalizer> normalizer, std::unique_ptr<PreTokenizer> pre_tokenizer,
                             std::unique_ptr<WordModel> model)
    : normalizer_(std::move(normalizer)), pre_tokenizer_(std::move(pre_tokenizer)), model_(std::move(model)) {}

void WordTextModel::append_normalized(std::string_view text, std::string& out) const {
  std::string repaired;
  if (find_malformed_utf8(text) != std::string_view::npos) {
    for (size_t i = 0; i < text.size();) {
      append_utf8(next_code_point(text, i), repaired);
    }
    text = repaired;
  }
  if (normalizer_ != nullptr) {
    normalizer_->append(text, out);
  } else {
    out += text;
  }
}

void WordTextModel::append_ids(std::string_view normalized, TextPlace place, std::vector<int32_t>& ids) const {
  if (normalized.empty()) {
    return;
  }
  if (pre_tokenizer_ == nullptr) {
    model_->append_ids({&normalized, 1}, ids);
    return;
  }
  Words words;
  words.texts.reserve(normalized.size() / 4 + 1);
  pre_tokenizer_->split(normalized, place, words);
  model_->append_ids(words.texts, ids);
}

}  // namespace bertjit
