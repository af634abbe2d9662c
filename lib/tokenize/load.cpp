#include "tokenize/load.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "support/error.h"
#include "support/json.h"
#include "tokenize/pipeline.h"
#include "tokenize/wordpiece_files.h"

namespace bertjit {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// What a tokenizer class of transformers adds to its files.
struct Family {
  const char* name;        ///< class without "Tokenizer", "TokenizerFast"
  const char* model_type;  ///< of config.json
  bool has_token_type_ids;
  const char* cls;
  const char* sep;
  const char* pad;
  const char* mask;
  bool normalized_specials;  ///< specials are looked for in normalized text; the mask takes the space before it
  int pair_separators;
};

constexpr Family kFamilies[] = {
    {"Bert", "bert", true, "[CLS]", "[SEP]", "[PAD]", "[MASK]", false, 1},
    {"DistilBert", "distilbert", false, "[CLS]", "[SEP]", "[PAD]", "[MASK]", false, 1},
    {"Electra", "electra", true, "[CLS]", "[SEP]", "[PAD]", "[MASK]", false, 1},
    {"MobileBert", "mobilebert", true, "[CLS]", "[SEP]", "[PAD]", "[MASK]", false, 1},
    {"MPNet", "mpnet", false, "<s>", "</s>", "<pad>", "<mask>", true, 2},
};

/// In transformers' order, which gives new tokens their ids.
constexpr std::array kRoles = {"bos_token", "eos_token", "unk_token", "sep_token",
                               "pad_token", "cls_token", "mask_token"};

/// Files that tell which tokenizer it is where it is none we load.
constexpr std::pair<const char*, const char*> kOtherKinds[] = {
    {"vocab.json", "byte-level BPE"},
    {"merges.txt", "byte-level BPE"},
    {"sentencepiece.bpe.model", "SentencePiece"},
    {"spiece.model", "SentencePiece"},
    {"spm.model", "SentencePiece"},
    {"source.spm", "SentencePiece"},
    {"tokenizer.model", "SentencePiece"},
};

bool is_present(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

json read_optional(const fs::path& path) {
  if (!is_present(path)) {
    return json::object();
  }
  json object = read_json_file(path);
  if (!object.is_object()) {
    throw Error(ErrorKind::kCorrupt, path.string() + ": is " + object.type_name() + ", expected an object");
  }
  return object;
}

/// Builds one tokenizer; a class only so that the steps share the files.
class Loader {
 public:
  explicit Loader(const fs::path& directory);
  std::unique_ptr<Tokenizer> load();

 private:
  fs::path path(const char* name) const {
    return directory_ / name;
  }
  bool has(const char* name) const {
    return is_present(path(name));
  }
  void check_kind() const;
  void find_class();
  void read_definition();
  void override_normalizer();
  std::optional<AddedToken> role_token(const std::string& role) const;
  AddedToken parse_role_token(const json& value, const std::string& role) const;
  void add_tokens();
  void add_configured_tokens();
  bool is_role_token(const std::string& content) const;
  void add_role_tokens();
  std::optional<int64_t> id_of(const std::string& role) const;
  int32_t require_id(const std::string& role) const;
  bool returns_token_type_ids() const;
  Side side(const char* key, const std::optional<std::string>& of_definition) const;
  std::optional<int64_t> model_max_length() const;

  fs::path directory_;
  std::string config_name_;
  json config_;        ///< tokenizer_config.json
  json special_map_;   ///< special_tokens_map.json, {} where it does not count
  std::string class_;  ///< tokenizer class without "Tokenizer", "TokenizerFast"; empty if no file tells
  const Family* family_ = nullptr;
  bool from_json_;      ///< tokenizer.json rather than vocab.txt
  std::string source_;  ///< the file the vocabulary is from
  WordPieceDefinition definition_;
  AddedTokens added_;
};

Loader::Loader(const fs::path& directory)
    : directory_(directory), config_name_(path("tokenizer_config.json").string()), from_json_(has("tokenizer.json")) {
  check_kind();
  source_ = path(from_json_ ? "tokenizer.json" : "vocab.txt").string();
  config_ = read_optional(path("tokenizer_config.json"));
  if (find_member(config_, "added_tokens_decoder") == nullptr) {
    special_map_ = read_optional(path("special_tokens_map.json"));
  }
}

void Loader::check_kind() const {
  std::error_code error;
  const fs::file_status status = fs::status(directory_, error);
  if (error && status.type() != fs::file_type::not_found) {
    throw system_error("cannot read " + directory_.string(), error.value());
  }
  if (!fs::is_directory(status)) {
    throw Error(ErrorKind::kNotFound, directory_.string() + ": no such directory, expected one with a tokenizer");
  }
  if (from_json_ || has("vocab.txt")) {
    return;
  }
  for (const auto& [file, kind] : kOtherKinds) {
    if (has(file)) {
      throw Error(ErrorKind::kUnsupported,
                  directory_.string() + ": tokenizer is " + kind + " (" + file + "); supported: WordPiece");
    }
  }
  throw Error(ErrorKind::kNotFound, directory_.string() +
                                        ": has no tokenizer; looked for tokenizer.json, vocab.txt, vocab.json, "
                                        "sentencepiece.bpe.model, spiece.model, spm.model, source.spm");
}

void Loader::find_class() {
  class_ = string_member(config_, "tokenizer_class", "", config_name_);
  std::string model_type;
  if (class_.empty()) {
    const std::string file = path("config.json").string();
    const json model_config = read_optional(file);
    class_ = string_member(model_config, "tokenizer_class", "", file);
    model_type = string_member(model_config, "model_type", "", file);
  }
  for (const std::string suffix : {"Fast", "Tokenizer"}) {
    if (class_.ends_with(suffix)) {
      class_.erase(class_.size() - suffix.size());
    }
  }
  for (const Family& family : kFamilies) {
    if (class_.empty() ? model_type == family.model_type : class_ == family.name) {
      family_ = &family;
    }
  }
  if (family_ != nullptr) {
    class_ = family_->name;
  } else if (class_.empty() && model_type.empty()) {
    family_ = kFamilies;
  } else if (!from_json_) {
    throw Error(ErrorKind::kUnsupported, source_ + ": belongs to a tokenizer of " +
                                             (class_.empty() ? "model type " + model_type : "class " + class_) +
                                             "; supported without tokenizer.json: WordPiece of Bert, DistilBert, "
                                             "Electra, MobileBert, MPNet");
  }
}

void Loader::read_definition() {
  if (from_json_) {
    definition_ = read_wordpiece_definition(path("tokenizer.json"));
  } else {
    definition_.vocabulary = read_vocabulary(path("vocab.txt"));
    definition_.wordpiece.unk_token = role_token("unk_token").value_or(AddedToken{"[UNK]"}).content;
  }
}

void Loader::override_normalizer() {
  if (family_ == nullptr) {
    return;
  }
  BertNormalizerOptions& options = definition_.normalizer;
  const bool class_rules = !class_.empty() || !from_json_;
  const BertNormalizerOptions defaults = class_rules ? BertNormalizerOptions() : options;
  options.lowercase = bool_member(config_, "do_lower_case", defaults.lowercase, config_name_);
  options.handle_chinese_chars =
      bool_member(config_, "tokenize_chinese_chars", defaults.handle_chinese_chars, config_name_);
  options.strip_accents = defaults.strip_accents;
  if (find_member(config_, "strip_accents") != nullptr) {
    options.strip_accents = bool_member(config_, "strip_accents", false, config_name_);
  }
}

AddedToken Loader::parse_role_token(const json& value, const std::string& role) const {
  if (!value.is_string()) {
    AddedToken token = parse_added_token(value, directory_.string() + ": special token '" + role + "'");
    token.special = true;
    return token;
  }
  AddedToken token{.content = value.get<std::string>(), .normalized = false, .special = true};
  if (family_ != nullptr && family_->normalized_specials) {
    token.normalized = true;
    token.lstrip = role == "mask_token";
  }
  return token;
}

std::optional<AddedToken> Loader::role_token(const std::string& role) const {
  for (const json* file : {&special_map_, &config_}) {
    if (file->contains(role)) {
      const json* value = find_member(*file, role);
      return value == nullptr ? std::nullopt : std::optional(parse_role_token(*value, role));
    }
  }
  if (family_ == nullptr) {
    return std::nullopt;
  }
  const std::map<std::string, const char*> defaults = {{"cls_token", family_->cls},
                                                       {"sep_token", family_->sep},
                                                       {"pad_token", family_->pad},
                                                       {"mask_token", family_->mask},
                                                       {"unk_token", "[UNK]"}};
  const auto content = defaults.find(role);
  return content == defaults.end() ? std::nullopt : std::optional(parse_role_token(content->second, role));
}

void Loader::add_configured_tokens() {
  std::multimap<int64_t, AddedToken> tokens;
  if (const json* decoder = find_member(config_, "added_tokens_decoder")) {
    for (const auto& [id, token] : decoder->items()) {
      tokens.emplace(std::atoll(id.c_str()), parse_added_token(token, config_name_));
    }
  } else {
    const std::string file = path("added_tokens.json").string();
    const json legacy = read_optional(file);
    for (const auto& [content, id] : legacy.items()) {
      const bool special = is_role_token(content);
      tokens.emplace(count_member(legacy, content, 0, file),
                     AddedToken{.content = content, .normalized = !special, .special = special});
    }
  }
  for (const auto& [id, token] : tokens) {
    added_.add(token, *definition_.vocabulary);
  }
}

bool Loader::is_role_token(const std::string& content) const {
  return std::any_of(kRoles.begin(), kRoles.end(), [&](const char* role) {
    const auto token = role_token(role);
    return token && token->content == content;
  });
}

void Loader::add_role_tokens() {
  for (const char* role : kRoles) {
    if (const auto token = role_token(role); token && !added_.find(token->content)) {
      added_.add(*token, *definition_.vocabulary);
    }
  }
  for (const json* file : {&special_map_, &config_}) {
    if (const json* list = find_member(*file, "additional_special_tokens"); list != nullptr && list->is_array()) {
      for (const json& value : *list) {
        const AddedToken token = parse_role_token(value, "additional_special_tokens");
        if (!added_.find(token.content)) {
          added_.add(token, *definition_.vocabulary);
        }
      }
    }
  }
}

void Loader::add_tokens() {
  for (const auto& [token, id] : definition_.added_tokens) {
    added_.add(token, *definition_.vocabulary);
    if (added_.find(token.content) != id && !token.content.empty()) {
      throw Error(ErrorKind::kCorrupt, source_ + ": added token '" + token.content + "' has id " + std::to_string(id) +
                                           ", by its place it is " + std::to_string(*added_.find(token.content)));
    }
  }
  add_configured_tokens();
  for (const char* role : {"unk_token", "cls_token", "sep_token"}) {
    if (role_token(role)) {
      require_id(role);
    }
  }
  add_role_tokens();
}

std::optional<int64_t> Loader::id_of(const std::string& role) const {
  const auto token = role_token(role);
  if (!token) {
    return std::nullopt;
  }
  if (const auto id = added_.find(token->content)) {
    return *id;
  }
  const int32_t id = definition_.vocabulary->find(token->content);
  return id == Vocabulary::kAbsent ? std::nullopt : std::optional<int64_t>(id);
}

int32_t Loader::require_id(const std::string& role) const {
  const auto id = id_of(role);
  if (!id) {
    throw Error(ErrorKind::kCorrupt, source_ + ": has no '" + role_token(role)->content + "', the " + role +
                                         ", among its " + std::to_string(definition_.vocabulary->size()) + " tokens");
  }
  return static_cast<int32_t>(*id);
}

bool Loader::returns_token_type_ids() const {
  if (const json* names = find_member(config_, "model_input_names"); names != nullptr && names->is_array()) {
    return std::find(names->begin(), names->end(), "token_type_ids") != names->end();
  }
  return family_ == nullptr || family_->has_token_type_ids;
}

Side Loader::side(const char* key, const std::optional<std::string>& of_definition) const {
  const std::string side = string_member(config_, key, of_definition.value_or("right"), config_name_);
  if (side == "left" || side == "Left") {
    return Side::kLeft;
  }
  if (side == "right" || side == "Right") {
    return Side::kRight;
  }
  throw Error(ErrorKind::kCorrupt, config_name_ + ": '" + key + "' is '" + side + "', expected left or right");
}

std::optional<int64_t> Loader::model_max_length() const {
  // transformers writes 1e30 for "no limit".
  const json* member = find_member(config_, "model_max_length");
  if (member == nullptr || (member->is_number() && member->get<double>() > 1e18)) {
    return std::nullopt;
  }
  return count_member(config_, "model_max_length", 0, config_name_);
}

std::unique_ptr<Tokenizer> Loader::load() {
  find_class();
  read_definition();
  override_normalizer();
  add_tokens();

  PipelineParts parts;
  parts.vocabulary = definition_.vocabulary;
  parts.model = std::make_unique<WordPiece>(definition_.vocabulary, definition_.wordpiece, definition_.normalizer);
  added_.build_matchers([&](std::string_view text) {
    std::string normalized;
    parts.model->append_normalized(text, normalized);
    return normalized;
  });
  parts.encoding_template =
      from_json_ ? definition_.encoding_template
                 : bert_template(require_id("cls_token"), require_id("sep_token"), family_->pair_separators);
  parts.special_ids = {id_of("cls_token"), id_of("sep_token"), id_of("mask_token"), id_of("pad_token"),
                       id_of("unk_token")};
  parts.added_tokens = std::move(added_);
  parts.has_token_type_ids = returns_token_type_ids();
  parts.pad_type_id = count_member(config_, "pad_token_type_id", definition_.pad_type_id, config_name_);
  parts.padding_side = side("padding_side", definition_.padding_side);
  parts.truncation_side = side("truncation_side", definition_.truncation_side);
  parts.default_max_length = model_max_length();
  return std::make_unique<PipelineTokenizer>(std::move(parts));
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& directory) {
  return Loader(directory).load();
}

}  // namespace bertjit
