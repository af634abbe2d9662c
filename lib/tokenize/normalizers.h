// Normalizers of tokenizer.json: small steps from text to text.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "tokenize/bert_normalizer.h"

namespace bertjit {

/// Immutable; append() may be called from several threads at once.
class Normalizer {
 public:
  virtual ~Normalizer() = default;

  /// Appends the normal form of `text`. Both are well-formed UTF-8.
  virtual void append(std::string_view text, std::string& out) const = 0;
};

/// Changes the options of a BertNormalizer: what a tokenizer class says over its tokenizer.json.
using BertNormalizerOverride = std::function<void(BertNormalizerOptions&)>;

/// Makes the normalizer of a tokenizer.json: `object` is its member "normalizer", or nullptr for none, which gives
/// nullptr.
///
/// Known are BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Replace, Strip, Prepend, Precompiled, Nmt
/// and Sequence. `override_bert`, where given, is applied to a BertNormalizer that stands alone, not to one within a
/// Sequence. `file` stands first in messages. Throws Error(kUnsupported) for another type; Error(kCorrupt) if a field
/// is missing or of a wrong type.
std::unique_ptr<Normalizer> parse_normalizer(const nlohmann::json* object, const std::string& file,
                                             const BertNormalizerOverride& override_bert = {});

/// One step after the other.
std::unique_ptr<Normalizer> make_normalizer_sequence(std::vector<std::unique_ptr<Normalizer>> steps);

std::unique_ptr<Normalizer> make_bert_normalizer(const BertNormalizerOptions& options);

}  // namespace bertjit
