// From tokens back to text: the decoders of tokenizer.json, and Marian's.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tokenize/metaspace.h"
#include "tokenize/sentencepiece_processor.h"

namespace bertjit {

/// Immutable; decode() may be called from several threads at once.
class Decoder {
 public:
  virtual ~Decoder() = default;

  /// The text of tokens, of which the caller has left out those to skip.
  virtual std::string decode(std::vector<std::string> tokens) const = 0;
};

/// Makes the decoder of a tokenizer.json: `object` is its member "decoder", or nullptr for none, which puts a space
/// between tokens.
///
/// Known are WordPiece, ByteLevel, Metaspace, BPEDecoder, ByteFallback, Fuse, Strip, Replace and Sequence. One of
/// another type can be made, and throws Error(kUnsupported) when it is used: who only encodes is not to be stopped by
/// it. `file` stands first in messages. Throws Error(kCorrupt) if a field is missing or of a wrong type.
std::unique_ptr<Decoder> parse_decoder(const nlohmann::json* object, const std::string& file);

/// What BERT and its siblings have: "##" joins, else a space; `cleanup` takes spaces before punctuation and "n't" out.
std::unique_ptr<Decoder> make_wordpiece_decoder(const std::string& prefix = "##", bool cleanup = true);
/// What RoBERTa has.
std::unique_ptr<Decoder> make_byte_level_decoder();
/// What XLM-RoBERTa has: marks become spaces, but that of the first token vanishes.
std::unique_ptr<Decoder> make_metaspace_decoder(const MetaspaceOptions& options = {});

/// Marian's: runs of pieces through SentencePiece's target model.
struct MarianDecoderParts {
  std::unique_ptr<SentencePieceProcessor> target;
  std::set<std::string> special_tokens;  ///< stand as they are, a space after each
  std::set<std::string> added_tokens;    ///< the other added ones: stand alone, spaces around
};
std::unique_ptr<Decoder> make_marian_decoder(MarianDecoderParts parts);

/// transformers' clean_up_tokenization: "do n't , he 's" to "don't, he's".
std::string clean_up_spaces(std::string text);

}  // namespace bertjit
