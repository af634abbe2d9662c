#include "tokenize/load.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/error.h"
#include "support/file_status.h"
#include "tokenize/bpe_files.h"
#include "tokenize/config_files.h"
#include "tokenize/json_members.h"
#include "tokenize/marian.h"
#include "tokenize/pipeline.h"
#include "tokenize/sentencepiece_files.h"
#include "tokenize/tokenizer_json.h"
#include "tokenize/wordpiece_files.h"

namespace bertjit {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

void check_directory(const fs::path& directory) {
  if (!path_is_folder(directory)) {
    throw Error(ErrorKind::kNotFound, directory.string() + ": no such directory, expected one with a tokenizer");
  }
}

/// "tokenizer.json, vocab.txt, …": each once.
std::string list_vocabulary_files() {
  std::string list = "tokenizer.json";
  for (const TokenizerClass& of : tokenizer_classes()) {
    if (list.find(of.vocabulary_file) == std::string::npos) {
      list += std::string(", ") + of.vocabulary_file;
    }
  }
  return list;
}

/// Builds one tokenizer; a class only so that the steps share the files.
class Loader {
 public:
  explicit Loader(const fs::path& directory) : directory_(directory), config_(directory) {}
  std::unique_ptr<Tokenizer> load();

 private:
  void choose_source();
  void choose_class_by_files();
  void read_definition();
  BertNormalizerOptions configured_normalizer(BertNormalizerOptions options) const;
  bool configured_prefix_space() const;
  void infer_class();
  std::optional<AddedToken> role_token(const std::string& role) const;
  void add_tokens();
  void add_role_tokens();
  std::optional<int64_t> id_of(const std::string& role) const;
  int32_t require_id(const std::string& role) const;
  std::optional<int64_t> default_max_length() const;
  std::unique_ptr<Decoder> marian_decoder() const;
  EncodingTemplate class_template() const;
  bool returns_token_type_ids() const;
  Side side(const char* key, const std::optional<std::string>& of_definition) const;

