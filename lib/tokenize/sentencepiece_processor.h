// What a SentencePiece model does to text and back, for tokenizers that are defined by it (Marian).
//
// The reference is the sentencepiece package 0.2.3 of Python. Debian's library (0.1.97) was tried first and is not
// linked, for three reasons:
// - It exports a variable FLAGS_minloglevel of 32 bytes, libtorch's libc10 one of 4 by the same name, and the dynamic
//   linker gives both libraries one of the two. Where that is libc10's, SentencePiece writes over the mutex behind it,
//   and the first run of a TorchScript function waits for ever.
// - Where two segmentations are equally good ("2" "22" and "22" "2") the releases part ways, as they do in what a
//   user-defined piece scores: one text in thirty of words and long numbers.
// - Its time goes with the square of a stretch of unknown characters: ten seconds for a megabyte.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/sentencepiece_model.h"

namespace bertjit {

/// A model at work. Methods may be called from several threads at once.
class SentencePieceProcessor {
 public:
  /// Throws as read_sentencepiece_model(); Error(kUnsupported) if the model changes text after decoding
  /// (denormalizer_spec), or is BPE and has pieces of type UNUSED.
  explicit SentencePieceProcessor(const std::filesystem::path& path);
  ~SentencePieceProcessor();
  SentencePieceProcessor(const SentencePieceProcessor&) = delete;
  SentencePieceProcessor& operator=(const SentencePieceProcessor&) = delete;

  /// The pieces of `text`, which is well-formed UTF-8. An unknown stretch stands as it is, or as byte pieces if the
  /// model has them. Time is near linear.
  std::vector<std::string> encode(std::string_view text) const;

  /// The text that pieces make: "▁" becomes a space, the first one vanishes, byte pieces become characters, the unknown
  /// piece " ⁇ " and control pieces nothing. A string that is no piece stands as it is, marks and all.
  std::string decode(const std::vector<std::string>& pieces) const;

 private:
  struct Parts;

  std::unique_ptr<const Parts> parts_;
};

}  // namespace bertjit
