#include "tokenize/bpe_files.h"

#include <set>
#include <string_view>

#include "support/error.h"
#include "support/file.h"
#include "support/json.h"
#include "tokenize/byte_level.h"
#include "tokenize/json_members.h"
#include "tokenize/unicode.h"
#include "tokenize/word_text_model.h"

namespace bertjit {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

void refuse_dropout(const json& model, const std::string& file) {
  const json* dropout = find_member(model, "dropout");
  if (dropout != nullptr && !dropout->is_number()) {
    throw wrong_member(file, "dropout", *dropout, "a number or null");
  }
  if (dropout != nullptr && dropout->get<double>() != 0) {
    throw unsupported_part(file, "dropout of BPE", dropout->dump(), "none, as its answers are random");
  }
}

/// The lines of a text as Python reads them: each ends with \n, \r\n or \r. What follows the last end is a line too.
std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  size_t begin = 0;
  for (size_t end; (end = text.find_first_of("\r\n", begin)) != std::string_view::npos;) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + (text.substr(end, 2) == "\r\n" ? 2 : 1);
  }
  lines.push_back(text.substr(begin));
  return lines;
}

/// Words as str.split() of Python parts them.
std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  bool in_word = false;
  for (size_t i = 0; i < line.size();) {
    const char32_t c = next_code_point(line, i);
    const bool is_space = is_white_space(c) || (c >= 0x1C && c <= 0x1F);
    if (!is_space) {
      if (!in_word) {
        words.emplace_back();
      }
      append_utf8(c, words.back());
    }
    in_word = !is_space;
  }
  return words;
}

}  // namespace

std::shared_ptr<const Vocabulary> read_vocab_json(const fs::path& path) {
  const std::string text = read_text_file(path);
  const std::string file = path.string();
  std::vector<std::pair<std::string, json>> tokens;
  std::string key;
  json root;
  const auto take = [&](int depth, json::parse_event_t event, json& value) {
    if (depth == 1 && event == json::parse_event_t::key) {
      key = value.get<std::string>();
      return false;
    }
    if (depth == 1 && event == json::parse_event_t::value) {
      tokens.emplace_back(key, value);
      return false;
    }
    return true;
  };
  try {
    root = json::parse(text, take);
  } catch (const json::exception&) {
    root = parse_json(text, file);  // throws, with the place
  }
  if (!root.is_object() || !root.empty() || tokens.empty()) {
    throw Error(ErrorKind::kCorrupt, file + ": is not an object of tokens and their ids");
  }
  return build_vocabulary(tokens, file);
}

NamedWordModel read_bpe_model(const TokenizerJson& parsed) {
  const std::string& file = parsed.file;
  const json& model = require_member(parsed.root, "model", file);
  refuse_dropout(model, file);
  require_array(model, "merges", file);
  BpeOptions options;
  if (find_member(model, "unk_token") != nullptr) {
    options.unk_token = require_string(model, "unk_token", file);
  }
  options.continuing_subword_prefix = string_member(model, "continuing_subword_prefix", "", file);
  options.end_of_word_suffix = string_member(model, "end_of_word_suffix", "", file);
  options.fuse_unk = bool_member(model, "fuse_unk", false, file);
  options.byte_fallback = bool_member(model, "byte_fallback", false, file);
  options.ignore_merges = bool_member(model, "ignore_merges", false, file);
  auto vocabulary = build_vocabulary(parsed);
  auto bpe = std::make_unique<Bpe>(vocabulary, parsed.merges, options, file);
  return {std::move(vocabulary), std::move(bpe)};
}

Merges read_merges(const fs::path& path) {
  const std::string text = read_text_file(path);
  const std::vector<std::string_view> lines = split_lines(text);
  Merges merges;
  std::set<std::pair<std::string, std::string>> seen;
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    std::vector<std::string> parts = split_words(lines[i]);
    if (parts.size() != 2) {
      throw Error(ErrorKind::kCorrupt, path.string() + ":" + std::to_string(i + 1) + ": holds " +
                                           std::to_string(parts.size()) + " words, expected the two of a merge");
    }
    std::pair<std::string, std::string> merge(std::move(parts[0]), std::move(parts[1]));
    if (seen.insert(merge).second) {
      merges.push_back(std::move(merge));
    }
  }
  return merges;
}

TokenizerDefinition read_bpe_files(const fs::path& directory, bool add_prefix_space) {
  TokenizerDefinition definition;
  definition.files = TokenizerFiles::kByteLevelBpe;
  definition.file = (directory / "vocab.json").string();
  auto vocabulary = read_vocab_json(directory / "vocab.json");
  const fs::path merges = directory / "merges.txt";
  auto bpe = std::make_unique<Bpe>(vocabulary, read_merges(merges), BpeOptions(), merges.string());
  definition.vocabulary = std::move(vocabulary);
  definition.decoder = make_byte_level_decoder();
  definition.model =
      std::make_unique<WordTextModel>(nullptr, make_byte_level({.add_prefix_space = add_prefix_space}), std::move(bpe));
  return definition;
}

}  // namespace bertjit
