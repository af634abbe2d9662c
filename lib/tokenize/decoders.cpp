#include "tokenize/decoders.h"

#include <array>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

#include "support/error.h"
#include "tokenize/byte_level.h"
#include "tokenize/json_members.h"
#include "tokenize/replacement.h"
#include "tokenize/unicode.h"

namespace bertjit {

using nlohmann::json;

namespace {

using Tokens = std::vector<std::string>;

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  std::string out;
  size_t begin = 0;
  for (size_t at; (at = text.find(from, begin)) != std::string::npos; begin = at + from.size()) {
    out.append(text, begin, at - begin);
    out += to;
  }
  if (begin > 0) {
    out.append(text, begin, std::string::npos);
    text = std::move(out);
  }
}

using Replacements = std::span<const std::pair<std::string_view, std::string_view>>;

void replace_each(std::string& text, Replacements replacements) {
  for (const auto& [from, to] : replacements) {
    replace_all(text, from, to);
  }
}

std::string join(const Tokens& tokens, std::string_view separator = {}) {
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) {
    text += i == 0 ? std::string_view() : separator;
    text += tokens[i];
  }
  return text;
}

/// A decoder as tokenizers has it, tokens to tokens, so that several make a Sequence.
class Step : public Decoder {
 public:
  virtual void apply(Tokens& tokens) const = 0;

  std::string decode(Tokens tokens) const override {
    apply(tokens);
    return join(tokens);
  }
};

class WordPieceStep final : public Step {
 public:
  WordPieceStep(std::string prefix, bool cleanup) : prefix_(std::move(prefix)), cleanup_(cleanup) {}

  void apply(Tokens& tokens) const override {
    // " do not" is in tokenizers' list, not in transformers'.
    constexpr std::pair<std::string_view, std::string_view> kCleanup[] = {
        {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
        {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (size_t i = 0; i < tokens.size(); ++i) {
      std::string& token = tokens[i];
      if (i > 0 && token.starts_with(prefix_)) {
        token.erase(0, prefix_.size());
      } else if (i > 0) {
        token.insert(0, " ");
      }
      if (cleanup_) {
        replace_each(token, kCleanup);
      }
    }
  }

 private:
  std::string prefix_;
  bool cleanup_;
};

std::unordered_map<char32_t, char> make_visible_bytes() {
  std::unordered_map<char32_t, char> bytes;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    std::string visible;
    append_visible_bytes({&c, 1}, visible);
    size_t position = 0;
    bytes[next_code_point(visible, position)] = c;
  }
  return bytes;
}

std::string repair_utf8(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size();) {
    append_utf8(next_code_point(bytes, i), text);
  }
  return text;
}

class ByteLevelStep final : public Step {
 public:
  void apply(Tokens& tokens) const override {
    std::string bytes;
    for (const std::string& token : tokens) {
      bytes += bytes_of(token).value_or(token);
    }
    tokens = {repair_utf8(bytes)};
  }

 private:
  static std::optional<std::string> bytes_of(std::string_view token) {
    static const std::unordered_map<char32_t, char> known = make_visible_bytes();
    std::string bytes;
    for (size_t i = 0; i < token.size();) {
      const auto byte = known.find(next_code_point(token, i));
      if (byte == known.end()) {
        return std::nullopt;
      }
      bytes.push_back(byte->second);
    }
    return bytes;
  }
};

class MetaspaceStep final : public Step {
 public:
  explicit MetaspaceStep(MetaspaceOptions options) : options_(std::move(options)) {}

  void apply(Tokens& tokens) const override {
    const bool drops_first = options_.prepend_scheme != MetaspaceOptions::PrependScheme::kNever;
    for (size_t i = 0; i < tokens.size(); ++i) {
      replace_all(tokens[i], options_.replacement, i == 0 && drops_first ? "" : " ");
    }
  }

 private:
  MetaspaceOptions options_;
};

/// End-of-word suffixes become spaces.
class BpeStep final : public Step {
 public:
  explicit BpeStep(std::string suffix) : suffix_(std::move(suffix)) {}

