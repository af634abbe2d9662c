#include "compare/text_diff.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string_view>
#include <unordered_map>

#include "compare/sequence_matcher.h"

namespace bertjit {

namespace {

using Lines = std::vector<std::string>;

constexpr double kSimilar = 0.75;           ///< ratio from which two lines are one that was changed
constexpr size_t kExactPairs = 60'000;      ///< pairs of lines that may be compared before the search is narrowed
constexpr size_t kWindow = 10;              ///< how far apart two lines may stand in a narrowed search
constexpr std::string_view kBlank = " \t";  ///< begins no match within a line
constexpr std::string_view kSpace = " \t\n\r\v\f";

/// Where the code points of UTF-8 begin, and the end.
std::vector<size_t> code_points(const std::string& text) {
  std::vector<size_t> begins;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80 || i == 0) {
      begins.push_back(i);
    }
  }
  begins.push_back(text.size());
  return begins;
}

/// Texts as numbers, one for each that is different.
class Alphabet {
 public:
  uint32_t letter(const std::string& text) {
    const auto [entry, added] = letters_.try_emplace(text, static_cast<uint32_t>(texts_.size()));
    if (added) {
      texts_.push_back(text);
    }
    return entry->second;
  }
  Sequence letters(const Lines& texts) {
    Sequence sequence;
    for (const auto& text : texts) {
      sequence.push_back(letter(text));
    }
    return sequence;
  }
  /// The code points of a line and its end, which counts as one that is equal in both.
  Sequence spelled(const std::string& line) {
    Sequence sequence;
    const auto begins = code_points(line);
    for (size_t i = 0; i + 1 < begins.size(); ++i) {
      sequence.push_back(letter(line.substr(begins[i], begins[i + 1] - begins[i])));
    }
    sequence.push_back(letter("\n"));
    return sequence;
  }
  std::vector<bool> blanks() const {
    std::vector<bool> blank;
    for (const auto& text : texts_) {
      blank.push_back(text.size() == 1 && kBlank.find(text[0]) != std::string_view::npos);
    }
    return blank;
  }
  size_t size() const {
    return texts_.size();
  }

 private:
  std::unordered_map<std::string, uint32_t> letters_;
  Lines texts_;
};

/// The marks under a line: blanks where the line has tabs, so that they stand where they should; none if all is equal.
std::string marks_line(const std::string& line, const std::string& marks) {
  std::string text;
  const auto begins = code_points(line);
  for (size_t i = 0; i + 1 < begins.size(); ++i) {
    const char c = line[begins[i]];
    text += marks[i] == ' ' && kSpace.find(c) != std::string_view::npos ? c : marks[i];
  }
  const size_t end = text.find_last_not_of(kSpace);
  return end == std::string::npos ? "" : text.substr(0, end + 1);
}

class LineDiffer {
 public:
  LineDiffer(const Lines& a, const Lines& b)
      : a_(a), b_(b), spelled_a_(spell(a)), spelled_b_(spell(b)), matcher_(letters_.blanks()) {}

  TextDiff diff() {
    Alphabet lines;
    const Sequence a = lines.letters(a_);
    const Sequence b = lines.letters(b_);
    SequenceMatcher matcher(std::vector<bool>(lines.size()));
    matcher.set_b(b);
    matcher.set_a(a);
    for (const Edit& edit : matcher.edits()) {
      const Block block{edit.a_begin, edit.a_end, edit.b_begin, edit.b_end};
      if (edit.tag == EditTag::kEqual) {
        add(' ', a_, edit.a_begin, edit.a_end);
      } else {
        add_changed(block);
      }
    }
    return std::move(result_);
  }

 private:
  /// Lines a[a_begin, a_end) that became b[b_begin, b_end).
  struct Block {
    size_t a_begin, a_end, b_begin, b_end;

    size_t a_size() const {
      return a_end - a_begin;
    }
    size_t b_size() const {
      return b_end - b_begin;
    }
  };
  struct Pair {
    size_t a, b;
  };

  std::vector<Sequence> spell(const Lines& lines) {
    std::vector<Sequence> spelled;
    for (const auto& line : lines) {
      spelled.push_back(letters_.spelled(line));
    }
    return spelled;
  }

