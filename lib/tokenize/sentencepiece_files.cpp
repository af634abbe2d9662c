#include "tokenize/sentencepiece_files.h"

#include <unicode/uchar.h>

#include <utility>

#include "support/error.h"
#include "tokenize/bpe.h"
#include "tokenize/json_members.h"
#include "tokenize/metaspace.h"
#include "tokenize/sentencepiece_bpe.h"
#include "tokenize/sentencepiece_model.h"
#include "tokenize/sentencepiece_normalizers.h"
#include "tokenize/unicode.h"
#include "tokenize/unigram.h"
#include "tokenize/word_text_model.h"

namespace bertjit {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// What a converter of convert_slow_tokenizer.py makes of a model file's pieces.
struct Layout {
  ScoredPieces pieces;
  int64_t unk_id;
};

void append_pieces(const SentencePieceModel& model, size_t first, ScoredPieces& pieces) {
  for (size_t id = first; id < model.pieces.size(); ++id) {
    pieces.emplace_back(model.pieces[id].text, model.pieces[id].score);
  }
}

/// fairseq's four in front take the place of SentencePiece's three.
Layout lay_out_xlm_roberta(const SentencePieceModel& model) {
  Layout layout{{{"<s>", 0}, {"<pad>", 0}, {"</s>", 0}, {"<unk>", 0}}, 3};
  append_pieces(model, 3, layout.pieces);
  layout.pieces.emplace_back("<mask>", 0);
  return layout;
}

Layout lay_out_camembert(const SentencePieceModel& model) {
  Layout layout{{{"<s>NOTUSED", 0}, {"<pad>", 0}, {"</s>NOTUSED", 0}, {"<unk>", 0}, {"<unk>NOTUSED", -100}}, 3};
  append_pieces(model, 1, layout.pieces);
  layout.pieces.emplace_back("<mask>", 0);
  return layout;
}

Layout lay_out_plain(const SentencePieceModel& model) {
  Layout layout{{}, model.unk_id};
  append_pieces(model, 0, layout.pieces);
  return layout;
}

/// Whether a piece ends with a digit and a comma.
bool is_number_with_comma(std::string_view piece) {
  if (piece.size() < 2 || piece.back() != ',') {
    return false;
  }
  size_t position = piece.size() - 1;
  const auto c = static_cast<UChar32>(previous_code_point(piece, position));
  const int32_t type = u_getIntPropertyValue(c, UCHAR_NUMERIC_TYPE);
  return type == U_NT_DECIMAL || type == U_NT_DIGIT;
}

/// ALBERT takes "9," for "9" and ",": a hundred below any other piece.
Layout lay_out_albert(const SentencePieceModel& model) {
  Layout layout = lay_out_plain(model);
  for (auto& [text, score] : layout.pieces) {
    score -= is_number_with_comma(text) ? 100 : 0;
  }
  return layout;
}

/// Puts the steps of a normalizer together.
class Steps {
 public:
  explicit Steps(std::string file) : file_(std::move(file)) {}

