#include "glue/examples.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <utility>

#include "support/error.h"
#include "support/file.h"
#include "support/file_status.h"
#include "support/words.h"
#include "tokenize/unicode.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
/// MNLI's training file, the largest of GLUE, has 79 MB.
constexpr size_t kLargestFile = size_t{1} << 30;
constexpr double kGreatestScore = 5;

std::vector<std::string> split_at(std::string_view text, char mark) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end; (end = text.find(mark, begin)) != std::string_view::npos; begin = end + 1) {
    parts.emplace_back(text.substr(begin, end - begin));
  }
  parts.emplace_back(text.substr(begin));
  return parts;
}

std::string counted_columns(size_t count) {
  return std::to_string(count) + (count == 1 ? " column" : " columns");
}

/// Lines of one file, and the words for what is wrong with one.
class Table {
 public:
  Table(const GlueTask& task, const std::string& text, std::string name) : task_(task), name_(std::move(name)) {
    refuse_malformed_utf8(text);
    std::string_view rest = text;
    if (rest.starts_with(kByteOrderMark)) {
      rest.remove_prefix(kByteOrderMark.size());
    }
    ends_with_line_end_ = rest.ends_with('\n');
    lines_ = split_at(rest, '\n');
    for (std::string& line : lines_) {
      if (line.ends_with('\r')) {
        line.pop_back();
      }
    }
    while (!lines_.empty() && lines_.back().empty()) {
      lines_.pop_back();
    }
    if (lines_.empty()) {
      throw Error(ErrorKind::kCorrupt, name_ + ": is empty, expected rows of " + task_.name);
    }
    read_header();
  }

  size_t size() const {
    return lines_.size();
  }
  size_t first_row() const {
    return first_row_;
  }
  bool ends_with_line_end() const {
    return ends_with_line_end_;
  }
  const std::vector<std::string>& columns() const {
    return columns_;
  }

  std::optional<size_t> find_column(const std::string& column) const {
    const auto it = std::ranges::find(columns_, column);
    return it == columns_.end() ? std::nullopt : std::optional(static_cast<size_t>(it - columns_.begin()));
  }

  size_t column(const std::string& column) const {
    if (const auto found = find_column(column)) {
      return *found;
    }
    refuse(0,
           "no column '" + column + "' among " + joined(columns_) + "; " + task_.name + " has " + expected_columns());
  }

  std::vector<std::string> row(size_t line) const {
    return split_at(lines_[line], '\t');
  }

  [[noreturn]] void refuse(size_t line, const std::string& what) const {
    throw Error(ErrorKind::kCorrupt, name_ + ":" + std::to_string(line + 1) + ": " + what);
  }

  /// A row of too many or too few columns.
  [[noreturn]] void refuse_row(size_t line, size_t found) const {
    const bool is_cut = line + 1 == lines_.size() && !ends_with_line_end_ && found < columns_.size();
    refuse(line, counted_columns(found) + ", expected " + std::to_string(columns_.size()) + " (" + joined(columns_) +
                     ")" + (is_cut ? "; the file ends in the middle of this row" : ""));
  }

 private:
  void refuse_malformed_utf8(const std::string& text) const {
    const size_t at = find_malformed_utf8(text);
    if (at == std::string::npos) {
      return;
    }
    const auto line = static_cast<size_t>(std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(at), '\n'));
    const size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;  // npos + 1 is 0
    char byte[8];
    std::snprintf(byte, sizeof byte, "0x%02x", static_cast<unsigned char>(text[at]));
    refuse(line, "byte " + std::to_string(at - begin + 1) + " of the line, " + byte + ", is not UTF-8");
  }

  /// A task without a header in its labelled files has one in "test", which has no labels.
  void read_header() {
    std::vector<std::string> first = split_at(lines_.front(), '\t');
    const bool has_header = task_.columns.empty() || std::ranges::find(first, task_.text) != first.end();
    columns_ = has_header ? std::move(first) : task_.columns;
    first_row_ = has_header ? 1 : 0;
    if (first_row_ == lines_.size()) {
      throw Error(ErrorKind::kCorrupt, name_ + ": has a header and no rows");
    }
  }

  std::string expected_columns() const {
    return "'" + task_.text + "'" + (task_.pair.empty() ? "" : ", '" + task_.pair + "'") + " and '" + task_.label + "'";
  }

  const GlueTask& task_;
  std::string name_;
  std::vector<std::string> lines_;
  bool ends_with_line_end_ = true;
  std::vector<std::string> columns_;
  size_t first_row_ = 1;
};

void read_score(const Table& table, size_t line, const std::string& word, Example& example) {
  const char* end = word.data() + word.size();
  const auto parsed = std::from_chars(word.data(), end, example.score);
  // Written so that NaN is refused.
  if (parsed.ec != std::errc() || parsed.ptr != end || !(example.score >= 0 && example.score <= kGreatestScore)) {
    table.refuse(line, "the score is '" + word + "', expected a number from 0 to 5");
  }
  example.label = 0;
}

