#include "tokenize/wordpiece_files.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "support/error.h"
#include "support/file.h"
#include "support/json.h"
#include "tokenize/unicode.h"

namespace bertjit {

using nlohmann::json;

namespace {

Error wrong_member(const std::string& file, const std::string& key, const json& value, const char* expected) {
  return Error(ErrorKind::kCorrupt, file + ": '" + key + "' is " + value.type_name() + ", expected " + expected);
}

const json& require_member(const json& object, const std::string& key, const std::string& file) {
  const json* member = find_member(object, key);
  if (member == nullptr) {
    throw Error(ErrorKind::kCorrupt, file + ": has no '" + key + "' where there must be one");
  }
  return *member;
}

int64_t require_count(const json& value, const std::string& key, const std::string& file) {
  const bool fits = value.is_number_integer() &&
                    (value.is_number_unsigned() ? value.get<uint64_t>() <= std::numeric_limits<int64_t>::max()
                                                : value.get<int64_t>() >= 0);
  if (!fits) {
    throw wrong_member(file, key, value, "an integer of at least 0");
  }
  return value.get<int64_t>();
}

int32_t require_token_id(const json& value, const std::string& file) {
  const int64_t id = require_count(value, "id", file);
  if (id > std::numeric_limits<int32_t>::max()) {
    throw Error(ErrorKind::kCorrupt, file + ": token id " + std::to_string(id) + " does not fit 31 bits");
  }
  return static_cast<int32_t>(id);
}

std::string require_string(const json& object, const std::string& key, const std::string& file) {
  const json& value = require_member(object, key, file);
  if (!value.is_string()) {
    throw wrong_member(file, key, value, "a string");
  }
  return value.get<std::string>();
}

Error unsupported_part(const std::string& file, const std::string& part, const std::string& found,
                       const std::string& supported) {
  return Error(ErrorKind::kUnsupported, file + ": " + part + " is " + found + "; supported: " + supported);
}

/// The type of a part of the pipeline; "null" where there is none.
std::string part_type(const json& root, const std::string& part, const std::string& file) {
  const json* object = find_member(root, part);
  return object == nullptr ? "null" : string_member(*object, "type", "of unknown type", file);
}

/// Files of before 2021 give the model no type; what it holds tells.
std::string model_type(const json& model, const std::string& file) {
  if (find_member(model, "type") != nullptr) {
    return require_string(model, "type", file);
  }
  if (find_member(model, "merges") != nullptr) {
    return "BPE";
  }
  return find_member(model, "continuing_subword_prefix") != nullptr ? "WordPiece" : "of unknown type";
}

/// A tokenizer.json with the members of model.vocab taken out of the tree: as nodes of it, 30,000 tokens take four
/// times as long to parse.
struct TokenizerJson {
  json root;
  std::vector<std::pair<std::string, json>> vocabulary;
};

TokenizerJson parse_tokenizer_json(const std::string& text, const std::string& file) {
  TokenizerJson parsed;
  std::array<std::string, 3> keys;  // of the objects we are in, outermost first
  const auto keep = [&](int depth, json::parse_event_t event, json& value) {
    const bool is_key = event == json::parse_event_t::key;
    if (is_key && depth >= 1 && depth <= 3) {
      keys[static_cast<size_t>(depth - 1)] = value.get<std::string>();
    }
    const bool in_vocabulary = depth == 3 && keys[0] == "model" && keys[1] == "vocab";
    if (in_vocabulary && event == json::parse_event_t::value) {
      parsed.vocabulary.emplace_back(keys[2], value);
    }
    return !(in_vocabulary && (is_key || event == json::parse_event_t::value));
  };
  try {
    parsed.root = json::parse(text, keep);
  } catch (const json::exception&) {
    parsed.root = parse_json(text, file);  // throws, with the place
  }
  return parsed;
}

std::shared_ptr<const Vocabulary> build_vocabulary(const TokenizerJson& parsed, const std::string& file) {
  const json& members = require_member(parsed.root["model"], "vocab", file);
  if (!members.is_object() || parsed.vocabulary.empty()) {
    throw wrong_member(file, "vocab", members, "an object of at least one token");
  }
  std::vector<std::pair<int64_t, std::string_view>> tokens;
  tokens.reserve(parsed.vocabulary.size());
  for (const auto& [token, id] : parsed.vocabulary) {
    tokens.emplace_back(require_count(id, token, file), token);
  }
  std::stable_sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  auto vocabulary = std::make_shared<Vocabulary>();
  for (const auto& [id, token] : tokens) {
    vocabulary->add(token, id);
  }
  return vocabulary;
}

BertNormalizerOptions parse_normalizer(const json& root, const std::string& file) {
  const std::string type = part_type(root, "normalizer", file);
  if (type == "null") {
    return {.clean_text = false, .handle_chinese_chars = false, .strip_accents = false, .lowercase = false};
  }
  if (type != "BertNormalizer") {
    throw unsupported_part(file, "normalizer", type, "BertNormalizer");
  }
  const json& object = root["normalizer"];
  BertNormalizerOptions options;
  options.clean_text = bool_member(object, "clean_text", true, file);
  options.handle_chinese_chars = bool_member(object, "handle_chinese_chars", true, file);
  options.lowercase = bool_member(object, "lowercase", true, file);
  if (find_member(object, "strip_accents") != nullptr) {
    options.strip_accents = bool_member(object, "strip_accents", false, file);
  }
  return options;
}

TemplatePiece parse_template_piece(const json& piece, const json& special_tokens, const std::string& file) {
  TemplatePiece parsed;
  if (const json* sequence = find_member(piece, "Sequence")) {
    const std::string id = require_string(*sequence, "id", file);
    if (id != "A" && id != "B") {
      throw Error(ErrorKind::kCorrupt, file + ": template has sequence '" + id + "', expected A or B");
    }
    parsed.slot = id == "A" ? TextSlot::kFirst : TextSlot::kSecond;
    parsed.type_id = count_member(*sequence, "type_id", 0, file);
    return parsed;
  }
  const json& special = require_member(piece, "SpecialToken", file);
  parsed.type_id = count_member(special, "type_id", 0, file);
  const json& token = require_member(special_tokens, require_string(special, "id", file), file);
  for (const json& id : require_member(token, "ids", file)) {
    parsed.special_ids.push_back(require_token_id(id, file));
  }
  return parsed;
}

std::vector<TemplatePiece> parse_template(const json& processor, const std::string& key, const std::string& file) {
  const json& special_tokens = require_member(processor, "special_tokens", file);
  std::vector<TemplatePiece> pieces;
  for (const json& piece : require_member(processor, key, file)) {
    pieces.push_back(parse_template_piece(piece, special_tokens, file));
  }
  const auto count = [&](TextSlot slot) {
    return std::count_if(pieces.begin(), pieces.end(), [slot](const TemplatePiece& p) { return p.slot == slot; });
  };
  if (count(TextSlot::kFirst) != 1 || count(TextSlot::kSecond) != (key == "pair" ? 1 : 0)) {
    throw Error(ErrorKind::kUnsupported, file + ": template '" + key + "' must hold each text exactly once");
  }
  return pieces;
}

/// BertProcessing's "cls": ["[CLS]", 101].
int32_t parse_processor_token(const json& processor, const std::string& key, const std::string& file) {
  const json& token = require_member(processor, key, file);
  if (!token.is_array() || token.size() != 2) {
    throw wrong_member(file, key, token, "an array of a token and its id");
  }
  return require_token_id(token[1], file);
}

EncodingTemplate parse_post_processor(const json& root, const std::string& file) {
  const std::string type = part_type(root, "post_processor", file);
  if (type == "null") {
    return {};
  }
  const json& processor = root["post_processor"];
  if (type == "TemplateProcessing") {
    return {parse_template(processor, "single", file), parse_template(processor, "pair", file)};
  }
  if (type == "BertProcessing") {
    return bert_template(parse_processor_token(processor, "cls", file), parse_processor_token(processor, "sep", file),
                         1);
  }
  throw unsupported_part(file, "post_processor", type, "TemplateProcessing, BertProcessing");
}

std::vector<NumberedToken> parse_added_tokens(const json& root, const std::string& file) {
  std::vector<NumberedToken> tokens;
  if (const json* list = find_member(root, "added_tokens")) {
    for (const json& token : *list) {
      tokens.push_back({parse_added_token(token, file), require_count(require_member(token, "id", file), "id", file)});
    }
  }
  return tokens;
}

std::optional<std::string> parse_side(const json& root, const std::string& part, const std::string& file) {
  const json* object = find_member(root, part);
  return object == nullptr ? std::nullopt : std::optional(string_member(*object, "direction", "Right", file));
}

size_t line_of(const std::string& text, size_t offset) {
  return 1 + static_cast<size_t>(std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(offset), '\n'));
}

}  // namespace

