#include "report/check_report.h"

#include <algorithm>
#include <sstream>

#include "report/columns.h"
#include "report/drawn_evidence.h"
#include "report/drawn_text.h"
#include "report/evidence_json.h"
#include "report/near_changes.h"
#include "report/visible.h"

namespace bertjit {
namespace {

constexpr size_t kWidth = 100;
constexpr size_t kMaxItems = 10;       ///< rows or names shown of one list
constexpr size_t kMaxFields = 6;       ///< fields shown of one row; the first ones say most
constexpr size_t kMaxLines = 40;       ///< lines shown of one text, e.g. an error's
constexpr size_t kMaxBlockLines = 60;  ///< lines shown of one block, e.g. a graph diff
constexpr size_t kVerdictWidth = 4;

/// Columns a text takes, one for each code point.
size_t columns(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end = text.find(separator); end != std::string::npos; end = text.find(separator, begin)) {
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

/// Breaks at spaces so that text after `indent` columns stays within kWidth; a word that is too long stays whole.
std::string wrap(const std::string& text, size_t indent) {
  std::string result;
  size_t column = indent;
  for (const std::string& word : split(text, ' ')) {
    const size_t width = columns(word);
    if (result.empty()) {
      result = word;
    } else if (column + 1 + width > kWidth) {
      result += "\n" + std::string(indent, ' ') + word;
      column = indent;
    } else {
      result += " " + word;
      ++column;
    }
    column += width;
  }
  return result;
}

/// `what` is " rows", " lines", or empty for names.
std::string left_out(size_t count, const std::string& what) {
  return "… " + std::to_string(count) + " more" + what + " in the JSON report";
}

/// A line of a block: its tabs become blanks, so that marks on the line below stay where they belong.
std::string block_line(const std::string& line) {
  std::string text;
  for (const char c : line) {
    text += c == '\t' ? "    " : std::string(1, c);
  }
  return visible(text);
}

/// The lines of a diff that are changed or near a change; the others are counted.
std::vector<std::string> shown_lines(const std::vector<std::string>& lines) {
  std::vector<std::string> result;
  for (const DiffPiece& piece : near_changes(lines)) {
    result.push_back(piece.left_out == 0 ? lines[piece.line] : "  … " + grouped_count(piece.left_out, "equal line"));
  }
  return result;
}

/// As diffs are coloured elsewhere: what is left out red, what is added green, marks dim.
std::string colored_diff_line(const std::string& line, Color color) {
  const char* code = line[0] == '-' ? "31" : line[0] == '+' ? "32" : line[0] == '?' ? "2" : nullptr;
  return color == Color::kNo || code == nullptr ? line : std::string("\033[") + code + "m" + line + "\033[0m";
}

bool has_block(const EvidenceFields& fields);

/// Whether it takes more than one line because of a block within.
struct HasBlock {
  bool operator()(const TextBlock&) const {
    return true;
  }
  bool operator()(const EvidenceFields& fields) const {
    return has_block(fields);
  }
  bool operator()(const EvidenceRows& rows) const {
    return std::any_of(rows.begin(), rows.end(), has_block);
  }
  template <class Value>
  bool operator()(const Value&) const {
    return false;
  }
};

bool has_block(const EvidenceFields& fields) {
  return std::any_of(fields.begin(), fields.end(),
                     [](const Evidence& field) { return std::visit(HasBlock{}, field.value); });
}

/// Prints evidence line by line, nested lists two columns further in.
class EvidencePrinter {
 public:
  /// `where` is what the check blames.
  EvidencePrinter(size_t indent, const std::string& where, Color color, std::ostream& out)
      : indent_(indent), where_(where), color_(color), out_(out) {}

  void print(const EvidenceFields& fields) {
    for (const Evidence& field : fields) {
      if (!is_empty(field) && !print_drawn(field)) {
        std::visit([&](const auto& value) { print_field(visible(field.key), value); }, field.value);
      }
    }
  }

  void print_line(const std::string& text) {
    out_ << margin() << wrap(text, indent_) << '\n';
  }

 private:
  /// A text or rows with nothing in them say nothing; JSON has them. A list of names says "none".
  static bool is_empty(const Evidence& field) {
    const auto* text = std::get_if<std::string>(&field.value);
    const auto* rows = std::get_if<EvidenceRows>(&field.value);
    return (text != nullptr && text->empty()) || (rows != nullptr && rows->empty());
  }

  static std::string inline_text(bool value) {
    return value ? "yes" : "no";
  }
  static std::string inline_text(int64_t value) {
    return std::to_string(value);
  }
  static std::string inline_text(double value) {
    return number_text(value);
  }
  static std::string inline_text(const std::string& value) {
    std::string text;
    for (const std::string& line : split(value, '\n')) {
      text += (text.empty() || line.empty() ? "" : "; ") + visible(line);
    }
    return text;
  }
  static std::string inline_text(const TextBlock& block) {
    return inline_text(block.text);
  }
  static std::string inline_text(const std::vector<int64_t>& values) {
    std::string text;
    for (const int64_t value : values) {
      text += (text.empty() ? "" : ", ") + std::to_string(value);
    }
    return "[" + text + "]";
  }
  static std::string inline_text(const std::vector<std::string>& values) {
    std::string text = values.empty() ? "none" : "";
    for (size_t i = 0; i < std::min(values.size(), kMaxItems); ++i) {
      text += (i ? ", " : "") + visible(values[i]);
    }
    return values.size() > kMaxItems ? text + ", " + left_out(values.size() - kMaxItems, "") : text;
  }
  static std::string inline_text(const EvidenceFields& fields) {
    std::string text;
    size_t shown = 0;
    for (const Evidence& field : fields) {
      if (is_empty(field)) {
        continue;
      }
      if (shown++ == kMaxFields) {
        return text + ", …";
      }
      text += (text.empty() ? "" : ", ") + visible(field.key) + ": " +
              std::visit([](const auto& value) { return inline_text(value); }, field.value);
    }
    return text;
  }
  static std::string inline_text(const EvidenceRows& rows) {
    return std::to_string(rows.size()) + (rows.size() == 1 ? " row" : " rows");
  }

  /// What reads better as a picture than as rows.
  bool print_drawn(const Evidence& field) {
    if (const auto grid = read_grid(field)) {
      print_line(visible(field.key) + ":");
      print_grid(*grid, indent_ + 2, out_);
      for (const std::string& line : grid_troubles(*grid)) {
        EvidencePrinter(indent_ + 2, where_, color_, out_).print_line(line);
      }
      return true;
    }
    if (const auto layers = read_layers(field)) {
      print_line(visible(field.key) + ":");
      print_layers(*layers, blamed_layer(*layers, where_), indent_ + 2, out_);
      return true;
    }
    return false;
  }

  template <class Value>
  void print_field(const std::string& key, const Value& value) {
    print_line(key + ": " + inline_text(value));
  }

  void print_field(const std::string& key, const std::string& text) {
    if (text.find('\n') == std::string::npos) {
      print_line(key + ": " + visible(text));
      return;
    }
    print_line(key + ":");
    const std::vector<std::string> lines = split(text, '\n');
    const std::string inner(indent_ + 2, ' ');
    for (size_t i = 0; i < std::min(lines.size(), kMaxLines); ++i) {
      out_ << (lines[i].empty() ? "" : inner + visible(lines[i])) << '\n';
    }
    if (lines.size() > kMaxLines) {
      out_ << inner << left_out(lines.size() - kMaxLines, " lines") << '\n';
    }
  }

  void print_field(const std::string& key, const TextBlock& block) {
    print_line(key + ":");
    const bool diff = block.kind == TextBlock::Kind::kDiff;
    const std::vector<std::string> lines = diff ? shown_lines(split(block.text, '\n')) : split(block.text, '\n');
    const std::string inner(indent_ + 2, ' ');
    for (size_t i = 0; i < std::min(lines.size(), kMaxBlockLines); ++i) {
      const std::string line = block_line(lines[i]);
      out_ << (line.empty() ? "" : inner + (diff ? colored_diff_line(line, color_) : line)) << '\n';
    }
    if (lines.size() > kMaxBlockLines) {
      out_ << inner << left_out(lines.size() - kMaxBlockLines, " lines") << '\n';
    }
  }

  void print_field(const std::string& key, const EvidenceFields& fields) {
    print_line(key + ":");
    EvidencePrinter(indent_ + 2, where_, color_, out_).print(fields);
  }

  /// A row with blocks takes a line for each field; the first one stands behind the dash.
  void print_row(const EvidenceFields& row) {
    const std::string dash(indent_ + 2, ' ');
    if (!has_block(row)) {
      out_ << dash << "- " << wrap(inline_text(row), indent_ + 4) << '\n';
      return;
    }
    std::ostringstream text;
    EvidencePrinter(indent_ + 4, where_, color_, text).print(row);
    out_ << dash << "- " << text.str().substr(indent_ + 4);
  }

  void print_field(const std::string& key, const EvidenceRows& rows) {
    print_line(key + ":");
    for (size_t i = 0; i < std::min(rows.size(), kMaxItems); ++i) {
      print_row(rows[i]);
    }
    if (rows.size() > kMaxItems) {
      out_ << std::string(indent_ + 2, ' ') << left_out(rows.size() - kMaxItems, " rows") << '\n';
    }
  }

  std::string margin() const {
    return std::string(indent_, ' ');
  }

  size_t indent_;
  const std::string& where_;
  Color color_;
  std::ostream& out_;
};

std::string colored_verdict(Verdict verdict, Color color) {
  const std::string name = verdict_name(verdict);
  if (color == Color::kNo) {
    return name;
  }
  const char* code = verdict == Verdict::kPass   ? "32"    // green
                     : verdict == Verdict::kFail ? "1;31"  // bold red
                     : verdict == Verdict::kWarn ? "33"    // yellow
                                                 : "2";    // dim
  return std::string("\033[") + code + "m" + name + "\033[0m";
}

}  // namespace

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "pass";
    case Verdict::kFail:
      return "fail";
    case Verdict::kWarn:
      return "warn";
    case Verdict::kSkip:
      break;
  }
  return "skip";
}

