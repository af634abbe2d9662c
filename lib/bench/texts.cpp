#include "bench/texts.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>

#include "glue/glue_task.h"
#include "support/error.h"
#include "support/file.h"
#include "support/parallel.h"

namespace bertjit {

namespace {

Example parse_line(std::string_view line, int64_t number, const std::string& name) {
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  const size_t tab = line.find('\t');
  if (tab != line.rfind('\t')) {
    throw Error(ErrorKind::kCorrupt, name + ":" + std::to_string(number) +
                                         ": has more than one tab; a line is a text, or " +
                                         "two with a tab between them (a table of GLUE is read with --data)");
  }
  Example example{.text = std::string(line.substr(0, tab)), .pair = "", .line = number};
  if (tab != std::string_view::npos) {
    example.pair = line.substr(tab + 1);
  }
  return example;
}

int64_t count_tokens(const Tokenizer& tokenizer, const Example& example, const std::string& path) {
  try {
    const std::optional<std::string_view> pair =
        example.pair.empty() ? std::nullopt : std::optional<std::string_view>(example.pair);
    return static_cast<int64_t>(tokenizer.encode(example.text, pair, {}).input_ids.size());
  } catch (const Error& error) {
    throw Error(error.kind(), path + ":" + std::to_string(example.line) + ": " + error.what());
  }
}

}  // namespace

std::vector<ExampleSet> read_bench_texts(const BenchTextOptions& options) {
  if (!options.file.empty() && !options.data.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "--texts and --data both name texts; give one of them");
  }
  if (!options.file.empty()) {
    return {parse_text_lines(read_text_file(options.file), options.file)};
  }
  if (!options.data.empty()) {
    return read_examples(find_glue_task(options.task), {options.data, options.split}, std::nullopt);
  }
  return {};
}

ExampleSet parse_text_lines(const std::string& text, const std::string& name) {
  ExampleSet set{.name = name, .path = name, .has_labels = false};
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    set.examples.push_back(parse_line(rest.substr(0, end), static_cast<int64_t>(set.examples.size()) + 1, name));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  if (set.examples.empty()) {
    throw Error(ErrorKind::kCorrupt, name + ": has no line, so no text");
  }
  return set;
}

BenchTexts count_tokens(const Tokenizer& tokenizer, const ExampleSet& set, int64_t max_length, int threads) {
  BenchTexts texts{.path = set.path, .max_length = max_length, .lengths = std::vector<int64_t>(set.examples.size())};
  for_each_index(set.examples.size(), count_threads(threads),
                 [&](size_t i) { texts.lengths[i] = count_tokens(tokenizer, set.examples[i], set.path); });
  for (int64_t& length : texts.lengths) {
    texts.cut += length > max_length ? 1 : 0;
    length = std::min(length, max_length);
  }
  texts.tokens = std::accumulate(texts.lengths.begin(), texts.lengths.end(), int64_t{0});
  return texts;
}

}  // namespace bertjit
