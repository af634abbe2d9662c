// What turns words into ids, once normalization and pre-tokenization are done (tokenizers' Model).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "tokenize/vocabulary.h"

namespace bertjit {

/// Immutable; append_ids() may be called from several threads at once.
class WordModel {
 public:
  virtual ~WordModel() = default;

  /// Appends the ids of each word, one after the other. Words are well-formed UTF-8 and not empty, and of any length:
  /// the time must stay near linear in it. All words of a text come in one call, so that scratch space is made once.
  virtual void append_ids(std::span<const std::string_view> words, std::vector<int32_t>& ids) const = 0;
};

/// A model and the names of its ids.
struct NamedWordModel {
  std::shared_ptr<const Vocabulary> vocabulary;
  std::unique_ptr<WordModel> model;
};

}  // namespace bertjit
