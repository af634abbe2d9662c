#include "tokenize/wordpiece_files.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "support/error.h"
#include "support/file.h"
#include "tokenize/bert_pre_tokenizer.h"
#include "tokenize/json_members.h"
#include "tokenize/normalizers.h"
#include "tokenize/unicode.h"
#include "tokenize/word_text_model.h"

namespace bertjit {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

size_t line_of(const std::string& text, size_t offset) {
  return 1 + static_cast<size_t>(std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(offset), '\n'));
}

/// The model, with a message that names the file where the vocabulary has no unk_token.
NamedWordModel make_wordpiece(std::shared_ptr<const Vocabulary> vocabulary, const WordPieceOptions& options,
                              const std::string& file) {
  if (vocabulary->find(options.unk_token) == Vocabulary::kAbsent) {
    throw Error(ErrorKind::kCorrupt, file + ": has no '" + options.unk_token + "', the unk_token, among its " +
                                         std::to_string(vocabulary->size()) + " tokens");
  }
  auto model = std::make_unique<WordPiece>(vocabulary, options);
  return {std::move(vocabulary), std::move(model)};
}

}  // namespace

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

NamedWordModel read_wordpiece_model(const TokenizerJson& parsed) {
  const json& model = require_member(parsed.root, "model", parsed.file);
  WordPieceOptions options;
  options.unk_token = string_member(model, "unk_token", "[UNK]", parsed.file);
  options.continuing_subword_prefix = string_member(model, "continuing_subword_prefix", "##", parsed.file);
  options.max_input_chars_per_word = count_member(model, "max_input_chars_per_word", 100, parsed.file);
  return make_wordpiece(build_vocabulary(parsed), options, parsed.file);
}

TokenizerDefinition read_wordpiece_files(const fs::path& directory, const std::string& unk_token,
                                         const BertNormalizerOptions& normalizer) {
  const fs::path path = directory / "vocab.txt";
  TokenizerDefinition definition;
  definition.files = TokenizerFiles::kWordPiece;
  definition.file = path.string();
  NamedWordModel model = make_wordpiece(read_vocabulary(path), {.unk_token = unk_token}, definition.file);
  definition.vocabulary = std::move(model.vocabulary);
  definition.decoder = make_wordpiece_decoder();
  definition.model = std::make_unique<WordTextModel>(make_bert_normalizer(normalizer), make_bert_pre_tokenizer(),
                                                     std::move(model.model));
  return definition;
}

}  // namespace bertjit