  void apply(Tokens& tokens) const override {
    for (size_t i = 0; i < tokens.size() && !suffix_.empty(); ++i) {
      replace_all(tokens[i], suffix_, i + 1 == tokens.size() ? "" : " ");
    }
  }

 private:
  std::string suffix_;
};

class ByteFallbackStep final : public Step {
 public:
  void apply(Tokens& tokens) const override {
    Tokens out;
    std::string bytes;
    const auto end_bytes = [&] {
      if (find_malformed_utf8(bytes) == std::string_view::npos) {
        out.push_back(bytes);
      } else {
        out.insert(out.end(), bytes.size(), "\uFFFD");
      }
      bytes.clear();
    };
    for (std::string& token : tokens) {
      if (const auto byte = byte_of(token)) {
        bytes.push_back(*byte);
        continue;
      }
      if (!bytes.empty()) {
        end_bytes();
      }
      out.push_back(std::move(token));
    }
    if (!bytes.empty()) {
      end_bytes();
    }
    tokens = std::move(out);
  }

 private:
  static int digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
  }

  static std::optional<char> byte_of(const std::string& token) {
    if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>' || digit(token[3]) < 0 ||
        digit(token[4]) < 0) {
      return std::nullopt;
    }
    return static_cast<char>(digit(token[3]) * 16 + digit(token[4]));
  }
};

class FuseStep final : public Step {
 public:
  void apply(Tokens& tokens) const override {
    tokens = {join(tokens)};
  }
};

class StripStep final : public Step {
 public:
  StripStep(std::string content, int64_t start, int64_t stop)
      : content_(std::move(content)), start_(start), stop_(stop) {}

  void apply(Tokens& tokens) const override {
    for (std::string& token : tokens) {
      for (int64_t i = 0; i < start_ && token.starts_with(content_); ++i) {
        token.erase(0, content_.size());
      }
      for (int64_t i = 0; i < stop_ && token.ends_with(content_); ++i) {
        token.resize(token.size() - content_.size());
      }
    }
  }

 private:
  std::string content_;
  int64_t start_;
  int64_t stop_;
};

class ReplaceStep final : public Step {
 public:
  explicit ReplaceStep(Replacement replacement) : replacement_(std::move(replacement)) {}

  void apply(Tokens& tokens) const override {
    for (std::string& token : tokens) {
      std::string out;
      replacement_.append(token, out);
      token = std::move(out);
    }
  }

 private:
  Replacement replacement_;
};

class SequenceStep final : public Step {
 public:
  explicit SequenceStep(std::vector<std::unique_ptr<Step>> steps) : steps_(std::move(steps)) {}

  void apply(Tokens& tokens) const override {
    for (const auto& step : steps_) {
      step->apply(tokens);
    }
  }

 private:
  std::vector<std::unique_ptr<Step>> steps_;
};

class UnsupportedStep final : public Step {
 public:
  explicit UnsupportedStep(Error error) : error_(std::move(error)) {}

  void apply(Tokens&) const override {
    throw error_;
  }

 private:
  Error error_;
};

/// Where a file has no decoder.
class Spaced final : public Decoder {
 public:
  std::string decode(Tokens tokens) const override {
    return join(tokens, " ");
  }
};

std::unique_ptr<Step> parse_step(const json& object, const std::string& file);

std::unique_ptr<Step> parse_sequence(const json& object, const std::string& file) {
  std::vector<std::unique_ptr<Step>> steps;
  for (const json& step : require_array(object, "decoders", file)) {
    steps.push_back(parse_step(step, file));
  }
  return std::make_unique<SequenceStep>(std::move(steps));
}

std::unique_ptr<Step> parse_strip(const json& object, const std::string& file) {
  const std::string content = require_string(object, "content", file);
  if (content.empty()) {
    throw Error(ErrorKind::kCorrupt, file + ": 'content' of decoder Strip is empty, expected one character");
  }
  return std::make_unique<StripStep>(content, count_member(object, "start", 0, file),
                                     count_member(object, "stop", 0, file));
}

