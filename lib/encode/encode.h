// Many texts through one tokenizer: a list of them, or the lines of a stream on several threads.
#pragma once

#include <functional>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "encode/encode_result.h"
#include "encode/request.h"
#include "tokenize/tokenizer.h"

namespace bertjit {

enum class LineForm {
  kText,  ///< parse_text
  kJson,  ///< parse_json_line
};

struct EncodeOptionsForLines {
  LineForm form = LineForm::kText;
  EncodeCall call;      ///< where a line says nothing else
  int threads = 0;      ///< threads that encode; 0: one per core
  int descriptor = -1;  ///< the file behind the stream, as LineReader takes it
};

/// Appends one encoding to a text; called from several threads at once.
using EncodingFormat = std::function<void(const Encoding&, std::string&)>;

struct EncodingSink {
  EncodingFormat format;
  /// Takes formatted encodings, in order. False ends the work: the reader of the output is gone.
  std::function<bool(std::string_view)> write;
  /// Called before waiting for input, when all that was read has been written.
  std::function<void()> flush;
};

/// Encodes each line of `in`, in order. An empty line is an empty text; no line is no work.
///
/// Memory is constant but for the longest line. Each line's answer is written before the next one is waited for.
/// Throws Error with "line N: " before the message; the lines before it have been written then. The kinds are those of
/// parse_text, parse_json_line and Tokenizer::encode.
EncodeResult encode_lines(const Tokenizer& tokenizer, std::istream& in, const EncodeOptionsForLines& options,
                          const EncodingSink& sink);

/// Encodes texts as one call of a transformers tokenizer on a list: kLongest pads to the longest of them. A tab splits
/// a pair. Throws Error with "text N: " before the message.
std::vector<Encoding> encode_texts(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                                   const EncodeCall& call);

}  // namespace bertjit
