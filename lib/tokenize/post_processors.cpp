#include "tokenize/post_processors.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "tokenize/json_members.h"

namespace bertjit {

using nlohmann::json;

namespace {

constexpr char kSupported[] = "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, Sequence";

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
  for (const json& id : require_array(token, "ids", file)) {
    parsed.special_ids.push_back(require_token_id(id, file));
  }
  return parsed;
}

std::vector<TemplatePiece> parse_template(const json& processor, const std::string& key, const std::string& file) {
  const json& special_tokens = require_member(processor, "special_tokens", file);
  std::vector<TemplatePiece> pieces;
  for (const json& piece : require_array(processor, key, file)) {
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

/// The template of one processor; absent: it changes offsets only.
std::optional<EncodingTemplate> parse_processor(const json& processor, const std::string& file) {
  const std::string type = require_string(processor, "type", file);
  if (type == "TemplateProcessing") {
    return EncodingTemplate{parse_template(processor, "single", file), parse_template(processor, "pair", file)};
  }
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    const bool is_bert = type == "BertProcessing";
    return bert_template(parse_processor_token(processor, "cls", file), parse_processor_token(processor, "sep", file),
                         is_bert ? 1 : 2, is_bert ? 1 : 0);
  }
  if (type == "ByteLevel") {
    return std::nullopt;
  }
  if (type != "Sequence") {
    throw unsupported_part(file, "post_processor", type, kSupported);
  }
  std::optional<EncodingTemplate> only;
  for (const json& step : require_array(processor, "processors", file)) {
    std::optional<EncodingTemplate> own = parse_processor(step, file);
    if (own && only) {
      throw unsupported_part(file, "post_processor", "a Sequence of two templates", "a Sequence with one");
    }
    if (own) {
      only = std::move(own);
    }
  }
  return only;
}

}  // namespace

EncodingTemplate parse_post_processor(const json* object, const std::string& file) {
  return object == nullptr ? EncodingTemplate() : parse_processor(*object, file).value_or(EncodingTemplate());
}

}  // namespace bertjit
