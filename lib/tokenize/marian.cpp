#include "tokenize/marian.h"

#include <utility>

#include "support/error.h"
#include "tokenize/bpe_files.h"
#include "tokenize/json_members.h"
#include "tokenize/unicode.h"

namespace bertjit {

using nlohmann::json;

namespace {

void refuse_options(const json& config, const std::string& file) {
  if (bool_member(config, "separate_vocabs", false, file)) {
    throw unsupported_part(file, "separate_vocabs of Marian", "true", "one vocab.json for both languages");
  }
  if (const json* options = find_member(config, "sp_model_kwargs"); options != nullptr && !options->empty()) {
    throw unsupported_part(file, "sp_model_kwargs of Marian", options->dump(), "none");
  }
}

}  // namespace

MarianText::MarianText(std::shared_ptr<const Vocabulary> vocabulary, std::unique_ptr<SentencePieceProcessor> source,
                       const std::string& unk_token, const std::string& file)
    : vocabulary_(std::move(vocabulary)), source_(std::move(source)), unk_id_(vocabulary_->find(unk_token)) {
  if (unk_id_ == Vocabulary::kAbsent) {
    throw Error(ErrorKind::kCorrupt, file + ": has no '" + unk_token + "', the unk_token, among its " +
                                         std::to_string(vocabulary_->size()) + " tokens");
  }
}

void MarianText::append_normalized(std::string_view text, std::string& out) const {
  if (find_malformed_utf8(text) == std::string_view::npos) {
    out += text;
    return;
  }
  for (size_t i = 0; i < text.size();) {
    append_utf8(next_code_point(text, i), out);
  }
}

void MarianText::append_ids(std::string_view normalized, TextPlace, std::vector<int32_t>& ids) const {
  if (normalized.starts_with(">>")) {
    if (const size_t end = normalized.find("<<"); end != std::string_view::npos) {
      ids.push_back(id_of(normalized.substr(0, end + 2)));
      normalized.remove_prefix(end + 2);
    }
  }
  for (const std::string& piece : source_->encode(normalized)) {
    ids.push_back(id_of(piece));
  }
}

int32_t MarianText::id_of(std::string_view piece) const {
  const int32_t id = vocabulary_->find(piece);
  return id == Vocabulary::kAbsent ? unk_id_ : id;
}

TokenizerDefinition read_marian_files(const std::filesystem::path& directory, const std::string& unk_token,
                                      const json& config) {
  refuse_options(config, (directory / "tokenizer_config.json").string());
  TokenizerDefinition definition;
  definition.files = TokenizerFiles::kMarian;
  definition.file = (directory / "vocab.json").string();
  definition.vocabulary = read_vocab_json(directory / "vocab.json");
  definition.model = std::make_unique<MarianText>(definition.vocabulary,
                                                  std::make_unique<SentencePieceProcessor>(directory / "source.spm"),
                                                  unk_token, definition.file);
  return definition;
}

}  // namespace bertjit
