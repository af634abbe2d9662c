#include "tokenize/tokenizer_json.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "support/error.h"
#include "support/file.h"
#include "support/json.h"
#include "tokenize/bpe_files.h"
#include "tokenize/json_members.h"
#include "tokenize/post_processors.h"
#include "tokenize/pre_tokenizers.h"
#include "tokenize/sentencepiece_files.h"
#include "tokenize/word_text_model.h"
#include "tokenize/wordpiece_files.h"

namespace bertjit {

using nlohmann::json;

namespace {

/// Takes the entries of model.vocab and model.merges as they are parsed.
class ListTaker {
 public:
  explicit ListTaker(TokenizerJson& parsed) : parsed_(parsed) {}

  /// nlohmann_json's parser callback: false leaves the value out of the tree. Throws Error(kCorrupt) for an entry that
  /// is none.
  bool operator()(int depth, json::parse_event_t event, json& value) {
    const bool is_key = event == json::parse_event_t::key;
    if (is_key && depth >= 1 && depth <= 3) {
      keys_[static_cast<size_t>(depth - 1)] = value.get<std::string>();
    }
    if (depth != 3 || keys_[0] != "model" || (keys_[1] != "vocab" && keys_[1] != "merges")) {
      return true;
    }
    if (event == json::parse_event_t::array_start) {
      return true;  // it comes again, as a whole, at its end
    }
    return keys_[1] == "vocab" ? take_vocabulary_entry(event, value) : take_merge(event, value);
  }

 private:
  bool take_vocabulary_entry(json::parse_event_t event, const json& value) {
    if (event == json::parse_event_t::key) {
      in_object_ = true;
    } else if (event == json::parse_event_t::value && in_object_) {
      parsed_.vocabulary.emplace_back(keys_[2], value);
    } else if (event == json::parse_event_t::array_end && !in_object_ && value.size() == 2 && value[0].is_string() &&
               value[1].is_number()) {
      parsed_.pieces.emplace_back(value[0].get<std::string>(), value[1].get<double>());
    } else {
      throw wrong_entry(in_object_ ? "of '" + keys_[2] + "'" : value.dump(), "a token and a number");
    }
    return false;
  }

  bool take_merge(json::parse_event_t event, const json& value) {
    if (event == json::parse_event_t::array_end && value.size() == 2 && value[0].is_string() && value[1].is_string()) {
      parsed_.merges.emplace_back(value[0].get<std::string>(), value[1].get<std::string>());
      return false;
    }
    const std::string merge = event == json::parse_event_t::value && value.is_string() ? value.get<std::string>() : "";
    if (merge.starts_with("#version")) {
      return false;
    }
    const size_t space = merge.find(' ');
    if (space == std::string::npos || merge.find(' ', space + 1) != std::string::npos) {
      throw wrong_entry(event == json::parse_event_t::key ? "of '" + keys_[2] + "'" : value.dump(), "two tokens");
    }
    parsed_.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
    return false;
  }

  Error wrong_entry(const std::string& entry, const char* expected) const {
    return Error(ErrorKind::kCorrupt,
                 parsed_.file + ": '" + keys_[1] + "' has an entry " + entry.substr(0, 80) + ", expected " + expected);
  }

