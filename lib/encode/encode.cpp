#include "encode/encode.h"

#include <algorithm>
#include <exception>

#include "encode/line_reader.h"
#include "encode/ordered_workers.h"
#include "support/error.h"
#include "support/parallel.h"

namespace bertjit {

namespace {

/// Enough lines to make handing them to another thread cheap (about 5 ms of WordPiece), few enough to keep all busy.
constexpr size_t kBlockBytes = 32 << 10;

/// One block's answers; those before the line that could not be answered, if there was one.
struct Answers {
  std::string text;
  EncodeResult counts;
  std::exception_ptr error;
};

Error with_place(const std::string& place, const Error& error) {
  return {error.kind(), place + ": " + error.what()};
}

Answers answer_block(const Tokenizer& tokenizer, const EncodeOptionsForLines& options, const EncodingFormat& format,
                     const LineBlock& block) {
  Answers answers;
  for (std::string_view rest = block.text; !rest.empty(); ++answers.counts.line_count) {
    const std::string_view line = take_line(rest);
    try {
      const EncodeRequest request =
          (options.form == LineForm::kJson ? parse_json_line : parse_text)(line, options.call);
      answers.counts.implied_truncation = answers.counts.implied_truncation || implies_truncation(request.call);
      format(tokenizer.encode(request.text, request.text_pair, to_options(request.call)), answers.text);
    } catch (const Error& error) {
      const uint64_t number = block.first_line + answers.counts.line_count;
      answers.error = std::make_exception_ptr(with_place("line " + std::to_string(number), error));
      return answers;
    }
  }
  return answers;
}

}  // namespace

EncodeResult encode_lines(const Tokenizer& tokenizer, std::istream& in, const EncodeOptionsForLines& options,
                          const EncodingSink& sink) {
  const int threads = count_threads(options.threads);
  const size_t most_pending = threads > 1 ? 2 * static_cast<size_t>(threads) : 1;
  EncodeResult result;
  LineReader reader(in, options.descriptor);
  OrderedWorkers<LineBlock, Answers> workers(
      threads, [&](const LineBlock& block) { return answer_block(tokenizer, options, sink.format, block); });
  // This thread alone reads and writes. It waits for input only when nothing else is left to do, so that an error, or
  // an answer, is never behind a read that may not return.
  while (!reader.at_end() || workers.size() > 0) {
    const bool idle = workers.size() == 0;
    if (!reader.at_end() && (idle || (workers.size() < most_pending && reader.ready()))) {
      if (idle && !reader.ready()) {
        sink.flush();
      }
      reader.read(kBlockBytes);
      if (auto block = reader.take_lines()) {
        workers.submit(std::move(*block));
      }
      continue;
    }
    const Answers answers = workers.take();
    if (!sink.write(answers.text)) {
      break;
    }
    result.line_count += answers.counts.line_count;
    result.implied_truncation = result.implied_truncation || answers.counts.implied_truncation;
    if (answers.error) {
      sink.flush();
      std::rethrow_exception(answers.error);
    }
  }
  return result;
}

std::vector<Encoding> encode_texts(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                                   const EncodeCall& call) {
  std::vector<Encoding> encodings(texts.size());
  size_t longest = 0;
  const auto encode_all = [&](const EncodeOptions& options) {
    for (size_t i = 0; i < texts.size(); ++i) {
      try {
        const EncodeRequest request = parse_text(texts[i], call);
        encodings[i] = tokenizer.encode(request.text, request.text_pair, options);
      } catch (const Error& error) {
        throw with_place("text " + std::to_string(i + 1), error);
      }
      longest = std::max(longest, encodings[i].input_ids.size());
    }
  };
  EncodeOptions options = to_options(call);
  encode_all(options);
  if (call.padding == PaddingMode::kLongest) {
    // Truncated texts are all as long as the longest, so that the second round cuts none further.
    options.padding = Padding::kMaxLength;
    options.max_length = static_cast<int64_t>(longest);
    encode_all(options);
  }
  return encodings;
}

}  // namespace bertjit
