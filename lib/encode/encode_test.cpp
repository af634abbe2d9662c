// With a tokenizer of the test's own: the real ones are compared with transformers by tools/bertjit/tokenize_test.cpp.
#include "encode/encode.h"

#include <atomic>
#include <span>
#include <sstream>
#include <thread>

#include "support/error.h"
#include "testing/error_of.h"
#include "testing/testing.h"

using namespace bertjit;
using Catch::Matchers::Contains;

namespace {

/// One id a byte, one more between two texts; cuts and pads at the end. "!" cannot be encoded, "z" takes a while.
class ByteTokenizer final : public Tokenizer {
 public:
  Encoding encode(std::string_view text, std::optional<std::string_view> text_pair,
                  const EncodeOptions& options) const override {
    if (text == "!") {
      throw Error(ErrorKind::kInvalidArgument, "cannot encode");
    }
    if (text == "z") {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
    }
    threads_ += std::this_thread::get_id() == owner_ ? 0 : 1;
    Encoding encoding;
    for (const char c : text) {
      encoding.input_ids.push_back(c);
    }
    if (text_pair) {
      encoding.input_ids.push_back(0);
      encoding.input_ids.insert(encoding.input_ids.end(), text_pair->begin(), text_pair->end());
    }
    const auto length = static_cast<size_t>(options.max_length.value_or(0));
    if (options.truncation != Truncation::kNone && encoding.input_ids.size() > length) {
      encoding.input_ids.resize(length);
    }
    if (options.padding == Padding::kMaxLength && encoding.input_ids.size() < length) {
      encoding.input_ids.resize(length, '_');
    }
    return encoding;
  }

  std::string decode(std::span<const int64_t>, bool) const override {
    return {};
  }
  std::optional<int64_t> cls_id() const override {
    return std::nullopt;
  }
  std::optional<int64_t> sep_id() const override {
    return std::nullopt;
  }
  std::optional<int64_t> mask_id() const override {
    return std::nullopt;
  }
  std::optional<int64_t> pad_id() const override {
    return '_';
  }
  std::optional<int64_t> unk_id() const override {
    return std::nullopt;
  }
  int64_t vocab_size() const override {
    return 256;
  }
  std::optional<int64_t> token_to_id(std::string_view) const override {
    return std::nullopt;
  }
  std::optional<std::string> id_to_token(int64_t) const override {
    return std::nullopt;
  }

  int calls_elsewhere() const {
    return threads_;
  }

 private:
  std::thread::id owner_ = std::this_thread::get_id();
  mutable std::atomic<int> threads_ = 0;
};

std::string to_text(const Encoding& encoding) {
  return {encoding.input_ids.begin(), encoding.input_ids.end()};
}

struct Run {
  std::string out;
  EncodeResult result;
  std::string error;
};

Run run(const std::string& input, const EncodeOptionsForLines& options, const Tokenizer& tokenizer = ByteTokenizer()) {
  Run run;
  std::istringstream in(input);
  const EncodingSink sink = {[](const Encoding& encoding, std::string& out) { out += to_text(encoding) + "|"; },
                             [&](std::string_view text) {
                               run.out += text;
                               return true;
                             },
                             [] {}};
  try {
    run.result = encode_lines(tokenizer, in, options, sink);
  } catch (const Error& error) {
    run.error = error.what();
  }
  return run;
}

EncodeOptionsForLines with_threads(int threads) {
  EncodeOptionsForLines options;
  options.threads = threads;
  return options;
}

}  // namespace

TEST_CASE("encode: every line is answered in order, on any number of threads") {
  std::string input;
  std::string expected;
  for (int i = 0; i < 50000; ++i) {
    // A slow line now and then, so that later blocks are done first.
    const std::string line = i % 9973 == 0 ? "z" : "line " + std::to_string(i);
    input += line + "\n";
    expected += line + "|";
  }
  for (const int threads : {1, 2, 7, 0}) {
    const ByteTokenizer tokenizer;
    const Run answer = run(input, with_threads(threads), tokenizer);
    INFO(threads << " threads");
    CHECK(answer.out == expected);
    CHECK(answer.result.line_count == 50000);
    CHECK((threads != 1 || tokenizer.calls_elsewhere() == 0));
    CHECK((threads < 2 || tokenizer.calls_elsewhere() == 50000));
  }
}

TEST_CASE("encode: a line that cannot be encoded is named, and those before it are written") {
  std::string input;
  std::string expected;
  for (int i = 1; i < 20000; ++i) {
    input += std::to_string(i) + "\n";
    expected += std::to_string(i) + "|";
  }
  input += "!\nafter\n";
  for (const int threads : {1, 4}) {
    const Run answer = run(input, with_threads(threads));
    CHECK(answer.error == "line 20000: cannot encode");
    CHECK(answer.out == expected);
  }
  CHECK(run("a\tb\na\tb\tc\n", {}).error.starts_with("line 2: has 2 tabs"));
}

TEST_CASE("encode: a sink that takes no more ends the work without an error") {
  std::istringstream in(std::string(1 << 20, '\n'));
  int writes = 0;
  const EncodingSink sink = {[](const Encoding&, std::string& out) { out += "x"; },
                             [&](std::string_view) { return ++writes < 3; }, [] {}};
  encode_lines(ByteTokenizer(), in, with_threads(3), sink);
  CHECK(writes == 3);
}

TEST_CASE("encode: JSON lines carry their own options, and say whether they implied truncation") {
  EncodeOptionsForLines options = with_threads(2);
  options.form = LineForm::kJson;
  options.call.max_length = 4;
  options.call.truncation = Truncation::kLongestFirst;
  const Run answer = run(R"({"text": "abcdef"}
{"text": "abcdef", "max_length": 2}
{"text": "abcdef", "truncation": false}
{"text": "a", "text_pair": "b", "padding": "max_length"}
{"text": "a", "padding": true}
)",
                         options);
  CHECK(answer.error.empty());
  CHECK(answer.out == std::string("abcd|ab|abcdef|a\0b_|a|", 22));
  CHECK_FALSE(answer.result.implied_truncation);
  options.call = {};
  const Run implied = run("{\"text\": \"abcdef\", \"max_length\": 2}", options);
  CHECK(implied.out == "ab|");
  CHECK(implied.result.implied_truncation);
}

TEST_CASE("encode: a list of texts pads to its longest, after truncation") {
  const ByteTokenizer tokenizer;
  EncodeCall call;
  const auto texts_of = [&](const std::vector<std::string>& texts) {
    std::string all;
    for (const Encoding& encoding : encode_texts(tokenizer, texts, call)) {
      all += to_text(encoding) + "|";
    }
    return all;
  };
  CHECK(texts_of({"abc", "", "a"}) == "abc||a|");
  call.padding = PaddingMode::kLongest;
  CHECK(texts_of({"abc", "", "a"}) == "abc|___|a__|");
  call.max_length = 2;  // not heeded without truncation, as in transformers
  CHECK(texts_of({"abc", "a"}) == "abc|a__|");
  call.truncation = Truncation::kLongestFirst;
  CHECK(texts_of({"abc", "", "a"}) == "ab|__|a_|");
  CHECK(texts_of({}).empty());
  CHECK_THAT(testing::error_of([&] { texts_of({"a", "!"}); }).what(), Contains("text 2: cannot encode"));
}