std::unique_ptr<Step> parse_step(const json& object, const std::string& file) {
  const std::string type = require_string(object, "type", file);
  if (type == "WordPiece") {
    return std::make_unique<WordPieceStep>(string_member(object, "prefix", "##", file),
                                           bool_member(object, "cleanup", true, file));
  }
  if (type == "ByteLevel") {
    return std::make_unique<ByteLevelStep>();
  }
  if (type == "Metaspace") {
    return std::make_unique<MetaspaceStep>(parse_metaspace_options(object, file));
  }
  if (type == "BPEDecoder") {
    return std::make_unique<BpeStep>(string_member(object, "suffix", "</w>", file));
  }
  if (type == "ByteFallback") {
    return std::make_unique<ByteFallbackStep>();
  }
  if (type == "Fuse") {
    return std::make_unique<FuseStep>();
  }
  if (type == "Strip") {
    return parse_strip(object, file);
  }
  if (type == "Replace") {
    return std::make_unique<ReplaceStep>(parse_replacement(object, file));
  }
  if (type == "Sequence") {
    return parse_sequence(object, file);
  }
  return std::make_unique<UnsupportedStep>(
      unsupported_part(file, "decoder", type,
                       "WordPiece, ByteLevel, Metaspace, BPEDecoder, ByteFallback, Fuse, Strip, Replace, Sequence"));
}

class MarianDecoder final : public Decoder {
 public:
  explicit MarianDecoder(MarianDecoderParts parts) : parts_(std::move(parts)) {}

  std::string decode(Tokens tokens) const override {
    Tokens texts;
    Tokens run;
    const auto end_run = [&] {
      if (std::string text = decode_run(run); !text.empty()) {
        texts.push_back(std::move(text));
      }
      run.clear();
    };
    for (std::string& token : tokens) {
      if (parts_.added_tokens.contains(token)) {
        end_run();
        texts.push_back(std::move(token));
      } else {
        run.push_back(std::move(token));
      }
    }
    end_run();
    return join(texts, " ");
  }

 private:
  std::string decode_run(const Tokens& run) const {
    std::string text;
    Tokens pieces;
    for (const std::string& token : run) {
      if (parts_.special_tokens.contains(token)) {
        text += parts_.target->decode(pieces) + token + " ";
        pieces.clear();
      } else {
        pieces.push_back(token);
      }
    }
    text += parts_.target->decode(pieces);
    replace_all(text, "▁", " ");
    return strip(text);
  }

  /// str.strip() of Python.
  static std::string strip(std::string_view text) {
    const auto is_space = [](char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); };
    size_t begin = 0;
    for (size_t i = 0; i < text.size() && is_space(next_code_point(text, i));) {
      begin = i;
    }
    size_t end = text.size();
    for (size_t i = end; i > begin && is_space(previous_code_point(text, i));) {
      end = i;
    }
    return std::string(text.substr(begin, end - begin));
  }

  MarianDecoderParts parts_;
};

}  // namespace

std::unique_ptr<Decoder> parse_decoder(const json* object, const std::string& file) {
  if (object == nullptr) {
    return std::make_unique<Spaced>();
  }
  return parse_step(*object, file);
}

std::unique_ptr<Decoder> make_wordpiece_decoder(const std::string& prefix, bool cleanup) {
  return std::make_unique<WordPieceStep>(prefix, cleanup);
}

std::unique_ptr<Decoder> make_byte_level_decoder() {
  return std::make_unique<ByteLevelStep>();
}

std::unique_ptr<Decoder> make_metaspace_decoder(const MetaspaceOptions& options) {
  return std::make_unique<MetaspaceStep>(options);
}

std::unique_ptr<Decoder> make_marian_decoder(MarianDecoderParts parts) {
  return std::make_unique<MarianDecoder>(std::move(parts));
}

std::string clean_up_spaces(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kCleanup[] = {
      {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
      {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  replace_each(text, kCleanup);
  return text;
}

}  // namespace bertjit