const json* find_member(const json& object, const std::string& key) {
  if (!object.is_object()) {
    return nullptr;
  }
  const auto member = object.find(key);
  return member == object.end() || member->is_null() ? nullptr : &*member;
}

bool bool_member(const json& object, const std::string& key, bool fallback, const std::string& file) {
  const json* member = find_member(object, key);
  if (member != nullptr && !member->is_boolean()) {
    throw wrong_member(file, key, *member, "true or false");
  }
  return member == nullptr ? fallback : member->get<bool>();
}

std::string string_member(const json& object, const std::string& key, const std::string& fallback,
                          const std::string& file) {
  return find_member(object, key) == nullptr ? fallback : require_string(object, key, file);
}

int64_t count_member(const json& object, const std::string& key, int64_t fallback, const std::string& file) {
  const json* member = find_member(object, key);
  return member == nullptr ? fallback : require_count(*member, key, file);
}

AddedToken parse_added_token(const json& object, const std::string& file) {
  AddedToken token;
  token.content = require_string(object, "content", file);
  token.special = bool_member(object, "special", false, file);
  token.single_word = bool_member(object, "single_word", false, file);
  token.lstrip = bool_member(object, "lstrip", false, file);
  token.rstrip = bool_member(object, "rstrip", false, file);
  token.normalized = bool_member(object, "normalized", !token.special, file);
  return token;
}