void read_label(const GlueTask& task, const Table& table, size_t line, const std::string& word, Example& example) {
  if (word.empty()) {
    table.refuse(line, "the label (column " + task.label + ") is empty, expected " +
                           (task.classes.empty() ? "a number from 0 to 5" : "one of " + class_words(task)));
  }
  if (task.classes.empty()) {
    read_score(table, line, word, example);
    return;
  }
  const auto found = std::ranges::find(task.classes, word, &GlueClass::word);
  if (found == task.classes.end()) {
    table.refuse(line, "the label is '" + word + "', expected one of " + class_words(task));
  }
  example.label = found - task.classes.begin();
}

/// Where a row's values stand.
struct Columns {
  size_t text;
  size_t pair;  ///< that of the text where there are no pairs
  std::optional<size_t> label;
};

Columns find_columns(const GlueTask& task, const Table& table, const std::string& split) {
  const size_t text = table.column(task.text);
  const size_t pair = task.pair.empty() ? text : table.column(task.pair);
  return {text, pair, split == "test" ? table.find_column(task.label) : std::optional(table.column(task.label))};
}

/// nullopt for a row that is passed over.
std::optional<Example> read_row(const GlueTask& task, const Table& table, const Columns& columns, size_t line) {
  const std::vector<std::string> row = table.row(line);
  if (row.size() != table.columns().size()) {
    const bool may_break_off = line + 1 < table.size() || table.ends_with_line_end();
    if (task.has_broken_rows && row.size() < table.columns().size() && may_break_off) {
      return std::nullopt;
    }
    table.refuse_row(line, row.size());
  }
  Example example{.text = row[columns.text],
                  .pair = columns.pair == columns.text ? "" : row[columns.pair],
                  .line = static_cast<int64_t>(line) + 1};
  if (columns.label) {
    read_label(task, table, line, row[*columns.label], example);
  }
  return example;
}

std::vector<fs::path> part_files(const GlueTask& task, const ExampleSource& source) {
  std::vector<std::string> looked_for;
  for (const fs::path& folder : {fs::path(source.data), fs::path(source.data) / task.folder}) {
    std::vector<fs::path> files;
    for (const GluePart& part : task.parts) {
      // Only MNLI's training file is one for both parts.
      const std::string suffix = source.split == "train" ? "" : part.suffix;
      files.push_back(folder / (source.split + suffix + ".tsv"));
      if (source.split == "train") {
        break;
      }
    }
    if (std::ranges::all_of(files, [](const fs::path& file) { return path_exists(file); })) {
      return files;
    }
    for (const fs::path& file : files) {
      if (!path_exists(file)) {
        looked_for.push_back(file.string());
      }
    }
  }
  throw Error(ErrorKind::kNotFound, source.data + ": holds no " + source.split + " split of " + task.name +
                                        " (looked for " + joined(looked_for) + ")");
}

ExampleSet read_part(const GlueTask& task, const GluePart& part, const fs::path& path, const std::string& split,
                     std::optional<int64_t> limit) {
  ExampleSet set = parse_examples(task, read_text_file(path, kLargestFile), path.string(), split);
  set.name = part.name;
  if (limit && *limit < static_cast<int64_t>(set.examples.size())) {
    set.examples.resize(static_cast<size_t>(*limit));
  }
  return set;
}

}  // namespace

ExampleSet parse_examples(const GlueTask& task, const std::string& text, const std::string& name,
                          const std::string& split) {
  const Table table(task, text, name);
  const Columns columns = find_columns(task, table, split);
  ExampleSet set{.name = task.name, .path = name, .has_labels = columns.label.has_value()};
  size_t passed_over = 0;
  for (size_t line = table.first_row(); line < table.size(); ++line) {
    if (auto example = read_row(task, table, columns, line)) {
      set.examples.push_back(*std::move(example));
    } else {
      ++passed_over;
    }
  }
  if (passed_over > 0) {
    set.notes.push_back(name + ": " + std::to_string(passed_over) + (passed_over == 1 ? " row breaks" : " rows break") +
                        " off; passed over, as by transformers");
  }
  if (set.examples.empty()) {
    throw Error(ErrorKind::kCorrupt, name + ": has no whole row");
  }
  if (!table.ends_with_line_end()) {
    set.notes.push_back(name + ":" + std::to_string(table.size()) +
                        ": the last row has no line end; if the file was cut off, its text is not whole");
  }
  return set;
}

std::vector<ExampleSet> read_examples(const GlueTask& task, const ExampleSource& source, std::optional<int64_t> limit) {
  if (!path_exists(source.data)) {
    throw Error(ErrorKind::kNotFound, "--data " + source.data + ": no such file or directory");
  }
  if (!path_is_folder(source.data)) {
    const std::string file = fs::path(source.data).filename().string();
    const bool is_second = task.parts.size() > 1 && file.find(task.parts[1].suffix) != std::string::npos;
    return {read_part(task, task.parts[is_second ? 1 : 0], source.data, source.split, limit)};
  }
  const std::vector<fs::path> files = part_files(task, source);
  std::vector<ExampleSet> sets;
  for (size_t i = 0; i < files.size(); ++i) {
    sets.push_back(read_part(task, task.parts[i], files[i], source.split, limit));
  }
  return sets;
}

}  // namespace bertjit