  fs::path directory_;
  ConfigFiles config_;
  TokenizerSource source_ = TokenizerSource::kOwnFiles;
  bool is_class_named_ = false;            ///< by a file, rather than found out
  const TokenizerClass* class_ = nullptr;  ///< nullptr: another than ours, which tokenizer.json describes in full
  TokenizerDefinition definition_;
  AddedTokens added_;
};

void Loader::choose_source() {
  const ConfigFiles::NamedClass named = config_.find_class();
  class_ = named.known;
  is_class_named_ = !named.name.empty();
  // Marian has no fast tokenizer: what a tokenizer.json beside its files says, transformers does not read.
  const bool reads_json = class_ == nullptr || class_->files != TokenizerFiles::kMarian;
  if (reads_json && path_exists(directory_ / "tokenizer.json")) {
    source_ = TokenizerSource::kTokenizerJson;
    return;
  }
  if (class_ == nullptr && is_class_named_) {
    throw Error(ErrorKind::kUnsupported, directory_.string() + ": has a tokenizer of " + named.name +
                                             " and no tokenizer.json; supported without one: " + list_classes());
  }
  if (class_ == nullptr) {
    choose_class_by_files();
  } else if (!path_exists(directory_ / class_->vocabulary_file)) {
    throw Error(ErrorKind::kNotFound, directory_.string() + ": has no tokenizer; looked for tokenizer.json and " +
                                          class_->vocabulary_file + ", the files of a " + class_->name + " tokenizer");
  }
}

void Loader::choose_class_by_files() {
  for (const TokenizerClass& of : tokenizer_classes()) {
    if (path_exists(directory_ / of.vocabulary_file)) {
      // Marian has a vocab.json too, and no merges.txt.
      const bool is_other = of.files == TokenizerFiles::kByteLevelBpe && path_exists(directory_ / "source.spm");
      class_ = class_ == nullptr && !is_other ? &of : class_;
    }
  }
  if (class_ == nullptr) {
    throw Error(ErrorKind::kNotFound,
                directory_.string() + ": has no tokenizer; looked for " + list_vocabulary_files());
  }
}

BertNormalizerOptions Loader::configured_normalizer(BertNormalizerOptions options) const {
  const json& config = config_.config();
  const std::string& file = config_.file();
  const bool from_json = source_ == TokenizerSource::kTokenizerJson;
  // MPNet leaves the ideographs to tokenizer.json.
  const bool overrules_ideographs = !from_json || class_ == nullptr || std::string_view(class_->name) != "MPNet";
  const bool ideographs = options.handle_chinese_chars;
  if (is_class_named_ || !from_json) {  // then the class has its say by its defaults too
    options = {.clean_text = options.clean_text};
  }
  options.lowercase = bool_member(config, "do_lower_case", options.lowercase, file);
  if (find_member(config, "strip_accents") != nullptr) {
    options.strip_accents = bool_member(config, "strip_accents", false, file);
  }
  options.handle_chinese_chars = overrules_ideographs
                                     ? bool_member(config, "tokenize_chinese_chars", options.handle_chinese_chars, file)
                                     : ideographs;
  return options;
}

bool Loader::configured_prefix_space() const {
  return bool_member(config_.config(), "add_prefix_space", false, config_.file());
}

void Loader::read_definition() {
  if (source_ == TokenizerSource::kTokenizerJson) {
    PartOverrides overrides;
    overrides.add_prefix_space = configured_prefix_space();
    if (!is_class_named_ || (class_ != nullptr && class_->files == TokenizerFiles::kWordPiece)) {
      overrides.bert_normalizer = [this](BertNormalizerOptions& options) { options = configured_normalizer(options); };
    }
    definition_ = read_tokenizer_json(directory_ / "tokenizer.json", overrides);
    return;
  }
  switch (class_->files) {
    case TokenizerFiles::kWordPiece:
      definition_ = read_wordpiece_files(directory_, role_token("unk_token").value_or(AddedToken{"[UNK]"}).content,
                                         configured_normalizer({}));
      break;
    case TokenizerFiles::kByteLevelBpe:
      definition_ = read_bpe_files(directory_, configured_prefix_space());
      break;
    case TokenizerFiles::kSentencePiece:
      definition_ = read_sentencepiece_files(directory_, *class_, config_.config());
      break;
    case TokenizerFiles::kMarian:
      definition_ = read_marian_files(directory_, role_token("unk_token").value_or(AddedToken{"<unk>"}).content,
                                      config_.config());
      break;
  }
}

/// A tokenizer.json alone does not name its class. One that all special tokens fit is as good for every answer but
/// token_type_ids, which DistilBERT's file, say, does not tell from BERT's.
void Loader::infer_class() {
  const auto has = [&](const char* content) {
    return content == nullptr || definition_.vocabulary->find(content) != Vocabulary::kAbsent ||
           std::any_of(definition_.added_tokens.begin(), definition_.added_tokens.end(),
                       [&](const NumberedToken& added) { return added.token.content == content; });
  };
  for (const TokenizerClass& of : tokenizer_classes()) {
    const bool fits =
        of.files == definition_.files && has(of.cls) && has(of.sep) && has(of.unk) && has(of.pad) && has(of.mask);
    if (fits) {
      class_ = &of;
      return;
    }
  }
}

std::optional<AddedToken> Loader::role_token(const std::string& role) const {
  if (role == "pad_token" && class_ == nullptr && definition_.pad_token && !config_.config().contains(role)) {
    return make_role_token(nullptr, source_, role, *definition_.pad_token);
  }
  return config_.role_token(role, class_, source_);
}

void Loader::add_tokens() {
  for (const auto& [token, id] : definition_.added_tokens) {
    added_.add(token, *definition_.vocabulary);
    if (added_.find(token.content) != id && !token.content.empty()) {
      throw Error(ErrorKind::kCorrupt, definition_.file + ": added token '" + token.content + "' has id " +
                                           std::to_string(id) + ", by its place it is " +
                                           std::to_string(*added_.find(token.content)));
    }
  }
  for (const AddedToken& token : config_.added_tokens(class_, source_)) {
    added_.add(token, *definition_.vocabulary);
  }
  for (const char* role : {"unk_token", "cls_token", "sep_token"}) {
    if (role_token(role)) {
      require_id(role);
    }
  }
  add_role_tokens();
}

void Loader::add_role_tokens() {
  std::vector<AddedToken> tokens;
  for (const char* role : kRoles) {
    if (auto token = role_token(role)) {
      tokens.push_back(std::move(*token));
    }
  }
  for (AddedToken& token : config_.additional_tokens(class_, source_)) {
    tokens.push_back(std::move(token));
  }
  // transformers passes over a token that is a mere string and there already; one with flags overrules.
  const auto has_flags = [](const AddedToken& token) {
    return token.single_word || token.lstrip || token.rstrip || token.normalized;
  };
  for (const AddedToken& token : tokens) {
    if (has_flags(token) || !added_.find(token.content)) {
      added_.add(token, *definition_.vocabulary);
    }
  }
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
    throw Error(ErrorKind::kCorrupt, definition_.file + ": has no '" + role_token(role)->content + "', the " + role +
                                         ", among its " + std::to_string(definition_.vocabulary->size()) + " tokens");
  }
  return static_cast<int32_t>(*id);
}