std::shared_ptr<const Vocabulary> read_vocabulary(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  if (text.empty()) {
    throw Error(ErrorKind::kCorrupt, path.string() + ": is empty, expected a token a line");
  }
  const size_t malformed = find_malformed_utf8(text);
  if (malformed != std::string::npos) {
    throw Error(ErrorKind::kCorrupt,
                path.string() + ":" + std::to_string(line_of(text, malformed)) + ": is not valid UTF-8");
  }
  auto vocabulary = std::make_shared<Vocabulary>();
  int64_t id = 0;
  for (size_t begin = 0; begin < text.size(); ++id) {
    const size_t end = std::min(text.find_first_of("\r\n", begin), text.size());
    vocabulary->add(std::string_view(text).substr(begin, end - begin), id);
    begin = end + (text.compare(end, 2, "\r\n") == 0 ? 2 : 1);
  }
  return vocabulary;
}

WordPieceDefinition read_wordpiece_definition(const std::filesystem::path& path) {
  const std::string file = path.string();
  const TokenizerJson parsed = parse_tokenizer_json(read_text_file(path), file);
  const json& root = parsed.root;
  const json& model = require_member(root, "model", file);
  if (const std::string type = model_type(model, file); type != "WordPiece") {
    throw unsupported_part(file, "model", type, "WordPiece");
  }
  if (const std::string type = part_type(root, "pre_tokenizer", file); type != "BertPreTokenizer") {
    throw unsupported_part(file, "pre_tokenizer", type, "BertPreTokenizer");
  }
  WordPieceDefinition definition;
  definition.vocabulary = build_vocabulary(parsed, file);
  definition.wordpiece.unk_token = string_member(model, "unk_token", "[UNK]", file);
  definition.wordpiece.continuing_subword_prefix = string_member(model, "continuing_subword_prefix", "##", file);
  definition.wordpiece.max_input_chars_per_word = count_member(model, "max_input_chars_per_word", 100, file);
  definition.normalizer = parse_normalizer(root, file);
  definition.added_tokens = parse_added_tokens(root, file);
  definition.encoding_template = parse_post_processor(root, file);
  definition.padding_side = parse_side(root, "padding", file);
  definition.truncation_side = parse_side(root, "truncation", file);
  if (const json* padding = find_member(root, "padding")) {
    definition.pad_type_id = count_member(*padding, "pad_type_id", 0, file);
  }
  return definition;
}

}  // namespace bertjit