  void add(char tag, const Lines& lines, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      result_.lines.push_back(std::string(1, tag) + " " + lines[i]);
    }
  }

  /// The shorter side first, so that what belongs together is not torn apart.
  void add_plain(const Block& block) {
    if (block.b_size() < block.a_size()) {
      add('+', b_, block.b_begin, block.b_end);
      add('-', a_, block.a_begin, block.a_end);
    } else {
      add('-', a_, block.a_begin, block.a_end);
      add('+', b_, block.b_begin, block.b_end);
    }
  }

  void add_changed(const Block& block) {
    const size_t pairs = block.a_size() * block.b_size();
    if (pairs == 0) {
      add_plain(block);
    } else if (pairs <= exact_pairs_) {
      exact_pairs_ -= pairs;
      add_most_similar(block);
    } else {
      result_.narrowed = true;
      add_nearby(block);
    }
  }

  /// Finds the two lines that are most alike, and goes on before and after them.
  void add_most_similar(const Block& block) {
    const auto pair = most_similar(block);
    if (!pair) {
      add_plain(block);
      return;
    }
    add_changed({block.a_begin, pair->a, block.b_begin, pair->b});
    add_pair(*pair);
    add_changed({pair->a + 1, block.a_end, pair->b + 1, block.b_end});
  }

  std::optional<Pair> most_similar(const Block& block) {
    std::optional<Pair> similar, equal;
    double best = kSimilar - 0.01;
    for (size_t j = block.b_begin; j < block.b_end; ++j) {
      matcher_.set_b(spelled_b_[j]);
      for (size_t i = block.a_begin; i < block.a_end; ++i) {
        matcher_.set_a(spelled_a_[i]);
        if (a_[i] == b_[j]) {
          equal = equal ? equal : Pair{i, j};
        } else if (matcher_.is_above(best)) {
          best = matcher_.ratio();
          similar = Pair{i, j};
        }
      }
    }
    return best >= kSimilar ? similar : equal;
  }

  /// Goes through the lines of b once and pairs each with the line most alike that stands near its place.
  void add_nearby(const Block& block) {
    Block open = block;  // what no pair has settled
    for (size_t j = block.b_begin; j < block.b_end; ++j) {
      const size_t place = block.a_begin + (j - block.b_begin);
      const size_t begin = std::max(open.a_begin, place < kWindow ? 0 : place - kWindow);
      const size_t end = std::min(place + kWindow + 1, block.a_end);
      if (begin >= end) {
        break;
      }
      matcher_.set_b(spelled_b_[j]);
      double best = kSimilar - 1e-5;
      std::optional<Pair> similar;
      for (size_t i = begin; i < end; ++i) {
        matcher_.set_a(spelled_a_[i]);
        if (matcher_.is_above(best)) {
          best = matcher_.ratio();
          similar = Pair{i, j};
        }
      }
      if (similar) {
        add_plain({open.a_begin, similar->a, open.b_begin, j});
        add_pair(*similar);
        open.a_begin = similar->a + 1;
        open.b_begin = j + 1;
      }
    }
    add_plain(open);
  }

  void add_pair(const Pair& pair) {
    if (a_[pair.a] == b_[pair.b]) {
      add(' ', a_, pair.a, pair.a + 1);
      return;
    }
    matcher_.set_b(spelled_b_[pair.b]);
    matcher_.set_a(spelled_a_[pair.a]);
    std::string a_marks, b_marks;
    for (const Edit& edit : matcher_.edits()) {
      const bool replaced = edit.tag == EditTag::kReplace;
      const bool equal = edit.tag == EditTag::kEqual;
      a_marks.append(edit.a_end - edit.a_begin, equal ? ' ' : replaced ? '^' : '-');
      b_marks.append(edit.b_end - edit.b_begin, equal ? ' ' : replaced ? '^' : '+');
    }
    add('-', a_, pair.a, pair.a + 1);
    add_marks(marks_line(a_[pair.a], a_marks));
    add('+', b_, pair.b, pair.b + 1);
    add_marks(marks_line(b_[pair.b], b_marks));
  }

  void add_marks(const std::string& marks) {
    if (!marks.empty()) {
      result_.lines.push_back("? " + marks);
    }
  }

  const Lines& a_;
  const Lines& b_;
  Alphabet letters_;
  std::vector<Sequence> spelled_a_, spelled_b_;
  SequenceMatcher matcher_;
  size_t exact_pairs_ = kExactPairs;
  TextDiff result_;
};

}  // namespace

TextDiff diff_lines(const Lines& first, const Lines& second) {
  return LineDiffer(first, second).diff();
}

Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

std::string joined_lines(const Lines& lines) {
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) {
    text += (i == 0 ? "" : "\n") + lines[i];
  }
  return text;
}

}  // namespace bertjit
