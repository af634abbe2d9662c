#include "tokenize/normalizers.h"

#include <utility>
#include <vector>

#include "tokenize/json_members.h"
#include "tokenize/normalization_forms.h"
#include "tokenize/replacement.h"
#include "tokenize/sentencepiece_normalizers.h"
#include "tokenize/unicode.h"

namespace bertjit {

using nlohmann::json;

namespace {

constexpr char kSupported[] =
    "BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Replace, Strip, Prepend, Precompiled, Nmt, "
    "Sequence";

class Bert final : public Normalizer {
 public:
  explicit Bert(const BertNormalizerOptions& options) : normalizer_(options) {}

  void append(std::string_view text, std::string& out) const override {
    normalizer_.append(text, out);
  }

 private:
  BertNormalizer normalizer_;
};

/// A step that maps each code point.
template <typename Append>
class EachCodePoint final : public Normalizer {
 public:
  explicit EachCodePoint(Append append) : append_(append) {}

  void append(std::string_view text, std::string& out) const override {
    for (size_t i = 0; i < text.size();) {
      append_(next_code_point(text, i), out);
    }
  }

 private:
  Append append_;
};

void append_unless_mark(char32_t c, std::string& out) {
  if (!is_combining_mark(c)) {
    append_utf8(c, out);
  }
}

class Form final : public Normalizer {
 public:
  explicit Form(NormalizationForm form) : form_(form) {}

  void append(std::string_view text, std::string& out) const override {
    std::u32string points;
    points.reserve(text.size());
    for (size_t i = 0; i < text.size();) {
      points.push_back(next_code_point(text, i));
    }
    for (const char32_t c : normalize(points, form_)) {
      append_utf8(c, out);
    }
  }

 private:
  NormalizationForm form_;
};

/// Takes white space from the ends.
class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}

  void append(std::string_view text, std::string& out) const override {
    size_t begin = 0;
    for (size_t i = 0; left_ && i < text.size() && is_white_space(next_code_point(text, i));) {
      begin = i;
    }
    size_t end = text.size();
    for (size_t i = end; right_ && i > begin && is_white_space(previous_code_point(text, i));) {
      end = i;
    }
    out += text.substr(begin, end - begin);
  }

 private:
  bool left_;
  bool right_;
};

class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string prefix) : prefix_(std::move(prefix)) {}

  void append(std::string_view text, std::string& out) const override {
    if (!text.empty()) {
      out += prefix_;
      out += text;
    }
  }

 private:
  std::string prefix_;
};

class Replace final : public Normalizer {
 public:
  explicit Replace(Replacement replacement) : replacement_(std::move(replacement)) {}

  void append(std::string_view text, std::string& out) const override {
    replacement_.append(text, out);
  }

 private:
  Replacement replacement_;
};

class Sequence final : public Normalizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<Normalizer>> steps) : steps_(std::move(steps)) {}

  void append(std::string_view text, std::string& out) const override {
    std::string from(text);
    std::string to;
    for (const auto& step : steps_) {
      to.clear();
      step->append(from, to);
      std::swap(from, to);
    }
    out += from;
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

BertNormalizerOptions parse_bert_options(const json& object, const std::string& file) {
  BertNormalizerOptions options;
  options.clean_text = bool_member(object, "clean_text", true, file);
  options.handle_chinese_chars = bool_member(object, "handle_chinese_chars", true, file);
  options.lowercase = bool_member(object, "lowercase", true, file);
  if (find_member(object, "strip_accents") != nullptr) {
    options.strip_accents = bool_member(object, "strip_accents", false, file);
  }
  return options;
}

std::unique_ptr<Normalizer> parse_sequence(const json& object, const std::string& file) {
  std::vector<std::unique_ptr<Normalizer>> steps;
  for (const json& step : require_array(object, "normalizers", file)) {
    steps.push_back(parse_normalizer(&step, file));
  }
  return make_normalizer_sequence(std::move(steps));
}

template <typename Append>
std::unique_ptr<Normalizer> make_each(Append append) {
  return std::make_unique<EachCodePoint<Append>>(append);
}

}  // namespace

std::unique_ptr<Normalizer> make_normalizer_sequence(std::vector<std::unique_ptr<Normalizer>> steps) {
  return std::make_unique<Sequence>(std::move(steps));
}

std::unique_ptr<Normalizer> make_bert_normalizer(const BertNormalizerOptions& options) {
  return std::make_unique<Bert>(options);
}

std::unique_ptr<Normalizer> parse_normalizer(const json* object, const std::string& file,
                                             const BertNormalizerOverride& override_bert) {
  if (object == nullptr) {
    return nullptr;
  }
  const std::string type = require_string(*object, "type", file);
  if (type == "BertNormalizer") {
    BertNormalizerOptions options = parse_bert_options(*object, file);
    if (override_bert) {
      override_bert(options);
    }
    return make_bert_normalizer(options);
  }
  constexpr std::pair<const char*, NormalizationForm> kForms[] = {{"NFC", NormalizationForm::kNfc},
                                                                  {"NFD", NormalizationForm::kNfd},
                                                                  {"NFKC", NormalizationForm::kNfkc},
                                                                  {"NFKD", NormalizationForm::kNfkd}};
  for (const auto& [name, form] : kForms) {
    if (type == name) {
      return std::make_unique<Form>(form);
    }
  }
  if (type == "Lowercase") {
    return make_each(append_lowercase);
  }
  if (type == "StripAccents") {
    return make_each(append_unless_mark);
  }
  if (type == "Strip") {
    return std::make_unique<Strip>(bool_member(*object, "strip_left", true, file),
                                   bool_member(*object, "strip_right", true, file));
  }
  if (type == "Prepend") {
    return std::make_unique<Prepend>(require_string(*object, "prepend", file));
  }
  if (type == "Replace") {
    return std::make_unique<Replace>(parse_replacement(*object, file));
  }
  if (type == "Precompiled") {
    return parse_precompiled(*object, file);
  }
  if (type == "Nmt") {
    return make_nmt();
  }
  if (type == "Sequence") {
    return parse_sequence(*object, file);
  }
  throw unsupported_part(file, "normalizer", type, kSupported);
}

}  // namespace bertjit
