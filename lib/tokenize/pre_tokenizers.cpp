#include "tokenize/pre_tokenizers.h"

#include <utility>

#include "tokenize/bert_pre_tokenizer.h"
#include "tokenize/byte_level.h"
#include "tokenize/json_members.h"
#include "tokenize/metaspace.h"
#include "tokenize/unicode.h"

namespace bertjit {

using nlohmann::json;

namespace {

constexpr char kSupported[] =
    "BertPreTokenizer, ByteLevel, Metaspace, Whitespace, WhitespaceSplit, Punctuation, Split by GPT-2's pattern, "
    "Sequence";

/// What a character does to the words: it parts them and vanishes, is one by itself, or joins those of its kind.
enum class Role { kGap, kAlone, kWord, kSymbol };

/// Splits where the role of the characters changes.
class RoleSplit final : public PreTokenizer {
 public:
  explicit RoleSplit(Role (*role_of)(char32_t)) : role_of_(role_of) {}

  void split(std::string_view text, TextPlace place, Words& words) const override {
    size_t begin = 0;
    Role role = Role::kGap;
    const auto end_word = [&](size_t end) {
      if (role != Role::kGap) {
        words.add(text.substr(begin, end - begin), begin == 0 ? place : TextPlace::kInside);
      }
      begin = end;
    };
    for (size_t i = 0; i < text.size();) {
      const size_t start = i;
      const Role next_role = role_of_(next_code_point(text, i));
      if (next_role != role || next_role == Role::kAlone) {
        end_word(start);
        role = next_role;
      }
    }
    end_word(text.size());
  }

 private:
  Role (*role_of_)(char32_t);
};

/// \w+|[^\w\s]+
Role role_in_whitespace(char32_t c) {
  return is_word_character(c) ? Role::kWord : is_white_space(c) ? Role::kGap : Role::kSymbol;
}

Role role_in_whitespace_split(char32_t c) {
  return is_white_space(c) ? Role::kGap : Role::kWord;
}

Role role_in_punctuation(char32_t c) {
  return is_punctuation(c) ? Role::kAlone : Role::kWord;
}

class Sequence final : public PreTokenizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<PreTokenizer>> steps) : steps_(std::move(steps)) {}

  void split(std::string_view text, TextPlace place, Words& words) const override {
    Words from;
    from.add(text, place);
    for (const auto& step : steps_) {
      Words to;
      to.made = std::move(from.made);  // what the words of this step may still lie in
      TextPlace first_place = from.first_place;
      for (const std::string_view word : from.texts) {
        step->split(word, std::exchange(first_place, TextPlace::kInside), to);
      }
      from = std::move(to);
    }
    TextPlace first_place = from.first_place;
    for (const std::string_view word : from.texts) {
      words.add(word, std::exchange(first_place, TextPlace::kInside));
    }
    words.made.splice_after(words.made.before_begin(), from.made);
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> steps_;
};

std::unique_ptr<PreTokenizer> parse_split(const json& object, const std::string& file) {
  const json& pattern = require_member(object, "pattern", file);
  const bool is_text = find_member(pattern, "String") != nullptr;
  const std::string expression = require_string(pattern, is_text ? "String" : "Regex", file);
  const std::string behavior = require_string(object, "behavior", file);
  const bool invert = bool_member(object, "invert", false, file);
  if (is_text || expression != kGpt2Pattern) {
    throw unsupported_part(file, "pattern of pre_tokenizer Split", "'" + expression + "'", std::string(kGpt2Pattern));
  }
  // The pattern matches all there is: its matches are the words, whether they are kept or what lies between is dropped.
  if ((behavior != "Isolated" || invert) && (behavior != "Removed" || !invert)) {
    throw unsupported_part(file, "behavior of pre_tokenizer Split", behavior + (invert ? ", inverted" : ""),
                           "Isolated; Removed, inverted");
  }
  return make_gpt2_split();
}

std::unique_ptr<PreTokenizer> parse_sequence(const json& object, const std::string& file) {
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  for (const json& step : require_array(object, "pretokenizers", file)) {
    steps.push_back(parse_pre_tokenizer(&step, file));
  }
  return std::make_unique<Sequence>(std::move(steps));
}

}  // namespace

std::unique_ptr<PreTokenizer> parse_pre_tokenizer(const json* object, const std::string& file,
                                                  std::optional<bool> add_prefix_space) {
  if (object == nullptr) {
    return nullptr;
  }
  const std::string type = require_string(*object, "type", file);
  if (type == "BertPreTokenizer") {
    return make_bert_pre_tokenizer();
  }
  if (type == "ByteLevel") {
    const bool of_file = bool_member(*object, "add_prefix_space", true, file);
    return make_byte_level({.add_prefix_space = add_prefix_space.value_or(of_file),
                            .use_regex = bool_member(*object, "use_regex", true, file)});
  }
  if (type == "Metaspace") {
    return parse_metaspace(*object, file);
  }
  if (type == "Whitespace") {
    return std::make_unique<RoleSplit>(role_in_whitespace);
  }
  if (type == "WhitespaceSplit") {
    return std::make_unique<RoleSplit>(role_in_whitespace_split);
  }
  if (type == "Punctuation") {
    if (const std::string behavior = string_member(*object, "behavior", "Isolated", file); behavior != "Isolated") {
      throw unsupported_part(file, "behavior of pre_tokenizer Punctuation", behavior, "Isolated");
    }
    return std::make_unique<RoleSplit>(role_in_punctuation);
  }
  if (type == "Split") {
    return parse_split(*object, file);
  }
  if (type == "Sequence") {
    return parse_sequence(*object, file);
  }
  throw unsupported_part(file, "pre_tokenizer", type, kSupported);
}

}  // namespace bertjit