bool Loader::returns_token_type_ids() const {
  if (const json* names = find_member(config_.config(), "model_input_names"); names != nullptr && names->is_array()) {
    return std::find(names->begin(), names->end(), "token_type_ids") != names->end();
  }
  return class_ == nullptr || class_->has_token_type_ids;
}

Side Loader::side(const char* key, const std::optional<std::string>& of_definition) const {
  const std::string side = string_member(config_.config(), key, of_definition.value_or("right"), config_.file());
  if (side == "left" || side == "Left") {
    return Side::kLeft;
  }
  if (side == "right" || side == "Right") {
    return Side::kRight;
  }
  throw Error(ErrorKind::kCorrupt, config_.file() + ": '" + key + "' is '" + side + "', expected left or right");
}

std::optional<int64_t> Loader::default_max_length() const {
  constexpr int64_t kMarianMaxLength = 512;  // an argument's default there, not of the other classes
  const bool is_unsaid = !config_.config().contains("model_max_length");
  return is_unsaid && definition_.files == TokenizerFiles::kMarian ? kMarianMaxLength : config_.model_max_length();
}

EncodingTemplate Loader::class_template() const {
  return class_->files == TokenizerFiles::kMarian ? marian_template(require_id("eos_token"))
                                                  : bert_template(require_id("cls_token"), require_id("sep_token"),
                                                                  class_->pair_separators, class_->second_type_id);
}

/// Call before added_ is moved.
std::unique_ptr<Decoder> Loader::marian_decoder() const {
  MarianDecoderParts parts;
  parts.target = std::make_unique<SentencePieceProcessor>(directory_ / "target.spm");
  std::set<std::string> additional;
  for (const AddedToken& token : config_.additional_tokens(class_, source_)) {
    additional.insert(token.content);
  }
  parts.special_tokens = additional;
  for (const char* role : kRoles) {
    if (const auto token = role_token(role)) {
      parts.special_tokens.insert(token->content);
    }
  }
  for (const std::string& content : added_.contents()) {
    const bool in_vocabulary = definition_.vocabulary->find(content) != Vocabulary::kAbsent;
    if (!parts.special_tokens.contains(content) || (additional.contains(content) && !in_vocabulary)) {
      parts.added_tokens.insert(content);
    }
  }
  return make_marian_decoder(std::move(parts));
}

std::unique_ptr<Tokenizer> Loader::load() {
  choose_source();
  read_definition();
  if (!is_class_named_ && source_ == TokenizerSource::kTokenizerJson) {
    infer_class();
  }
  add_tokens();

  PipelineParts parts;
  parts.vocabulary = definition_.vocabulary;
  parts.model = std::move(definition_.model);
  added_.build_matchers([&](std::string_view text) {
    std::string normalized;
    parts.model->append_normalized(text, normalized);
    return normalized;
  });
  parts.encoding_template = definition_.encoding_template ? *definition_.encoding_template : class_template();
  parts.special_ids = {id_of("cls_token"), id_of("sep_token"), id_of("mask_token"), id_of("pad_token"),
                       id_of("unk_token")};
  const bool is_marian = definition_.files == TokenizerFiles::kMarian;
  parts.decoder = is_marian ? marian_decoder() : std::move(definition_.decoder);
  parts.cleans_up_spaces = bool_member(config_.config(), "clean_up_tokenization_spaces", false, config_.file());
  parts.stand_in_id = is_marian ? id_of("unk_token") : std::nullopt;
  parts.added_tokens = std::move(added_);
  parts.has_token_type_ids = returns_token_type_ids();
  parts.padding_side = side("padding_side", definition_.padding_side);
  parts.truncation_side = side("truncation_side", definition_.truncation_side);
  parts.odd_token = is_marian ? OddToken::kToFirst : OddToken::kToLonger;
  parts.default_max_length = default_max_length();
  return std::make_unique<PipelineTokenizer>(std::move(parts));
}

}  // namespace

bool has_tokenizer(const fs::path& directory) {
  const auto classes = tokenizer_classes();
  return path_exists(directory / "tokenizer.json") ||
         std::any_of(classes.begin(), classes.end(),
                     [&](const TokenizerClass& of) { return path_exists(directory / of.vocabulary_file); });
}

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& directory) {
  check_directory(directory);
  return Loader(directory).load();
}

}  // namespace bertjit
