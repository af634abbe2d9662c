// Text to ids, as Hugging Face's fast tokenizers do it: the one interface all kinds of tokenizer share.
//
// "Identical" means: input_ids, token_type_ids, attention_mask and tokens of `AutoTokenizer.from_pretrained(directory)`
// of transformers 4.57.6 (tokenizers 0.22.2). load.h makes one from a directory.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bertjit {

/// One text, or pair of texts, as a model takes it. All vectors have the same length, except as said.
struct Encoding {
  std::vector<int64_t> input_ids;
  /// Segment of each token. Left empty where the tokenizer returns none (DistilBERT, MPNet).
  std::vector<int64_t> token_type_ids;
  bool has_token_type_ids = true;
  std::vector<int64_t> attention_mask;  ///< 1 for a token, 0 for padding
  /// What Python's convert_ids_to_tokens(input_ids) gives: "<mask>", also where the text had "  <mask>" or "<MASK>".
  std::vector<std::string> tokens;
};

enum class Padding {
  kNone,
  kMaxLength,  ///< up to max_length, never beyond; longer encodings stay as they are
};

/// Where tokens go when there are more than max_length, special tokens counted.
enum class Truncation {
  kNone,
  kLongestFirst,  ///< the longer of the two texts, until they are equal, then both; an odd token goes to the second
  kOnlyFirst,
  kOnlySecond,
};

enum class SpecialTokens { kAdd, kLeaveOut };

struct EncodeOptions {
  /// For padding and truncation; without it the model_max_length of tokenizer_config.json. Where that is missing too,
  /// neither happens.
  std::optional<int64_t> max_length;
  Padding padding = Padding::kNone;
  Truncation truncation = Truncation::kNone;
  SpecialTokens special_tokens = SpecialTokens::kAdd;  ///< whether [CLS], [SEP] are put around the texts
};

/// Immutable once loaded; encode() may be called from several threads at once.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Turns a text, or a pair, into ids.
  ///
  /// Special tokens that stand in the text ("[MASK]") become their ids. An empty `text_pair` is no pair, as in
  /// transformers. Text is UTF-8; each malformed sequence counts as U+FFFD, as in Python's decode(errors="replace").
  /// Time is linear in the length of the text.
  ///
  /// Throws Error(kInvalidArgument) if max_length is negative, has no room for the special tokens (Python then does not
  /// truncate at all), or is beyond 2^20 when padding; if truncating the named text alone cannot reach max_length, or
  /// it is absent; if padding is asked of a tokenizer without a padding token.
  virtual Encoding encode(std::string_view text, std::optional<std::string_view> text_pair,
                          const EncodeOptions& options) const = 0;

  /// The text of ids, as decode(ids, skip_special_tokens=…) of transformers gives it, clean_up_tokenization_spaces as
  /// tokenizer_config.json says. Marian decodes with its target model. An id that has no token is left out (Marian: is
  /// the unknown token).
  ///
  /// Throws Error(kUnsupported) if the tokenizer.json has a decoder of another kind than ours.
  virtual std::string decode(std::span<const int64_t> ids, bool skip_special_tokens) const = 0;

  /// Ids by role; absent where the tokenizer defines no such token.
  virtual std::optional<int64_t> cls_id() const = 0;
  virtual std::optional<int64_t> sep_id() const = 0;
  virtual std::optional<int64_t> mask_id() const = 0;
  virtual std::optional<int64_t> pad_id() const = 0;
  virtual std::optional<int64_t> unk_id() const = 0;

  /// Number of distinct tokens, added ones included: len(tokenizer) in Python.
  virtual int64_t vocab_size() const = 0;
  virtual std::optional<int64_t> token_to_id(std::string_view token) const = 0;
  virtual std::optional<std::string> id_to_token(int64_t id) const = 0;
};

}  // namespace bertjit