void print_checks(const std::vector<CheckResult>& checks, Color color, std::ostream& out) {
  size_t id_width = 0;
  for (const CheckResult& check : checks) {
    id_width = std::max(id_width, check.id.size());
  }
  const size_t indent = kVerdictWidth + 2 + id_width + 2;
  for (const CheckResult& check : checks) {
    out << colored_verdict(check.verdict, color) << "  " << check.id << std::string(id_width - check.id.size(), ' ')
        << "  " << wrap(visible(check.summary), indent) << '\n';
    if (check.verdict == Verdict::kFail || check.verdict == Verdict::kWarn) {
      EvidencePrinter evidence(indent, check.where, color, out);
      if (!check.where.empty()) {
        evidence.print_line("where: " + visible(check.where));
      }
      if (!check.advice.empty()) {
        evidence.print_line("to mend: " + visible(check.advice));
      }
      evidence.print(check.evidence);
    }
  }
}

nlohmann::ordered_json checks_to_json(const std::vector<CheckResult>& checks) {
  nlohmann::ordered_json array = nlohmann::ordered_json::array();
  for (const CheckResult& check : checks) {
    array.push_back({{"id", json_text(check.id)},
                     {"verdict", verdict_name(check.verdict)},
                     {"summary", json_text(check.summary)},
                     {"where", json_text(check.where)},
                     {"advice", json_text(check.advice)},
                     {"evidence", evidence_to_json(check.evidence)}});
  }
  return array;
}

}  // namespace bertjit