  TokenizerJson& parsed_;
  std::array<std::string, 3> keys_;  ///< of the objects we are in, outermost first
  bool in_object_ = false;           ///< whether model.vocab is an object rather than an array
};

TokenizerJson parse_file(const std::filesystem::path& path) {
  TokenizerJson parsed;
  parsed.file = path.string();
  const std::string text = read_text_file(path);
  ListTaker taker(parsed);
  try {
    parsed.root = json::parse(
        text, [&](int depth, json::parse_event_t event, json& value) { return taker(depth, event, value); });
  } catch (const json::exception&) {
    parsed.root = parse_json(text, parsed.file);  // throws, with the place
  }
  return parsed;
}

/// Files of before 2021 give the model no type; what it holds tells.
std::string model_type(const json& model, const std::string& file) {
  if (find_member(model, "type") != nullptr) {
    return require_string(model, "type", file);
  }
  if (find_member(model, "merges") != nullptr) {
    return "BPE";
  }
  if (find_member(model, "unk_id") != nullptr) {
    return "Unigram";
  }
  return find_member(model, "continuing_subword_prefix") != nullptr ? "WordPiece" : "of unknown type";
}

/// Reads the model, and says in `files` whose kind it is.
NamedWordModel read_model(const TokenizerJson& parsed, TokenizerFiles& files) {
  const std::string type = model_type(require_member(parsed.root, "model", parsed.file), parsed.file);
  if (type == "WordPiece") {
    files = TokenizerFiles::kWordPiece;
    return read_wordpiece_model(parsed);
  }
  if (type == "BPE") {
    files = TokenizerFiles::kByteLevelBpe;
    return read_bpe_model(parsed);
  }
  if (type == "Unigram") {
    files = TokenizerFiles::kSentencePiece;
    return read_unigram_model(parsed);
  }
  throw unsupported_part(parsed.file, "model", type, "WordPiece, BPE, Unigram");
}

std::vector<NumberedToken> parse_added_tokens(const json& root, const std::string& file) {
  std::vector<NumberedToken> tokens;
  if (find_member(root, "added_tokens") == nullptr) {
    return tokens;
  }
  for (const json& token : require_array(root, "added_tokens", file)) {
    tokens.push_back({parse_added_token(token, file), require_count(require_member(token, "id", file), "id", file)});
  }
  return tokens;
}

std::optional<std::string> parse_side(const json& root, const std::string& part, const std::string& file) {
  const json* object = find_member(root, part);
  return object == nullptr ? std::nullopt : std::optional(string_member(*object, "direction", "Right", file));
}

}  // namespace

std::shared_ptr<const Vocabulary> build_vocabulary(const std::vector<std::pair<std::string, json>>& tokens,
                                                   const std::string& file) {
  std::vector<std::pair<int64_t, std::string_view>> by_id;
  by_id.reserve(tokens.size());
  for (const auto& [token, id] : tokens) {
    by_id.emplace_back(require_count(id, token, file), token);
  }
  std::stable_sort(by_id.begin(), by_id.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  auto vocabulary = std::make_shared<Vocabulary>();
  try {
    for (const auto& [id, token] : by_id) {
      vocabulary->add(token, id);
    }
  } catch (const Error& error) {
    throw Error(error.kind(), file + ": " + error.what());
  }
  return vocabulary;
}

std::shared_ptr<const Vocabulary> build_vocabulary(const TokenizerJson& parsed) {
  const json& members = require_member(require_member(parsed.root, "model", parsed.file), "vocab", parsed.file);
  if (!members.is_object() || parsed.vocabulary.empty()) {
    throw wrong_member(parsed.file, "vocab", members, "an object of at least one token");
  }
  return build_vocabulary(parsed.vocabulary, parsed.file);
}

TokenizerDefinition read_tokenizer_json(const std::filesystem::path& path, const PartOverrides& overrides) {
  const TokenizerJson parsed = parse_file(path);
  const json& root = parsed.root;
  TokenizerDefinition definition;
  definition.file = parsed.file;
  NamedWordModel model = read_model(parsed, definition.files);
  definition.vocabulary = std::move(model.vocabulary);
  definition.model = std::make_unique<WordTextModel>(
      parse_normalizer(find_member(root, "normalizer"), parsed.file, overrides.bert_normalizer),
      parse_pre_tokenizer(find_member(root, "pre_tokenizer"), parsed.file, overrides.add_prefix_space),
      std::move(model.model));
  definition.decoder = parse_decoder(find_member(root, "decoder"), parsed.file);
  definition.added_tokens = parse_added_tokens(root, parsed.file);
  definition.encoding_template = parse_post_processor(find_member(root, "post_processor"), parsed.file);
  definition.padding_side = parse_side(root, "padding", parsed.file);
  definition.truncation_side = parse_side(root, "truncation", parsed.file);
  if (const json* padding = find_member(root, "padding")) {
    if (find_member(*padding, "pad_token") != nullptr) {
      definition.pad_token = require_string(*padding, "pad_token", parsed.file);
    }
  }
  return definition;
}

}  // namespace bertjit