  Steps& add(const json& step) {
    steps_.push_back(parse_normalizer(&step, file_));
    return *this;
  }
  Steps& add_charsmap(const SentencePieceModel& model) {
    if (!model.normalizer.precompiled_charsmap.empty()) {
      steps_.push_back(make_precompiled(model.normalizer.precompiled_charsmap, file_));
    }
    return *this;
  }
  Steps& add_single_spaces(const char* content) {
    return add({{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", content}});
  }
  std::unique_ptr<Normalizer> finish() {
    return make_normalizer_sequence(std::move(steps_));
  }

 private:
  std::string file_;
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

std::unique_ptr<Normalizer> make_roberta_normalizer(const SentencePieceModel& model, const std::string& file) {
  return Steps(file)
      .add_charsmap(model)
      .add({{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}})
      .add_single_spaces("▁")
      .finish();
}

std::unique_ptr<Normalizer> make_albert_normalizer(const SentencePieceModel& model, const std::string& file,
                                                   const json& config) {
  Steps steps(file);
  for (const char* quotes : {"``", "''"}) {
    steps.add({{"type", "Replace"}, {"pattern", {{"String", quotes}}}, {"content", "\""}});
  }
  if (!bool_member(config, "keep_accents", false, file)) {
    steps.add({{"type", "NFKD"}}).add({{"type", "StripAccents"}});
  }
  if (bool_member(config, "do_lower_case", true, file)) {
    steps.add({{"type", "Lowercase"}});
  }
  return steps.add_charsmap(model).add_single_spaces(" ").finish();
}

std::unique_ptr<Normalizer> make_deberta_normalizer(const SentencePieceModel& model, const std::string& file,
                                                    const json& config) {
  Steps steps(file);
  if (bool_member(config, "do_lower_case", false, file)) {
    steps.add({{"type", "Lowercase"}});
  }
  return steps.add({{"type", "Strip"}}).add_charsmap(model).add_single_spaces(" ").finish();
}

std::unique_ptr<PreTokenizer> make_deberta_pre_tokenizer(const std::string& file, const json& config) {
  if (!bool_member(config, "split_by_punct", false, file)) {
    return make_metaspace({});
  }
  const json sequence = {{"type", "Sequence"},
                         {"pretokenizers", {{{"type", "Punctuation"}}, {{"type", "Metaspace"}, {"replacement", "▁"}}}}};
  return parse_pre_tokenizer(&sequence, file);
}

NamedWordModel make_unigram(const ScoredPieces& pieces, const UnigramOptions& options, const std::string& file) {
  auto vocabulary = std::make_shared<Vocabulary>();
  for (size_t id = 0; id < pieces.size(); ++id) {
    vocabulary->add(pieces[id].first, static_cast<int64_t>(id), Vocabulary::Repeated::kKeepsItsName);
  }
  auto unigram = std::make_unique<Unigram>(vocabulary, pieces, options, file);
  return {std::move(vocabulary), std::move(unigram)};
}

NamedWordModel make_bpe(const SentencePieceModel& model, const ScoredPieces& pieces, const std::string& file) {
  auto vocabulary = std::make_shared<Vocabulary>();
  for (size_t id = 0; id < pieces.size(); ++id) {
    vocabulary->add(pieces[id].first, static_cast<int64_t>(id));
  }
  const BpeOptions options{.unk_token = model.unk_piece, .fuse_unk = true};
  auto bpe = std::make_unique<Bpe>(vocabulary, find_merges(model, pieces, file), options, file);
  return {std::move(vocabulary), std::move(bpe)};
}

/// Control and user-defined pieces are added tokens too, the former special.
std::vector<NumberedToken> find_added_tokens(const SentencePieceModel& model, const Vocabulary& vocabulary) {
  std::vector<NumberedToken> tokens;
  auto next_id = static_cast<int64_t>(vocabulary.size());
  for (const auto& piece : model.pieces) {
    if (piece.type != PieceType::kControl && piece.type != PieceType::kUserDefined) {
      continue;
    }
    const int32_t known = vocabulary.find(piece.text);
    const int64_t id = known == Vocabulary::kAbsent ? next_id++ : known;
    tokens.push_back({{.content = piece.text, .normalized = false, .special = piece.type == PieceType::kControl}, id});
  }
  return tokens;
}

}  // namespace

NamedWordModel read_unigram_model(const TokenizerJson& parsed) {
  const json& model = require_member(parsed.root, "model", parsed.file);
  require_array(model, "vocab", parsed.file);
  UnigramOptions options;
  if (find_member(model, "unk_id") != nullptr) {
    options.unk_id = count_member(model, "unk_id", 0, parsed.file);
  }
  options.byte_fallback = bool_member(model, "byte_fallback", false, parsed.file);
  return make_unigram(parsed.pieces, options, parsed.file);
}

TokenizerDefinition read_sentencepiece_files(const fs::path& directory, const TokenizerClass& of, const json& config) {
  const fs::path path = directory / of.vocabulary_file;
  const std::string name = of.name;
  const SentencePieceModel model = read_sentencepiece_model(path);
  const Layout layout = name == "XLMRoberta"  ? lay_out_xlm_roberta(model)
                        : name == "Camembert" ? lay_out_camembert(model)
                        : name == "Albert"    ? lay_out_albert(model)
                                              : lay_out_plain(model);
  TokenizerDefinition definition;
  definition.files = TokenizerFiles::kSentencePiece;
  definition.file = path.string();
  NamedWordModel word_model = model.model == PieceModel::kBpe
                                  ? make_bpe(model, layout.pieces, definition.file)
                                  : make_unigram(layout.pieces, {.unk_id = layout.unk_id}, definition.file);
  definition.vocabulary = word_model.vocabulary;
  const std::string config_file = (directory / "tokenizer_config.json").string();
  auto normalizer = name == "Albert"      ? make_albert_normalizer(model, config_file, config)
                    : name == "DebertaV2" ? make_deberta_normalizer(model, config_file, config)
                                          : make_roberta_normalizer(model, config_file);
  auto pre_tokenizer =
      name == "DebertaV2" ? make_deberta_pre_tokenizer(config_file, config) : make_metaspace(MetaspaceOptions());
  definition.model =
      std::make_unique<WordTextModel>(std::move(normalizer), std::move(pre_tokenizer), std::move(word_model.model));
  definition.decoder = make_metaspace_decoder();
  definition.added_tokens = find_added_tokens(model, *definition.vocabulary);
  return definition;
}

}  // namespace bertjit
