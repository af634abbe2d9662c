#include "report/html_diff.h"

#include <algorithm>
#include <sstream>
#include <vector>

#include "report/columns.h"
#include "report/html_page.h"
#include "report/markup.h"
#include "report/near_changes.h"

namespace bertjit {

namespace {

constexpr size_t kMaxRows = 2000;

/// A line of the diff, with what the "? " line after it marks in it.
struct DiffLine {
  char kind;  ///< ' ', '-', '+'
  std::string text;
  std::string marks;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

/// The line's characters; those over which `marks` has something else than a blank are marked.
std::string marked_text(const DiffLine& line) {
  std::string markup;
  std::string run;
  bool is_marked = false;
  const auto finish_run = [&] {
    if (!run.empty()) {
      markup += is_marked ? "<mark>" + markup_text(run) + "</mark>" : markup_text(run);
    }
    run.clear();
  };
  size_t column = 0;
  for (const char c : line.text) {
    if ((c & 0xc0) != 0x80) {
      const bool marked = column < line.marks.size() && line.marks[column] != ' ' && line.marks[column] != '\t';
      ++column;
      if (marked != is_marked) {
        finish_run();
        is_marked = marked;
      }
    }
    run += c;
  }
  finish_run();
  return markup;
}

/// Lays changed lines side by side, and writes the rows of the table.
class SideBySide {
 public:
  void add(const DiffLine& line) {
    lines_.push_back(line);
  }

  void mark_last(const std::string& marks) {
    if (!lines_.empty()) {
      lines_.back().marks = marks;
    }
  }

  /// What came so far is a run of changes; equal lines follow.
  void finish_run() {
    for (size_t i = 0; i < lines_.size(); ++i) {
      // ndiff puts a line and what became of it together, and marks what changed in at least one of them.
      const bool is_pair = i + 1 < lines_.size() && lines_[i].kind == '-' && lines_[i + 1].kind == '+' &&
                           !(lines_[i].marks.empty() && lines_[i + 1].marks.empty());
      if (is_pair) {
        finish_waiting();
        add_row(&lines_[i], &lines_[i + 1]);
        ++i;
      } else {
        (lines_[i].kind == '-' ? left_ : right_).push_back(&lines_[i]);
      }
    }
    finish_waiting();
    lines_.clear();
  }

  void add_equal(const DiffLine& line) {
    finish_run();
    add_row(&line, &line);
  }

  void skip_equal(size_t count) {
    finish_run();
    left_number_ += count;
    right_number_ += count;
    add_gap("… " + grouped_count(count, "equal line"));
  }

  std::string finish() {
    finish_run();
    if (rows_ > kMaxRows) {
      markup_ += gap("… " + grouped_count(rows_ - kMaxRows, "more row") + " in the JSON report");
    }
    return std::move(markup_);
  }

 private:
  static std::string gap(const std::string& text) {
    return "<tr><td class=\"gap\" colspan=\"4\">" + text + "</td></tr>\n";
  }

  void add_gap(const std::string& text) {
    if (rows_++ < kMaxRows) {
      markup_ += gap(text);
    }
  }

  static std::string cells(const DiffLine* line, size_t& number, const char* kind) {
    if (line == nullptr) {
      return "<td class=\"at\"></td><td></td>";
    }
    return "<td class=\"at\">" + std::to_string(++number) + "</td><td class=\"" + kind + "\">" + marked_text(*line) +
           "</td>";
  }

  void add_row(const DiffLine* left, const DiffLine* right) {
    const bool is_equal = left == right;
    const std::string row = "<tr>" + cells(left, left_number_, is_equal ? "equal" : "minus") +
                            cells(right, right_number_, is_equal ? "equal" : "plus") + "</tr>\n";
    if (rows_++ < kMaxRows) {
      markup_ += row;
    }
  }

  void finish_waiting() {
    for (size_t i = 0; i < std::max(left_.size(), right_.size()); ++i) {
      add_row(i < left_.size() ? left_[i] : nullptr, i < right_.size() ? right_[i] : nullptr);
    }
    left_.clear();
    right_.clear();
  }

  std::vector<DiffLine> lines_;  ///< of the run
  std::vector<const DiffLine*> left_;
  std::vector<const DiffLine*> right_;
  size_t left_number_ = 0;
  size_t right_number_ = 0;
  size_t rows_ = 0;
  std::string markup_;
};

}  // namespace

std::string html_diff(const std::string& caption, const std::string& diff) {
  const std::vector<std::string> lines = lines_of(diff);
  SideBySide table;
  for (const DiffPiece& piece : near_changes(lines)) {
    const std::string& line = lines[piece.line];
    // A line of another form is shown whole.
    const bool has_sign = line.size() >= 2 && line[1] == ' ' && std::string(" -+?").find(line[0]) != std::string::npos;
    const std::string text = has_sign ? line.substr(2) : line;
    const char kind = has_sign ? line[0] : ' ';
    if (piece.left_out > 0) {
      table.skip_equal(piece.left_out);
    } else if (kind == '?') {
      table.mark_last(text);
    } else if (kind == '-' || kind == '+') {
      table.add({kind, text, ""});
    } else {
      table.add_equal({' ', text, ""});
    }
  }
  return html_table(caption, "diff mono",
                    "<colgroup><col class=\"at\"/><col/><col class=\"at\"/><col/></colgroup>\n"
                    "<tr><th class=\"at\" scope=\"col\">line</th><th scope=\"col\">− only here</th>"
                    "<th class=\"at\" scope=\"col\">line</th><th scope=\"col\">+ only here</th></tr>\n" +
                        table.finish());
}

}  // namespace bertjit
